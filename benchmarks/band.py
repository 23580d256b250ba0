"""The synthetic band measured: speed and where the time goes, and labels against what independent ears hear.

    python benchmarks/band.py --songs 8 --data DATA

Speed is seconds of finished audio (all stems, labels and files of an item count as one) per second of processor time.
Truth: raw pitch accuracy (50 cents) of SwiftF0 on the dry lead against f0.npy; the share of the dry lead's energy that
lies inside the labelled syllables; how much louder the 60 ms after a labelled vowel are than the rests; peaks.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from descant.analyze.api import analyze
from descant.audio.clip import Clip
from descant.audio.io import read
from descant.data.band.folder import item_folder
from descant.data.band.labels import F0_HOP_S, chord_label
from descant.data.band.making import build_items
from descant.data.band.options import BandOptions
from descant.data.band.world import open_world, resolved
from descant.nets.swift_f0 import SwiftF0

PARTS = {
    "arrangement.py:arrange_song": "score: the engine's parts, human tempo",
    "vocals.py:sing_song": "singers: words, vocoder, backing",
    "item.py:_played": "instruments",
    "studio.py:treat": "studio: tone, dynamics, room",
    "studio.py:mix_down": "mix",
    "folder.py:write_item": "labels, FLAC, MIDI",
}


def main() -> None:
    """Build, time, listen, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--audio", default="flac", choices=("flac", "opus"))
    parser.add_argument(
        "--data", type=Path, help="folder with scores, voices, rooms and instruments; else all invented"
    )
    parser.add_argument("--listen", action="store_true", help="compare `analyze` on the mixtures with the labels too")
    given = parser.parse_args()
    asked = resolved(_asked(given))
    start = time.process_time()
    open_world(asked)
    print(f"opening the sources: {time.process_time() - start:.1f} s of processor time, once a worker")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        profile = cProfile.Profile(time.process_time)
        build_items(asked, root, [given.songs])  # one item to warm the caches, not counted
        start = time.process_time()
        profile.enable()
        build_items(asked, root, range(given.songs))
        profile.disable()
        spent = time.process_time() - start
        profiled = _times(profile)
        plain = time.process_time()
        build_items(asked, root, range(given.songs))
        plain = time.process_time() - plain
        items = [item_folder(root, number) for number in range(given.songs)]
        labels = [json.loads((item / "item.json").read_text(encoding="utf-8")) for item in items]
        length = sum(one["duration_s"] for one in labels)
        size = sum(f.stat().st_size for item in items for f in item.rglob("*") if f.is_file())
        print(f"{len(items)} items, {length:.0f} s: {plain:.1f} s of processor time, {length / plain:.1f} x real time")
        print(f"{size / length * 60 / 2**20:.1f} MiB a minute")
        for name, seconds in profiled.items():
            print(f"  {seconds / spent:5.0%}  {name}")
        if given.audio == "flac":
            _truth(items, labels)
        if given.listen:
            _listened(items, labels)


def _asked(given: argparse.Namespace) -> BandOptions:
    if given.data is None:
        return BandOptions(seed=given.seed, seconds=given.seconds, audio=given.audio)
    data = given.data
    scores = (data / "pop909.zip", data / "symbolic/nottingham.zip", data / "symbolic/lieder.zip")
    return BandOptions(
        seed=given.seed,
        seconds=given.seconds,
        audio=given.audio,
        scores=tuple(str(s) for s in scores),
        voices=data,
        rooms=data / "rooms",
        samples=data / "instruments",
    )


def _times(profile: cProfile.Profile) -> dict[str, float]:
    found = dict.fromkeys(PARTS.values(), 0.0)
    for (file, _, function), numbers in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        place = f"{Path(file).name}:{function}"
        if place in PARTS and "/band/" in file:
            found[PARTS[place]] += numbers[3]
    return found


def _truth(items: list[Path], labels: list[dict[str, Any]]) -> None:
    net = SwiftF0.load()
    rows = []
    for item, known in zip(items, labels, strict=True):
        mixture, _ = soundfile.read(item / "mixture.flac")
        quiet = float(
            (
                np.sqrt((mixture**2).reshape(-1, 2)[: len(mixture) // 4410 * 4410].reshape(-1, 4410 * 2).mean(1)) < 1e-4
            ).mean()
        )
        row = [
            known["number"],
            known["singer"]["id"] if known["singer"] else "-",
            known["lufs"],
            float(np.abs(mixture).max()),
            quiet,
        ]
        if known["singer"]:
            row += _of_voice(item, known, net)
        rows.append(row)
    print("item singer                    LUFS  peak silent   RPA recall false inside   rise  worst")
    for row in rows:
        head = f"{row[0]:4d} {str(row[1])[:22]:22s} {row[2]:7.1f} {row[3]:5.2f} {row[4]:6.1%}"
        print(
            head + (" {:6.1%} {:6.1%} {:5.1%} {:6.1%} {:5.1f} dB {:5.1f} dB".format(*row[5:]) if len(row) > 5 else "")
        )
    sung = np.array([row[5:] for row in rows if len(row) > 5], float)
    if len(sung):
        print("mean" + " " * 43 + " {:6.1%} {:6.1%} {:5.1%} {:6.1%} {:5.1f} dB {:5.1f} dB".format(*sung.mean(axis=0)))


def _listened(items: list[Path], labels: list[dict[str, Any]]) -> None:
    """Beat F, key and chords (majmin, weighted by time) of the listener against the labels, by mir_eval."""
    import mir_eval

    for item, known in zip(items, labels, strict=True):
        heard = analyze(read(item / "mixture.flac"))
        grid = heard.tempo_map()
        truth = np.array([time_s for time_s, _ in known["beats"]])
        beats = mir_eval.beat.f_measure(truth, np.asarray(heard.beats.times_s))
        spans = np.array([[start, end] for start, end, _ in known["chords"]])
        names = [name for *_, name in known["chords"]]
        majmin = 0.0
        if grid is not None and heard.chords:
            found = np.array([grid.seconds_at([c.start, c.end]) for c in heard.chords])
            said = [chord_label(c.chord, flats=False) for c in heard.chords]
            majmin = mir_eval.chord.evaluate(spans, names, found, said)["majmin"]
        key = heard.key.name if heard.key is not None else "none"
        print(f"{known['number']:4d} beat F {beats:.2f}  chords {majmin:.2f}  key {known['key']}, heard {key}")


def _of_voice(item: Path, known: dict[str, Any], net: SwiftF0) -> list[float]:
    dry, rate = soundfile.read(item / "parts/lead_dry.flac", dtype="float32")
    mono = dry.mean(axis=1)
    mono = mono / max(float(np.abs(mono).max()), 1e-6) * 0.5
    track = net(Clip(mono, rate))
    truth = np.load(item / "f0.npy")
    frames = np.minimum(np.round(track.times_s / F0_HOP_S).astype(int), len(truth) - 1)
    sung = truth[frames] > 0
    cents = np.abs(1200.0 * np.log2(np.maximum(track.f0_hz[sung], 1.0) / truth[frames][sung]))
    inside = np.zeros(len(mono), bool)
    syllables = [s for word in known["words"] for s in word["syllables"]]
    for one in syllables:
        inside[int(one["start_s"] * rate) : int(one["end_s"] * rate)] = True
    power = mono.astype(float) ** 2
    outside = 10.0 * np.log10(power[~inside].mean() + 1e-12) if (~inside).any() else -120.0
    after = [
        10.0 * np.log10(power[int(s["vowel_s"] * rate) : int((s["vowel_s"] + 0.06) * rate)].mean() + 1e-12)
        for s in syllables
        if s["vowel_s"] + 0.06 < len(mono) / rate
    ]
    return [
        float((cents < 50).mean()),
        float(track.voiced[sung].mean()),
        float(track.voiced[~sung].mean()),
        float(power[inside].sum() / power.sum()),
        float(np.median(after) - outside),
        float(np.min(after) - outside),
    ]


if __name__ == "__main__":
    main()
