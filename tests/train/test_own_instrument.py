"""A new instrument from six notes: what is true at their pitches is true between them, and it is kept by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from descant.errors import Cancelled, CheckpointError, InvalidOption, ModelNotFound, NothingHeard
from descant.instrument.neural import NeuralInstruments
from descant.instrument.neural_note import Event, render
from descant.instrument.own.recordings import OwnNote
from descant.instrument.own.store import InstrumentStore
from descant.progress import CancelToken, Progress
from descant.train.new_instrument import train_instrument
from descant.train.own_instrument import LearningOptions, learn_instrument
from own_sounds import RATE, Ear, odd_note, save, tiny_instruments

KEYS = (50, 54, 58, 62, 66, 70)
QUICK = LearningOptions(code_steps=10, steps=8, notes=3, frames=8)


def note_of(key: int, held_s: float = 0.5) -> OwnNote:
    return OwnNote(f"{key}.wav", odd_note(key, held_s, even=0.03), float(key), 110, held_s, is_released=True)


def partial_levels(samples: np.ndarray, midi: float, count: int) -> np.ndarray:
    hz = 440.0 * 2.0 ** ((midi - 69) / 12)
    part = samples.mean(axis=0)[RATE // 10 : RATE * 4 // 10]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 1 << 17))
    places = [round(hz * k * (1 << 17) / RATE) for k in range(1, count + 1)]
    return np.array([20 * np.log10(spectrum[p - 20 : p + 21].max() + 1e-9) for p in places])


def test_an_unseen_pitch_has_the_balance_of_the_instrument() -> None:
    options = LearningOptions(code_steps=20, steps=250, notes=6, frames=24, stay=0.0, learning_rate=8e-3)
    learned = learn_instrument([note_of(key) for key in KEYS], tiny_instruments(), "odd", options, check=False)
    made = render(learned.instruments.net, [Event(0, 60, 110, 0.5, length_s=0.75)])[0]
    true, found = partial_levels(odd_note(60, 0.5, even=0.03), 60, 5), partial_levels(made, 60, 5)
    # Odd against even, which a net that has learned nothing gives 0 dB: 30 dB in the recordings.
    balance = [levels[[0, 2, 4]].mean() - levels[[1, 3]].mean() for levels in (true, found)]
    assert balance[1] == pytest.approx(balance[0], abs=8.0)
    assert found[0] == pytest.approx(true[0], abs=6.0)


def test_its_keys_are_as_loud_as_they_were_recorded_however_little_was_learned() -> None:
    notes = [note_of(key) for key in KEYS[:2]]
    notes[1] = replace(notes[1], samples=0.25 * notes[1].samples)
    net = learn_instrument(notes, tiny_instruments(), "odd", QUICK).instruments.net
    held = slice(0, RATE // 2)
    for note in notes:
        made = render(net, [Event(0, note.pitch, note.velocity, 0.5, length_s=0.75)])[0]
        ratio = np.square(made[:, held]).mean() / np.square(note.samples[:, held]).mean()
        assert 10.0 * np.log10(ratio) == pytest.approx(0.0, abs=0.7)


def test_the_same_notes_and_seed_make_the_same_instrument() -> None:
    notes, start = [note_of(key) for key in KEYS[:2]], tiny_instruments()
    before = {key: value.clone() for key, value in start.net.state_dict().items()}
    one, two = (learn_instrument(notes, start, "odd", QUICK).instruments.net.state_dict() for _ in range(2))
    assert all(torch.equal(one[key], two[key]) for key in one)
    other = learn_instrument(notes, start, "odd", replace(QUICK, seed=1)).instruments.net.state_dict()
    assert any(not torch.equal(one[key], other[key]) for key in one)
    # What it began from is as it was.
    assert all(torch.equal(before[key], value) for key, value in start.net.state_dict().items())


def test_a_pitch_is_held_back_for_a_check_where_there_are_four() -> None:
    four = learn_instrument([note_of(key) for key in KEYS[:4]], tiny_instruments(), "odd", QUICK)
    assert four.check is not None
    assert four.check.pitch == KEYS[2]
    assert four.check.learned > 0.0
    assert four.check.sampled > 0.0
    assert learn_instrument([note_of(key) for key in KEYS[:3]], tiny_instruments(), "odd", QUICK).check is None
    with pytest.raises(InvalidOption):
        learn_instrument([], tiny_instruments(), "odd", QUICK)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for key in KEYS[:3]:
        save(tmp_path / "notes" / f"{key}.wav", odd_note(key, 0.4, even=0.5))
    return tmp_path / "notes"


@pytest.fixture
def store(tmp_path: Path) -> InstrumentStore:
    return InstrumentStore(tmp_path / "data" / "instruments")


def test_it_is_kept_by_name_plays_and_goes(folder: Path, store: InstrumentStore) -> None:
    events: list[Progress] = []
    trained = train_instrument(
        "My Flute", folder, store, tiny_instruments(), Ear(), QUICK, progress=events.append
    )  # fmt: skip
    assert store.names() == ("my-flute",)
    assert events[-1].fraction == 1.0
    assert [e.fraction for e in events] == sorted(e.fraction for e in events)
    player = store.get("my FLUTE").player()
    assert (player.name, player.player.family) == ("my-flute", "flute")
    assert (player.player.lowest, player.player.highest) == (KEYS[0], KEYS[2])
    sound = player.note(52, 100, 0.3, 0.5)
    assert sound.shape == (2, RATE // 2)
    assert np.abs(sound).max() > 0.0
    # Kept in half precision, it plays what was learned.
    in_memory = render(trained.learned.instruments.net, [Event(0, 52, 100, 0.3, length_s=0.5)])[0]
    assert np.abs(sound[:, : in_memory.shape[1]] - in_memory).max() < 0.02 * np.abs(in_memory).max()
    assert trained.instrument.facts["notes"] == 3
    with pytest.raises(InvalidOption, match="already"):
        train_instrument("my flute", folder, store, tiny_instruments(), Ear(), QUICK)
    again = train_instrument("my flute", folder, store, tiny_instruments(), Ear(), replace(QUICK, seed=2), replace=True)
    assert again.instrument.facts["seed"] == 2
    assert not np.array_equal(store.get("my-flute").player().note(52, 100, 0.3, 0.5), sound)
    assert [p.name for p in store.folder.iterdir()] == ["my-flute"]
    assert store.delete("My Flute") == "my-flute"
    assert store.names() == ()
    with pytest.raises(ModelNotFound):
        store.get("my flute")


def test_cancelled_or_hopeless_nothing_is_written(folder: Path, store: InstrumentStore, tmp_path: Path) -> None:
    token = CancelToken()

    def stop_late(event: Progress) -> None:
        if event.fraction > 0.8:
            token.cancel()

    with pytest.raises(Cancelled):
        train_instrument("x", folder, store, tiny_instruments(), Ear(), QUICK, progress=stop_late, cancel=token)
    silent = save(tmp_path / "silent.wav", np.zeros((2, RATE), np.float32))
    with pytest.raises(NothingHeard):
        train_instrument("x", silent, store, tiny_instruments(), Ear(), QUICK)
    assert not store.folder.exists()


@pytest.mark.parametrize("name", ["", "..", "a/b", "-x", ".hidden", "x" * 101, "a\nb\tc\x07", "con\x00"])
def test_names_that_can_be_none(store: InstrumentStore, name: str) -> None:
    with pytest.raises(InvalidOption):
        store.place_for(name)
    with pytest.raises(ModelNotFound):
        store.delete(name)
    assert store.find(name) is None


def test_damaged_instruments_are_said_and_can_be_deleted(folder: Path, store: InstrumentStore) -> None:
    train_instrument("x", folder, store, tiny_instruments(), Ear(), QUICK)
    place = store.folder / "x"
    whole = (place / "weights.safetensors").read_bytes()
    for damage in (whole[:100], whole[:-10], b""):
        (place / "weights.safetensors").write_bytes(damage)
        tiny = store.get("x")
        NeuralInstruments.forget()
        with pytest.raises(CheckpointError):
            tiny.player()
    (place / "card.toml").write_bytes(b"\xff = [")
    with pytest.raises(CheckpointError, match="damaged"):
        store.get("x")
    assert store.delete("x") == "x"
