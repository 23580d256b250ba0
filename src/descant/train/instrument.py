"""The lesson of Descant's instruments: from symbols to partials and noise, in two stages.

1. `levels`: the net learns what was measured in recorded notes, some frames of many notes at a time.
2. `sound`: the synthesised sound is compared with the recorded one, at several resolutions, in all channels; what was
   measured stays as a tether, so that noise is not traded for silence.

The second begins with the weights of the first (`descant train ... --start RUN/checkpoint`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from descant.audio.clip import Clip
from descant.audio.loudness import integrated_lufs
from descant.data.notes.note_set import NoteSet
from descant.errors import InputNotFound, InvalidOption
from descant.instrument.neural import CONFIG, ROSTER
from descant.instrument.neural_note import SILENT_POWER
from descant.instrument.note_analysis import FLOOR
from descant.instrument.roster import Roster, described
from descant.nets.neural_instrument import (
    FRAME_S,
    RECORDED_VELOCITIES,
    SEEN_S,
    InstrumentConfig,
    Levels,
    NeuralInstrument,
    Pressed,
    controls_of,
)
from descant.nets.partial_synth import HOP, SAMPLE_RATE, synthesize
from descant.train.config import check_numbers
from descant.train.lesson import Picture, Sound, on_device_of
from descant.train.made_notes import made_pieces
from descant.train.note_levels import FOLDER, Instrument, Piece, read_pieces
from descant.train.plan import Draft, Hears, Plan, required, write_config

_MEASURES = ("spectral", "silence", "levels")
_NOISE_FLOOR = 1e-5
_WINDOWS = (512, 1024, 2048, 4096)
_SOUND_FLOORS = (3e-4, 1 / 256)
"""What is soft counts as much as what is loud; then only what SING's loss hears."""
_SING_WINDOW, _SING_BINS, _SING_SCALE = 3072, 513, 3.0
_NOISE_SHARE, _SIDE_SHARE, _SIDE_FLOOR = 0.5, 0.3, 1e-3
_VALIDATION_BATCH = 6
_LEVEL_LUFS, _MOST_DB = -12.0, 12.0


@dataclass(frozen=True, slots=True)
class InstrumentLessonConfig:
    """Net, stage and batches."""

    stage: Literal["levels", "sound"] = "levels"
    """Which of the two."""
    source: Literal["notes", "tones"] = "notes"
    """A set of `descant data notes`; or notes made by arithmetic, which need no data."""
    width: int = 256
    """See `nets.neural_instrument.InstrumentConfig`."""
    layers: int = 3
    """Likewise."""
    code: int = 24
    """Likewise."""
    notes: int = 64
    """Notes in a batch."""
    frames: int = 32
    """Frames of each in the stage `levels`."""
    seconds: float = 0.9
    """Of each in the stage `sound`."""
    pitch_jitter: float = 5.0
    """Semitones by which the net is misled about pitches, so that it learns what lies between the recorded ones."""
    dropout: float = 0.1
    """Share of what the net makes of a note's symbols that it must do without."""
    tether: float = 0.3
    """Weight of the measured levels in the stage `sound`."""
    validation_notes: int = 60
    """Held-out notes to measure on."""

    def __post_init__(self) -> None:
        check_numbers(self, at_least={"tether": 0, "pitch_jitter": 0, "dropout": 0})
        if self.stage not in ("levels", "sound"):
            raise InvalidOption(f"There is no stage {self.stage!r}.", "Use levels or sound.")
        if self.source not in ("notes", "tones"):
            raise InvalidOption(f"There is no source {self.source!r}.", "Use notes or tones.")

    def network(self, instruments: int) -> InstrumentConfig:
        """Shape of the net for so many instruments."""
        return InstrumentConfig(instruments=instruments, width=self.width, layers=self.layers, code=self.code)


class InstrumentLesson:
    """See the module.

    Args:
        config: Net, stage and batches.
        roster: Who the instruments are, in the order of their rows.
        instruments: Where their partials lie.
        training: Notes to learn from.
        validation: Notes to measure on.
        seed: Of the net's first weights.
    """

    def __init__(
        self,
        config: InstrumentLessonConfig,
        roster: Roster,
        instruments: Sequence[Instrument],
        training: Sequence[Piece],
        validation: Sequence[Piece],
        seed: int,
    ) -> None:
        torch.manual_seed(seed)
        self.config = config
        self.roster = roster
        self.model = NeuralInstrument(config.network(len(roster.players)))
        self.model.forget.p = config.dropout
        # The names go along with the weights, whatever they are copied to.
        self.model.register_buffer(ROSTER, roster.packed())
        teach_places(self.model, instruments)
        teach_levels(self.model, training)
        self._training, self._validation = tuple(training), tuple(validation)
        # Each instrument comes as often as the root of how many notes it has: a piano with 60 keys is no 10 marimbas.
        counts = np.bincount([piece.instrument for piece in training], minlength=len(roster.players))
        chances = np.array([1.0 / np.sqrt(counts[piece.instrument]) for piece in training])
        self._chances = chances / chances.sum()

    def batch(self, generator: np.random.Generator) -> tuple[Tensor, ...]:
        """Notes, frames of them and what was measured there; in the stage `sound` the recorded sound as well."""
        size = self.config.notes
        pieces = [self._training[row] for row in generator.choice(len(self._training), size, p=self._chances)]
        if self.config.stage == "levels":
            return _stack(pieces, [_drawn_frames(generator, piece, self.config.frames) for piece in pieces])
        count = round(self.config.seconds / FRAME_S) + 1
        starts = [_drawn_start(generator, piece, count) for piece in pieces]
        parts = zip(pieces, starts, strict=True)
        sound = np.stack([piece.straight[:, start * HOP : (start + count - 1) * HOP] for piece, start in parts])
        return (*_stack(pieces, [np.arange(start, start + count) for start in starts]), torch.from_numpy(sound))

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Of the stage."""
        notes, hz, time_s, levels = _unpack(batch)
        unsure = notes.pitch + self.config.pitch_jitter * torch.randn_like(notes.pitch)
        made = self.model(Pressed(notes.instrument, unsure, notes.velocity), hz, time_s, time_s - SEEN_S)
        with torch.autocast(hz.device.type, enabled=False):  # a Fourier transform in bfloat16 is noise
            distance = levels_distance(levels, _float(made), hz)
            if self.config.stage == "levels":
                return distance
            found = synthesize(controls_of(_float(made), hz), torch.rand_like(hz))
            return sound_distance(batch[-1].float() / 32767.0, found) + self.config.tether * distance

    @cached_property
    def _held_out(self) -> tuple[tuple[Piece, ...], ...]:
        order = np.random.default_rng(0).permutation(len(self._validation))[: self.config.validation_notes]
        return tuple(
            tuple(self._validation[row] for row in order[start : start + _VALIDATION_BATCH])
            for start in range(0, len(order), _VALIDATION_BATCH)
        )

    @torch.no_grad()
    def validate(self) -> Mapping[str, float]:
        """On held-out pitches, from symbols alone.

        Returns:
            spectral: SING's log-spectral distance, up to 8 kHz, of the mid. silence: that of nothing. levels: the
            distance of the stage `levels`.
        """
        self.model.eval()
        rows = []
        for pieces in self._held_out:
            frames = min(len(piece.levels.wander) for piece in pieces)
            batch = on_device_of(self.model, _stack(pieces, [np.arange(frames) for _ in pieces]))
            notes, hz, time_s, levels = _unpack(batch)
            distance = levels_distance(levels, _float(self.model(notes, hz, time_s, time_s - SEEN_S)), hz)
            found = self._played(notes, time_s).mean(dim=1)
            sounds = [piece.sound[:, : (frames - 1) * HOP].astype(np.float32) / 32767.0 for piece in pieces]
            true = torch.from_numpy(np.stack(sounds)).to(hz.device).mean(dim=1)
            silence = sing_distance(true, torch.zeros_like(true))
            rows.append(torch.stack((sing_distance(true, found).mean(), silence.mean(), distance)))
        return dict(zip(_MEASURES, torch.stack(rows).mean(dim=0).tolist(), strict=True))

    def _played(self, notes: Pressed, time_s: Tensor) -> Tensor:
        hz = self.model.frequencies(notes)
        levels = _float(self.model(notes, hz, time_s, time_s - SEEN_S))
        phases = torch.rand(hz.shape, generator=torch.Generator().manual_seed(0)).to(hz.device)
        return synthesize(controls_of(levels, hz), phases)

    @torch.no_grad()
    def examples(self) -> Sequence[Sound | Picture]:
        """Two held-out notes, true and made."""
        pieces = self._held_out[0][:2]
        batch = on_device_of(self.model, _stack(pieces, [np.arange(len(piece.levels.wander)) for piece in pieces]))
        notes, _, time_s, _ = _unpack(batch)
        made = self._played(notes, time_s).clamp(-1, 1).cpu().numpy()
        shown: list[Sound | Picture] = []
        for row, piece in enumerate(pieces):
            shown.append(Sound(f"{row} true", piece.sound.astype(np.float32) / 32767.0, SAMPLE_RATE))
            shown.append(Sound(f"{row} made", made[row], SAMPLE_RATE))
        return shown


def teach_places(model: NeuralInstrument, instruments: Sequence[Instrument]) -> None:
    """Write down where the partials of instruments lie."""
    tables = model.state_dict(keep_vars=True)
    for row, instrument in enumerate(instruments):
        series = instrument.series
        tables["stiffness"][row] = torch.tensor(series.stiffness)
        tables["extra_place"][row] = torch.from_numpy(series.place)
        tables["extra_there"][row] = torch.from_numpy(series.there)
        tables["vibrato"][row] = torch.tensor(instrument.vibrato)
        tables["flutter"][row] = instrument.flutter


def teach_levels(model: NeuralInstrument, training: Sequence[Piece]) -> None:
    """Write down how loud keys were recorded at each velocity."""
    table = model.state_dict(keep_vars=True)["recorded"]
    keys: dict[tuple[int, int], dict[int, float]] = defaultdict(dict)
    for piece in training:
        keys[piece.instrument, piece.pitch][piece.velocity] = recorded_power(piece.sound.astype(np.float32) / 32767.0)
    for (row, pitch), found in keys.items():
        velocities = sorted(found)
        known = [found[velocity] for velocity in velocities]
        table[row, pitch] = torch.from_numpy(
            np.interp(np.log(RECORDED_VELOCITIES), np.log(velocities), known).astype(np.float32)
        )


def recorded_power(samples: np.ndarray, until_s: float = SEEN_S) -> float:
    """Logarithm of the mean power of a recorded note until some time, as `neural_note.mean_power` counts it."""
    held = samples[:, : max(round(until_s * SAMPLE_RATE), 1)]
    return math.log(max(float(np.square(held, dtype=np.float64).mean()), SILENT_POWER))


def levels_distance(true: Levels, found: Levels, hz: Tensor) -> Tensor:
    """Mean absolute difference of log levels over what sounds, and of places where something does."""
    there = ((hz > 0) & (hz < 0.47 * SAMPLE_RATE)).unsqueeze(1).float().expand_as(true.partials)
    partials = (true.partials - torch.log(found.partials.exp() + FLOOR)).abs()
    noises = ((true.noise_mid, found.noise_mid), (true.noise_side, found.noise_side))
    noise = torch.stack([(one - torch.log(other.exp() + _NOISE_FLOOR)).abs().mean() for one, other in noises]).sum()
    loud = there * (true.partials > np.log(_SIDE_FLOOR))
    side = ((true.pan - found.pan).abs() + (true.width - found.width).abs()) * loud
    tones: Tensor = (partials * there).sum() / there.sum()
    places: Tensor = side.sum() / loud.sum().clamp(min=1.0)
    return tones + _NOISE_SHARE * noise + _SIDE_SHARE * places


def sound_distance(true: Tensor, found: Tensor) -> Tensor:
    """Mean distance of log power spectra of both channels and of their mean, at four resolutions.

    Args:
        true: [batch, 2, samples].
        found: The same shape.
    """
    one, other = (torch.cat((x, x.mean(dim=1, keepdim=True)), dim=1).flatten(0, 1) for x in (true, found))
    distances = []
    for size in _WINDOWS:
        powers = (_power(one, size), _power(other, size))
        for floor in _SOUND_FLOORS:
            first, second = (torch.log(power + floor * floor) for power in powers)
            distances.append((first - second).abs().mean())
    return torch.stack(distances).mean()


def _power(samples: Tensor, size: int) -> Tensor:
    """|X|^2, a sine of amplitude 1 having |X| = 1."""
    window = torch.hann_window(size, device=samples.device)
    spectra = torch.stft(samples, size, size // 4, window=window * (2.0 / window.sum()), return_complex=True)
    power: Tensor = torch.view_as_real(spectra).square().sum(-1)
    return power


def sing_distance(true: Tensor, found: Tensor) -> Tensor:
    """SING's spectral loss of sounds at 48 kHz over what 16 kHz would hold, [batch]."""

    def spectrum(samples: Tensor) -> Tensor:
        window = torch.hann_window(_SING_WINDOW, device=samples.device) / _SING_SCALE
        spectra = torch.stft(samples, _SING_WINDOW, _SING_WINDOW // 4, window=window, center=False, return_complex=True)
        return torch.log1p(torch.view_as_real(spectra[:, :_SING_BINS]).square().sum(-1))

    distance: Tensor = (spectrum(true) - spectrum(found)).abs().mean(dim=(1, 2))
    return distance


def _drawn_frames(generator: np.random.Generator, piece: Piece, count: int) -> np.ndarray:
    """Frames of a note: anywhere, in its first half second and after its release."""
    last = len(piece.levels.wander) - 1
    anywhere = generator.integers(0, last + 1, count)
    early = np.exp(generator.uniform(0, np.log(96), count)).astype(int) - 1
    late = round(SEEN_S / FRAME_S) + generator.integers(-2, round(0.9 / FRAME_S), count)
    kind = generator.random(count)
    return np.where(kind < 0.45, anywhere, np.where(kind < 0.75, early, late)).clip(0, last)


def _drawn_start(generator: np.random.Generator, piece: Piece, count: int) -> int:
    last = len(piece.levels.wander) - count
    kind = generator.random()
    if kind < 0.45:
        return 0
    if kind < 0.65:
        return min(round(SEEN_S / FRAME_S) - int(generator.integers(0, count // 2)), last)
    return int(generator.integers(0, last + 1))


def _stack(pieces: Sequence[Piece], frames: Sequence[np.ndarray]) -> tuple[Tensor, ...]:
    columns = [
        np.stack([getattr(p.levels, name)[f] for p, f in zip(pieces, frames, strict=True)])
        for name in ("partials", "pan", "width", "noise_mid", "noise_side")
    ]
    return (
        torch.tensor([[p.instrument, p.pitch, p.velocity] for p in pieces]),
        torch.from_numpy(np.stack([p.levels.hz for p in pieces])),
        torch.from_numpy(np.stack(frames).astype(np.float32)) * FRAME_S,
        *(torch.from_numpy(column) for column in columns),
    )


def _unpack(batch: tuple[Tensor, ...]) -> tuple[Pressed, Tensor, Tensor, Levels]:
    symbols, hz, time_s = batch[:3]
    levels = Levels(*(column.float() for column in batch[3:8]))
    return Pressed(symbols[:, 0], symbols[:, 1].float(), symbols[:, 2].float()), hz, time_s, levels


def _float(levels: Levels) -> Levels:
    return Levels(
        *(column.float() for column in (levels.partials, levels.pan, levels.width, levels.noise_mid, levels.noise_side))
    )


def build_lesson(config: InstrumentLessonConfig, data: Path | None, seed: int) -> InstrumentLesson:
    """The lesson on a set of notes at 48 kHz, with SING's split.

    Raises:
        InputNotFound: There is no set, or it is too small to hold pitches out.
        InvalidOption: Its notes are there at 16 kHz only.
        DescantError: A note cannot be read.
    """
    if config.source == "tones":
        return InstrumentLesson(config, *made_pieces(config.network(1), seed), seed)
    notes = NoteSet(required(data, "a set of `descant data notes`"))
    names = sorted({note.instrument for note in notes.notes})
    shares = notes.splits("pitches")
    if not shares["train"] or not shares["validation"]:
        raise InputNotFound(
            f"{data} has too few notes to hold some pitches out.", "Make a larger set: `descant data notes`."
        )
    wanted = (*shares["train"], *shares["validation"])
    pieces, instruments = read_pieces(wanted, names, shares["train"], notes.root / FOLDER, config.network(len(names)))
    held = {(names.index(note.instrument), note.pitch) for note in shares["validation"]}
    training = [piece for piece in pieces if (piece.instrument, piece.pitch) not in held]
    validation = [piece for piece in pieces if (piece.instrument, piece.pitch) in held]
    return InstrumentLesson(config, _roster(notes, names, training), instruments, training, validation, seed)


def _roster(notes: NoteSet, names: Sequence[str], training: Sequence[Piece]) -> Roster:
    groups = [[note for note in notes.notes if note.instrument == name] for name in names]
    return Roster(
        described(group[0].made_from, name, group[0].family, [note.pitch for note in group], _level_db(row, training))
        for row, (name, group) in enumerate(zip(names, groups, strict=True))
    )


def _level_db(row: int, training: Sequence[Piece]) -> float:
    """What brings the hardest notes of an instrument to -12 LUFS, in the median."""
    own = [piece for piece in training if piece.instrument == row]
    hardest = max((piece.velocity for piece in own), default=0)
    found = [
        integrated_lufs(Clip(piece.sound.astype(np.float32) / 32767.0, SAMPLE_RATE))
        for piece in own
        if piece.velocity == hardest
    ]
    heard = [lufs for lufs in found if np.isfinite(lufs)]
    return float(np.clip(_LEVEL_LUFS - np.median(heard), -_MOST_DB, _MOST_DB).round(1)) if heard else 0.0


def _furnish(config: InstrumentLessonConfig, folder: Path) -> None:
    write_config(folder / CONFIG, asdict(config))


PLAN = Plan(
    InstrumentLessonConfig,
    build_lesson,
    Draft(
        "Instruments",
        "play",
        "Plays notes of many instruments at 48 kHz in stereo.",
        "neural-instrument",
        lambda _config: (),
        lambda _config: Hears(SAMPLE_RATE, 2),
    ),
    _furnish,
    lambda _config: _MEASURES,
)
