"""Train the choice of the metrical level, on the training features of the listening net and what the net makes of them.

    python recipes/analysis/level.py --features FEATURES --descriptions DESCRIPTIONS --out level.safetensors

Descriptions are stored song by song, so that a run that was stopped goes on. With --held-out DESCRIPTIONS2 (made by
the same command from held-out features) the share of right tempi is printed for those too.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from descant.analyze.beats import follow_beats
from descant.analyze.evidence import load_listener, net_evidence
from descant.analyze.features import PITCH_FPS, PULSE_FPS, Features
from descant.analyze.level import LevelChooser, candidate_levels, describe_level
from descant.data.listening_item import ListeningItem
from descant.dsp.beat_agreement import beat_f
from descant.hub.checkpoint import save_tensors
from descant.hub.store import fetch
from descant.nets.listener import Listener
from descant.progress import Monitor

KINDS = ("song", "album")
MEMBERS, UNITS = 5, 16
STEPS, RATE, DECAY, DROPPED = 300, 0.01, 1.0, 0.2
ALBUM_WEIGHT = 0.4
TURNS, STRETCH, LONGEST_S = 2, 0.3, 80.0
"""Each song is described as it is and once at another speed, by up to 35 percent."""

USUAL_BPM, OCTAVES, PULL = 110.0, 0.5, 0.25
"""Songs count towards the tempi of the world's music (log-normal), not only those of the sets at hand, which are slow.

A pull of 1 would weigh them by the ratio of both distributions in full: on validation songs it mends those from 95 BPM
(0.85 -> 0.93 right) and loses those below 65 BPM (0.48 -> 0.30). A quarter of it keeps both and a real song at 140."""

LEAST_F = 0.5
"""Songs in which no candidate fits better than this teach nothing."""


class Described(NamedTuple):
    """One song: features of its candidate levels, how well each fits, its tempo and the true one."""

    features: np.ndarray
    beat_f: np.ndarray
    bpm: np.ndarray
    true_bpm: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--descriptions", type=Path, required=True)
    parser.add_argument("--held-out", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.descriptions.mkdir(parents=True, exist_ok=True)
    describe_all(args.features, args.descriptions)
    names, songs = read(args.descriptions)
    usable = [i for i, song in enumerate(songs) if song.beat_f.max() > LEAST_F]
    weights = np.asarray([ALBUM_WEIGHT if names[i].startswith("album") else 1.0 for i in usable])
    weights *= towards_usual_tempi(np.asarray([songs[i].true_bpm for i in usable]))
    chooser = fit([songs[i] for i in usable], weights)
    save_tensors(
        args.out,
        {
            name: torch.from_numpy(np.asarray(getattr(chooser, name))).float()
            for name in ("mean", "scale", "hidden", "hidden_bias", "output")
        },
    )
    print(f"{len(usable)} songs; right tempi {right(chooser, songs):.3f}, of the pulse itself {right(None, songs):.3f}")
    if args.held_out is not None:
        held = read(args.held_out)[1]
        print(f"held out: {len(held)}; right tempi {right(chooser, held):.3f}, of the pulse {right(None, held):.3f}")


def describe_all(features: Path, out: Path) -> None:
    net = load_listener(fetch("descant-analysis"))
    for number, path in enumerate(sorted(features.glob("*.npz"))):
        if not path.name.startswith(KINDS) or ".part" in path.name:
            continue
        item = ListeningItem.load(path)
        for turn in range(TURNS):
            spread = np.random.default_rng([number, turn]).uniform(-STRETCH, STRETCH)
            speed = 1.0 if turn == 0 else float(np.exp(spread))
            if not (out / f"{path.stem}@{turn}.npz").exists():
                describe(item, speed, net, out / f"{path.stem}@{turn}.npz")


def describe(item: ListeningItem, speed: float, net: Listener, path: Path) -> None:
    """Store the candidates of the first 80 s of a song, played `speed` times as fast."""
    mel, pitch = (faster(bands.astype(np.float32), speed) for bands in (item.mel, item.pitch))
    heard = Features(mel[: round(LONGEST_S * PULSE_FPS)], pitch[: round(LONGEST_S * PITCH_FPS)], 0.0)
    evidence = net_evidence(heard, net, Monitor(None, None))
    levels = candidate_levels(follow_beats(evidence.beat, PULSE_FPS))
    beats = item.beats_s / speed
    beats = beats[beats < LONGEST_S]
    if len(levels) < 2 or len(beats) < 8:
        return
    np.savez(
        path,
        features=np.stack([describe_level(heard.mel, evidence, level) for level in levels]),
        beat_f=[beat_f(beats, level) for level in levels],
        bpm=[60.0 / np.median(np.diff(level)) for level in levels],
        true_bpm=60.0 / np.median(np.diff(beats)),
    )


def faster(bands: np.ndarray, speed: float) -> np.ndarray:
    """Frames of a spectrum read `speed` times as fast."""
    at = np.minimum(np.arange(int(len(bands) / speed)) * speed, len(bands) - 1)
    whole = at.astype(int)
    share = (at - whole)[:, np.newaxis].astype(np.float32)
    following = bands[np.minimum(whole + 1, len(bands) - 1)]
    return np.asarray(bands[whole] * (1 - share) + following * share, np.float32)


def read(folder: Path) -> tuple[list[str], list[Described]]:
    names, songs = [], []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as data:
            songs.append(Described(data["features"], data["beat_f"], data["bpm"], float(data["true_bpm"])))
        names.append(path.stem)
    return names, songs


def towards_usual_tempi(bpm: np.ndarray) -> np.ndarray:
    """Weights of mean 1 that move the distribution of tempi towards the usual one."""
    octaves = np.log2(bpm)
    density, edges = np.histogram(octaves, bins=np.arange(5.0, 8.2, 0.15), density=True)
    smooth = np.convolve(density, (0.25, 0.5, 0.25), mode="same")
    here = np.maximum(np.interp(octaves, (edges[1:] + edges[:-1]) / 2, smooth), 0.05)
    usual = np.exp(-0.5 * ((octaves - np.log2(USUAL_BPM)) / OCTAVES) ** 2) / (OCTAVES * np.sqrt(2.0 * np.pi))
    weights = (usual / here) ** PULL
    return np.asarray(np.clip(weights / weights.mean(), 0.2, 4.0))


def right(chooser: LevelChooser | None, songs: list[Described]) -> float:
    """Share of songs whose tempo is within 8 percent; None keeps the pulse as it was found."""
    chosen = [0 if chooser is None else int(chooser.log_probabilities(s.features).argmax()) for s in songs]
    return float(np.mean([abs(s.bpm[k] / s.true_bpm - 1) <= 0.08 for s, k in zip(songs, chosen, strict=True)]))


def fit(songs: list[Described], weights: np.ndarray, *, seed: int = 0) -> LevelChooser:
    """Perceptrons whose softmax over the candidates puts the best fitting one first."""
    rows = np.concatenate([s.features for s in songs])
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-3
    most = max(len(s.features) for s in songs)
    inputs = torch.zeros(len(songs), most, rows.shape[1])
    absent = torch.full((len(songs), most), -1e9)
    for index, song in enumerate(songs):
        normal = np.clip((song.features - mean) / scale, -4.0, 4.0)
        inputs[index, : len(normal)] = torch.from_numpy(normal).float()
        absent[index, : len(normal)] = 0.0
    best = torch.tensor([int(s.beat_f.argmax()) for s in songs])
    share = torch.from_numpy(weights / weights.sum()).float()
    generator = torch.Generator().manual_seed(seed)
    hidden = (torch.randn(MEMBERS, rows.shape[1], UNITS, generator=generator) / rows.shape[1] ** 0.5).requires_grad_()
    bias = (0.1 * torch.randn(MEMBERS, UNITS, generator=generator)).requires_grad_()
    output = (0.3 * torch.randn(MEMBERS, UNITS, generator=generator)).requires_grad_()
    optimizer = torch.optim.AdamW([hidden, bias, output], lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    for _ in range(STEPS):
        kept = (torch.rand(MEMBERS, 1, 1, rows.shape[1], generator=generator) > DROPPED) / (1 - DROPPED)
        units = torch.tanh(torch.einsum("mscf,mfu->mscu", inputs * kept, hidden) + bias[:, None, None])
        scores = torch.einsum("mscu,mu->msc", units, output) + absent
        loss = -(torch.log_softmax(scores, 2)[:, torch.arange(len(best)), best] * share).sum(dim=1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return LevelChooser(mean, scale, *(t.detach().double().numpy() for t in (hidden, bias, output)))


if __name__ == "__main__":
    main()
