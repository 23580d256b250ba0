"""Held-out notes as the generators make them: WAV files, and rainbowgrams side by side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from descant.audio.clip import Clip
from descant.audio.io import read, write
from descant.dsp.rainbowgram import RainbowOptions, rainbowgram
from descant.evaluate.plots import COLOURS, draw_rainbowgrams, figure
from descant.nets.sing import SAMPLE_RATE, Sing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from descant.reproduce.sing.material import Material

SYSTEMS = {"true": "true", "spectral": "spectral loss", "wave": "waveform loss", "no_time": "no time table"}
_OPTIONS = RainbowOptions()
_QUIET = 0.02


@torch.no_grad()
def make_notes(sings: Mapping[str, Sing], material: Material, count: int, folder: Path) -> dict[str, Any]:
    """Write `<number>-<system>.wav` for some held-out notes.

    Args:
        sings: Generators by the names of their arms.
        material: The notes.
        count: How many.
        folder: Where.

    Returns:
        `notes`: what each is.
    """
    notes = material.notes["test"]
    said = []
    for number, row in enumerate(_chosen(material, count)):
        symbols = torch.from_numpy(notes.symbols[row : row + 1])
        made = {name: sing.notes(symbols)[0].numpy() for name, sing in sings.items()}
        for name, samples in {"true": notes.samples[row] / 32767.0, **made}.items():
            write(folder / f"{number}-{name}.wav", Clip(samples[np.newaxis].astype(np.float32), SAMPLE_RATE))
        _, instrument, pitch = map(int, notes.symbols[row])
        said.append({"instrument": material.instruments[instrument], "pitch": pitch})
    return {"notes": said}


def _chosen(material: Material, count: int) -> list[int]:
    """Rows of test notes: loud ones, each of another family as long as there is one."""
    notes = material.notes["test"]
    loud = np.sqrt(np.square(notes.samples / 32767.0).mean(axis=1))
    families: list[str] = []
    chosen: list[int] = []
    for row in np.argsort(-notes.symbols[:, 0], kind="stable"):  # the hardest touch first
        family = material.families[int(notes.symbols[row, 1])]
        if len(chosen) < count and family not in families and loud[row] > _QUIET:
            families.append(family)
            chosen.append(int(row))
    return chosen


def draw_notes(folder: Path, notes: Sequence[Mapping[str, Any]], path: Path) -> None:
    """A row of rainbowgrams for each note, a column for each system."""
    named = {}
    for number, note in enumerate(notes):
        for name, label in SYSTEMS.items():
            clip = read(folder / f"{number}-{name}.wav")
            title = f"{note['instrument']} {note['pitch']}" if name == "true" else f"{number + 1}: {label}"
            named[title] = rainbowgram(clip.samples[0], clip.sample_rate, _OPTIONS)
    draw_rainbowgrams(named, path, across=len(SYSTEMS))


def draw_map(points: Sequence[Sequence[float]], families: Sequence[str], title: str, path: Path) -> None:
    """A dot for each instrument, coloured by family."""
    places, names = np.asarray(points), sorted(set(families))
    with figure(path, width=6.4, height=5.0) as drawn:
        axes = drawn.subplots()
        for index, name in enumerate(names):
            own = places[np.array(families) == name]
            marker = "o" if index < len(COLOURS) else "^"
            axes.scatter(own[:, 0], own[:, 1], s=32, color=COLOURS[index % len(COLOURS)], marker=marker, label=name)
        axes.set(title=title, xticks=[], yticks=[])
        axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
