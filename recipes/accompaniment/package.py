"""Pack a run into the folder of the card `descant-accompaniment`.

    python recipes/accompaniment/package.py --run RUN --pop909 pop909.zip --groove groove.zip --out FOLDER

writes weights.safetensors (fp16), harmony.safetensors (the harmoniser's counts), grooves.json (drum patterns) and
config.json, prints their sizes and digests, and with --card FILE writes them into the card. Without --pop909 or
--groove the counts or patterns that are there stay.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, fields
from pathlib import Path

import torch
from safetensors.torch import load_file

from descant.compose.grid import bars_of
from descant.compose.harmony import HarmonyTables
from descant.data.groove import Groove
from descant.data.pop909 import Pop909
from descant.hub.card_writer import set_digest
from descant.hub.checkpoint import save_tensors
from descant.hub.files import sha256_of
from descant.train.accompaniment import AccompanimentConfig
from descant.train.groove import distil
from descant.train.harmony import count_harmony

STYLES = {
    "pop", "pop-soft", "soul-motown", "soul", "rock", "rock-indie", "rock-halftime", "rock-folk", "punk", "country",
    "latin", "latin-brazilian", "latin-brazilian-bossa", "latin-bounce", "afrocuban", "dance", "dance-disco", "jazz",
    "jazz-swing", "funk", "reggae",
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("run", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("pop909", "groove", "card"):
        parser.add_argument(f"--{name}", type=Path)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    if asked.pop909 is not None:
        qualities = list(pack_harmony(Pop909(asked.pop909), asked.out).qualities)
    else:
        qualities = json.loads((asked.out / "config.json").read_text(encoding="utf-8"))["chord_qualities"]
    if asked.groove is not None:
        pack_grooves(Groove(asked.groove), asked.out)
    pack_network(asked.run, qualities, asked.out)
    for path in sorted(asked.out.iterdir()):
        print(f"{path.name} {path.stat().st_size} {sha256_of(path)}")
        if asked.card is not None:
            set_digest(asked.card, path)


def pack_network(run: Path, qualities: list[str], out: Path) -> None:
    described = json.loads((run / "config.json").read_text(encoding="utf-8"))
    config = AccompanimentConfig(**described["accompaniment"])
    weights = load_file(run / "checkpoint" / "weights.safetensors")
    save_tensors(out / "weights.safetensors", {name: tensor.half() for name, tensor in weights.items()})
    text = json.dumps({"network": asdict(config.network()), "chord_qualities": qualities}, indent=1)
    (out / "config.json").write_text(text + "\n", encoding="utf-8")


def pack_harmony(songs: Pop909, out: Path) -> HarmonyTables:
    loaded = [songs.load(song) for song in songs.songs("train")]
    counted = [(bars_of(score), score.key is not None and score.key.mode == "minor") for score in loaded]
    tables = count_harmony(counted)
    arrays = {field.name: getattr(tables, field.name) for field in fields(tables) if field.name != "qualities"}
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    save_tensors(
        out / "harmony.safetensors", {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}
    )
    return tables


def pack_grooves(drummers: Groove, out: Path) -> None:
    performances = [
        (p.name, p.style, p.is_fill, p.beats_per_bar * 4 / p.beat_unit, drummers.load(p))
        for p in drummers.performances("train")
        if p.beats_per_bar * 4 / p.beat_unit in (3, 4)
    ]
    table = distil(performances)
    kept = {metre: {s: found for s, found in by.items() if s in STYLES} for metre, by in table.items()}
    text = json.dumps(kept, separators=(",", ":"), sort_keys=True)
    (out / "grooves.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
