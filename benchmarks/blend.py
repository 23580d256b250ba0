"""How good and how fast `descant blend` is, on notes, a singer and stems that its net never heard.

    python benchmarks/blend.py --notes NOTES --data DATA [--pairs 12] [--figure docs/images/blend.png]

NOTES is what `descant data notes` made; only the pitches that SING's split holds out for the test are taken. DATA holds
`singing/erithacus` and `album/3_sodium`, which no training hears.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.io import read
from descant.audio.loudness import integrated_lufs
from descant.data.notes.note_set import NoteItem, NoteSet
from descant.dsp.rainbowgram import rainbowgram
from descant.evaluate.spectrum_metrics import multi_resolution_stft
from descant.instrument.blend.api import Blender, Sound
from descant.instrument.blend.listen import listen
from descant.instrument.blend.options import BlendOptions
from descant.instrument.blend.tone import render
from descant.instrument.blend.weights import grid_points
from descant.progress import Monitor

RATE = 48_000
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
NOTHING_DB = {"loudness": 0.5, "width": 1.0}
SLACK = 0.05
"""Of the way between both ends: a step back so small is none."""
TONE = BlendOptions(mode="tone")


def centroid(clip: Clip) -> float:
    """On the scale of octaves, over the whole sound."""
    power, hz = spectrum(clip)
    return float(np.log2((hz * power).sum() / power.sum()))


def flatness(clip: Clip) -> float:
    """In dB, 100 Hz to 16 kHz."""
    power, hz = spectrum(clip)
    power = power[(hz > 100) & (hz < 16_000)] + 1e-12 * power.max()
    return float(10 * np.log10(np.exp(np.log(power).mean()) / power.mean()))


def attack(clip: Clip) -> float:
    """Seconds from 10 % to 90 % of the loudest 5 ms, as a logarithm."""
    level = np.sqrt((clip.samples.mean(axis=0)[: clip.frames // 240 * 240].reshape(-1, 240) ** 2).mean(axis=1))
    first, last = (int(np.argmax(level > share * level.max())) for share in (0.1, 0.9))
    return float(np.log2(max(last - first, 1)))


def width(clip: Clip) -> float:
    """Side over mid in dB, at least -40."""
    left, right = clip.samples
    return float(10 * np.log10(((left - right) ** 2).sum() / ((left + right) ** 2).sum() + 1e-4))


def spectrum(clip: Clip) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean power of frames of 4,096 samples, and their frequencies."""
    mono = clip.samples.mean(axis=0)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(mono, 2048), 4096)[::2048] * np.hanning(4096)
    return (np.abs(np.fft.rfft(frames)) ** 2).mean(axis=0), np.fft.rfftfreq(4096, 1 / RATE)


DESCRIPTORS: dict[str, Callable[[Clip], float]] = {
    "loudness": integrated_lufs, "centroid": centroid, "flatness": flatness, "attack": attack, "width": width,
}  # fmt: skip
LEAST = {"loudness": 1.0, "centroid": 0.1, "flatness": 1.0, "attack": 0.6, "width": 2.0}
"""Ends that are nearer than this do not differ."""


def pitch(blender: Blender, clip: Clip) -> float:
    """MIDI number in the median loud moment."""
    contours = blender.listen(clip, "blend").contours
    loud = contours.level_db > contours.level_db.max() - 20
    return float(np.median(69 + 12 * np.log2(contours.hz[loud] / 440)))


def partial_db(clip: Clip, midi: float) -> float:
    """Level of the fundamental of a key, against the loudest partial."""
    mono = clip.samples.mean(axis=0)[RATE // 5 : 2 * RATE]
    power = np.abs(np.fft.rfft(mono * np.hanning(len(mono)))) ** 2
    hz = np.fft.rfftfreq(len(mono), 1 / RATE)
    key = 440 * 2 ** ((midi - 69) / 12)
    return float(10 * np.log10(power[np.abs(hz - key) < 0.008 * key + 1].max() / power.max()))


def reconstruction(blender: Blender, sounds: list[tuple[Clip, Sound]], title: str) -> None:
    """How far a sound is from itself through code and synthesis, through synthesis alone, and from another one."""
    rows = []
    for number, (_, sound) in enumerate(sounds):
        through = blender.blend([sound, sound], (1.0, 0.0), TONE, monitor=Monitor()).clip
        alone = render(listen(sound.samples, sound.contours), sound.contours)[:, : sound.samples.shape[1]]
        other = sounds[(number + 1) % len(sounds)][0]
        rows.append([log_distance(sound.samples, x) for x in (through.samples, alone, other.samples)])
    through_db, alone_db, other_db = np.median(rows, axis=0)
    print(f"{title}: {len(rows)} sounds, median log-spectral distance: through the code {through_db:.2f} dB, "
          f"synthesis without the code {alone_db:.2f} dB, another sound of the list {other_db:.2f} dB")  # fmt: skip


def log_distance(true: NDArray[np.float32], found: NDArray[np.float32]) -> float:
    """Mean absolute difference of magnitudes of the mid in dB over 2,048 samples, above 60 dB below the loudest."""
    frames = min(true.shape[1], found.shape[1])
    levels = []
    for samples in (true, found):
        mono = np.pad(samples.mean(axis=0)[:frames], 1024)
        cut = np.lib.stride_tricks.sliding_window_view(mono, 2048)[::512] * np.hanning(2048)
        power = np.abs(np.fft.rfft(cut)) ** 2 @ smoothing().T
        levels.append(10 * np.log10(power + 1e-12))
    loud = np.maximum(*levels) > levels[0].max() - 60
    floor = levels[0].max() - 60
    return float(np.abs(np.maximum(levels[0], floor) - np.maximum(levels[1], floor))[loud].mean())


def smoothing() -> NDArray[np.float64]:
    """The 48 bands of the ear, so that the grain of noise is no error."""
    from descant.instrument.blend.bands import triangles

    return triangles(2048).astype(float)


def path_of(blender: Blender, one: Sound, other: Sound) -> list[Clip]:
    """The blends from the one to the other."""
    return [blender.blend([one, other], (1 - s, s), TONE, monitor=Monitor()).clip for s in SHARES]


def judge_pairs(blender: Blender, pairs: list[tuple[NoteItem, NoteItem]]) -> None:
    """Counts of what blends of pairs do."""
    moved = {name: [0, 0] for name in DESCRIPTORS}
    one_pitch, absent, asked, apart, cents = 0, 0, 0, [], []
    for first, second in pairs:
        sounds = [blender.listen(item.read(high=True), item.name) for item in (first, second)]
        clips = path_of(blender, *sounds)
        for name, measure in DESCRIPTORS.items():
            values = np.array([measure(clip) for clip in clips])
            way = values[-1] - values[0]
            if abs(way) > LEAST[name]:
                moved[name][1] += 1
                moved[name][0] += int((np.diff(values) * np.sign(way) > -SLACK * abs(way)).all())
        half = clips[2]
        ends = [pitch(blender, clips[0]), pitch(blender, clips[-1])]
        if abs(ends[0] - ends[1]) > 2.5:
            asked += 1
            found = pitch(blender, half)
            cents.append(abs(100 * (found - np.mean(ends))))
            one_pitch += int(cents[-1] < 20)
            absent += int(max(partial_db(half, end) for end in ends) < -30)
        frames = min(half.frames, *(sound.samples.shape[1] for sound in sounds))
        faded = Clip(0.5 * sum(sound.samples[:, :frames] for sound in sounds), RATE)
        convergence, log_magnitude = multi_resolution_stft(faded, half.slice(0, frames / RATE))
        apart.append((convergence, log_magnitude))
    print(f"{len(pairs)} pairs of held-out notes, five blends each; descriptors that move one way, where ends differ:")
    for name, (monotone, counted) in moved.items():
        print(f"  {name}: {monotone} of {counted}")
    print(f"  pitches over 2.5 semitones apart: {asked}; half way one pitch within 20 cents of the middle: {one_pitch} "
          f"(median {np.median(cents):.1f} cents); both inputs' fundamentals under -30 dB: {absent}")  # fmt: skip
    convergence, magnitude = np.median(apart, axis=0)
    print(f"  distance of the half-way blend to the cross-fade (of a sound to itself it is 0): spectral convergence "
          f"{convergence:.2f}, log magnitude {magnitude:.2f}")  # fmt: skip


def judge_grids(blender: Blender, quads: list[list[NoteItem]]) -> None:
    """Steps of loudness between neighbours of 5 x 5 grids."""
    steps, ends = [], []
    for items in quads:
        sounds = [blender.listen(item.read(high=True), item.name) for item in items]
        levels = np.array([
            integrated_lufs(blender.blend(sounds, point.weights, TONE, monitor=Monitor()).clip)
            for point in grid_points(4, 5)
        ]).reshape(5, 5)  # fmt: skip
        steps += [float(np.abs(np.diff(levels, axis=axis)).max()) for axis in (0, 1)]
        ends.append(float(np.ptp(levels[[0, 0, -1, -1], [0, -1, 0, -1]])))
    print(f"{len(quads)} grids of 5 x 5: largest step of loudness between neighbours {max(steps):.2f} dB "
          f"(corners up to {max(ends):.1f} dB apart)")  # fmt: skip


def judge_corners(blender: Blender, clips: list[Clip]) -> None:
    """How exactly textures come back."""
    for one, other in pairwise(clips):
        for share, source in ((0.0, one), (1.0, other)):
            made = blender([one, other], [share], BlendOptions(mode="texture")).clip.samples
            wanted = source.to_channels(2).samples
            error = 20 * np.log10(np.linalg.norm(made - wanted) / np.linalg.norm(wanted) + 1e-9)
            print(f"texture with all the weight on one sound: error {error:.0f} dB")


def timed(blender: Blender, clips: list[Clip], mode: str) -> None:
    """Wall-clock and processor seconds of 20 s."""
    began, used = time.perf_counter(), processor_s()
    sounds = [blender.listen(clip, "sound") for clip in clips]
    heard = time.perf_counter()
    made = blender.blend(sounds, (0.5, 0.5), BlendOptions(mode=mode), monitor=Monitor()).clip  # type: ignore[arg-type]
    ended = time.perf_counter()
    print(f"{mode}: {made.duration_s:.0f} s of blend in {ended - began:.2f} s on the clock (listening "
          f"{heard - began:.2f}, blending {ended - heard:.2f}), {processor_s() - used:.2f} s of processor")  # fmt: skip


def processor_s() -> float:
    """Of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def draw(path: Path, clips: dict[str, Clip]) -> None:
    """Rainbowgrams side by side."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(clips), figsize=(3.2 * len(clips), 4), sharey=True)
    for axis, (title, clip) in zip(axes, clips.items(), strict=True):
        picture = rainbowgram(clip.to_mono().samples[0], RATE)
        colours = mpl.colormaps["rainbow"](0.5 + 0.5 * picture.deviation)[..., :3] * picture.magnitude[..., np.newaxis]
        axis.imshow(colours, aspect="auto", origin="lower")
        axis.set_title(title, fontsize=9)
        axis.set_xticks([])
        axis.set_yticks([])
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notes", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--figure", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(2)
    blender = Blender.load()
    rng = np.random.default_rng(0)
    items = [item for item in NoteSet(asked.notes).splits("pitches")["test"] if item.velocity == 75]
    usable: list[tuple[NoteItem, Sound]] = []
    heard = 0
    for number in rng.permutation(len(items)):
        if len(usable) >= 2 * asked.pairs:
            break
        sound = blender.listen(items[number].read(high=True), items[number].name)
        heard += 1
        if sound.line.is_line:
            usable.append((items[number], sound))
    print(f"{len(items)} held-out notes, {heard} drawn, {len(usable)} of them heard as one line", flush=True)
    reconstruction(blender, [(item.read(high=True), sound) for item, sound in usable[: asked.pairs]], "held-out notes")
    singing = sorted((asked.data / "singing" / "erithacus").glob("*.opus"))[10:26]
    sung = [(clip, blender.listen(clip, path.name)) for path in singing if (clip := read(path)).duration_s > 0.4]
    reconstruction(blender, [pair for pair in sung if pair[1].line.is_line], "a singer never heard")
    names = [item for item, _ in usable]
    pairs = []
    while len(pairs) < asked.pairs:
        one, other = (names[i] for i in rng.choice(len(names), 2, replace=False))
        if one.instrument != other.instrument and abs(one.pitch - other.pitch) <= 12:
            pairs.append((one, other))
    song = asked.data / "album" / "3_sodium"
    voices = [np.concatenate([clip.to_channels(2).samples for clip, _ in sung[n::2]] * 4, axis=1) for n in range(2)]
    timed(blender, [Clip(samples[:, : 20 * RATE], RATE) for samples in voices], "tone")
    timed(blender, [read(song / f"{stem}.opus", start_s=60, end_s=80) for stem in ("drums", "other")], "texture")
    judge_pairs(blender, pairs)
    judge_grids(blender, [[names[i] for i in rng.choice(len(names), 4, replace=False)] for _ in range(2)])
    judge_corners(blender, [read(song / f"{stem}.opus", start_s=60, end_s=66) for stem in ("drums", "other")])
    if asked.figure:
        first, second = pairs[0]
        sounds = [blender.listen(item.read(high=True), item.name) for item in (first, second)]
        clips = path_of(blender, *sounds)
        faded = Clip(0.5 * sounds[0].samples + 0.5 * sounds[1].samples, RATE)
        draw(asked.figure, {
            first.name: Clip(sounds[0].samples, RATE), "25 %": clips[1], "50 %": clips[2], "75 %": clips[3],
            second.name: Clip(sounds[1].samples, RATE), "cross-fade, 50 %": faded,
        })  # fmt: skip


if __name__ == "__main__":
    main()
