"""Train the reader of sung metres on the melodies of scores, sung and heard by a simulation.

    python recipes/analysis/meter.py recipes/analysis/meter.toml --data DATA --out RUN

DATA holds pop909.zip and symbolic/{openewld,lieder}.zip. The run resumes when it is started again.
"""

import argparse
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from descant.analyze.meter import WINDOW, note_features, tempo_bins
from descant.data.invent import invent_song
from descant.data.tunes import HeardTune, Tune, hear, pop909_tunes, sheet_tunes, tune_from_score
from descant.nets.meter_reader import ELSEWHERE, MeterReader
from descant.train.loop import train
from descant.train.recipe import build, read_recipe

INVENTED = 400
VALIDATION_TUNES = 120


@dataclass(frozen=True)
class MeterConfig:
    """The reader's shape, and what it learns from."""

    width: int = 96
    layers: int = 5
    heads: int = 4
    dropout: float = 0.1
    batch: int = 24
    pop_share: float = 0.7
    tempo_weight: float = 0.5
    elsewhere_weight: float = 0.3


class MeterLesson:
    """Tunes in, places and tempi out."""

    def __init__(self, config: MeterConfig, data: Path) -> None:
        self.config = config
        self.model = MeterReader(config.width, config.layers, config.heads, config.dropout)
        rng = np.random.default_rng(3)
        invented = (tune_from_score(s := invent_song(rng), s.tracks[0], tempo_is_known=True) for _ in range(INVENTED))
        self._pop = list(pop909_tunes(data / "pop909.zip", "train"))
        self._other = [tune for tune in invented if tune is not None]
        for name in ("openewld", "lieder"):
            self._other += sheet_tunes(data / "symbolic" / f"{name}.zip")
        self._held_out = [
            hear(tune, rng, notes=WINDOW)
            for tune in list(pop909_tunes(data / "pop909.zip", "validation"))[:VALIDATION_TUNES]
        ]
        print(f"{len(self._pop)} pop songs, {len(self._other)} others, {len(self._held_out)} held out", flush=True)

    def batch(self, generator: np.random.Generator) -> tuple[Tensor, ...]:
        return _tensors([hear(self._draw(generator), generator, notes=WINDOW) for _ in range(self.config.batch)])

    def _draw(self, generator: np.random.Generator) -> Tune:
        pool = self._pop if generator.random() < self.config.pop_share else self._other
        return pool[generator.integers(len(pool))]

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        times, features, present, places, tempi = batch
        with torch.autocast("cpu", torch.bfloat16, enabled=self.model.training):
            read = self.model(times, features, present)
        weight = present * torch.where(places == ELSEWHERE, self.config.elsewhere_weight, 1.0)
        place = F.cross_entropy(read.place.flatten(0, 1), places.flatten(), reduction="none").view_as(weight)
        tempo = -(tempi * read.tempo.log_softmax(-1)).sum(-1)
        return (place * weight).sum() / weight.sum() + self.config.tempo_weight * tempo[present].mean()

    @torch.no_grad()
    def validate(self) -> Mapping[str, float]:
        self.model.eval()
        batch = _tensors(self._held_out)
        times, features, present, places, tempi = batch
        read = self.model(times, features, present)
        known = present & (places != ELSEWHERE)
        found = read.place[..., :ELSEWHERE].argmax(-1)
        bins = read.tempo.softmax(-1).mean(1).argmax(-1)
        true = (tempi.sum(1)).argmax(-1)
        return {
            "validation_loss": float(self.loss(batch)),
            "place_right": float((found == places)[known].float().mean()),
            "sixteenth_right": float((found % 4 == places % 4)[known].float().mean()),
            "downbeat_right": float(((found % 16 == 0) == (places % 16 == 0))[known].float().mean()),
            "tempo_right": float(((bins - true).abs() <= 2).float().mean()),
        }


def _tensors(tunes: list[HeardTune]) -> tuple[Tensor, ...]:
    size = max(len(t.starts_s) for t in tunes)
    times = np.zeros((len(tunes), size), np.float32)
    features = np.zeros((len(tunes), size, 8), np.float32)
    present = np.zeros((len(tunes), size), bool)
    places = np.full((len(tunes), size), ELSEWHERE, np.int64)
    tempi = np.zeros((len(tunes), size, len(tempo_bins())), np.float32)
    for row, tune in enumerate(tunes):
        count = len(tune.starts_s)
        times[row, :count], present[row, :count], places[row, :count] = tune.starts_s, True, tune.places
        features[row, :count] = note_features(tune.starts_s, tune.ends_s, tune.pitches)
        distance = np.log2(np.maximum(tune.bpm, 1.0)[:, np.newaxis] / tempo_bins()) * 24
        near = np.exp(-0.5 * distance**2) + 1e-9
        tempi[row, :count] = near / near.sum(axis=1, keepdims=True)
    return tuple(torch.from_numpy(column) for column in (times, features, present, places, tempi))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    recipe = read_recipe(args.recipe)
    config = build(MeterConfig, recipe.options, args.recipe)
    lesson = MeterLesson(config, args.data)
    print(f"{sum(p.numel() for p in lesson.model.parameters()):,} parameters", flush=True)
    train(lesson, recipe.loop, args.out, described={"meter": asdict(config)})


if __name__ == "__main__":
    main()
