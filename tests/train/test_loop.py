"""The training loop learns, and continues after a kill as if nothing had happened."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from descant.compose.grid import Bar, BarSpan, GridNote
from descant.data.listening_item import item_from_song
from descant.errors import Cancelled, CardError, InputNotFound
from descant.progress import CancelToken
from descant.score.harmony import Chord
from descant.train.accompaniment import AccompanimentConfig, AccompanimentLesson
from descant.train.listening import PLAN, ListeningConfig, ListeningLesson, build_lesson
from descant.train.loop import LoopConfig, load_weights, train
from descant.train.tones import tone_songs

TINY = AccompanimentConfig(
    layers=1, width=32, heads=2, feed_forward=32, dropout=0.1, length=96, batch=2, validation_crops=2
)


def song(root: int) -> tuple[Bar, ...]:
    """Twelve bars of broken triads under a tune."""
    chords = [Chord((root + r) % 12) for r in (0, 5, 7, 0)]
    bars = []
    for index in range(12):
        chord = chords[index % 4]
        tones = sorted(chord.pitch_classes)
        piano = tuple(GridNote(6 * i, 48 + tones[i % 3], 6, 80) for i in range(8))
        bars.append(Bar(BarSpan(4.0 * index, 4), ((0, chord),), (GridNote(0, 72 + tones[0] % 12, 24),), piano))
    return tuple(bars)


def lesson(config: AccompanimentConfig = TINY) -> AccompanimentLesson:
    return AccompanimentLesson(config, [song(0), song(4)], [song(7), song(2)])


def losses(folder: Path) -> list[tuple[str, str]]:
    with (folder / "log.csv").open(encoding="utf-8") as file:
        return [(row["step"], row["loss"]) for row in csv.DictReader(file)]


def test_a_killed_run_continues_with_the_same_losses(tmp_path: Path) -> None:
    whole = LoopConfig(steps=12, report_every=1, validate_every=100)
    train(lesson(), whole, tmp_path / "whole")

    # Killed in its fifth step: the checkpoint is of step 5 at the latest.
    cancel = CancelToken()
    seen: list[float] = []

    def stop(event: object) -> None:
        seen.append(0.0)
        if len(seen) == 5:
            cancel.cancel()

    with pytest.raises(Cancelled):
        train(lesson(), whole, tmp_path / "killed", progress=stop, cancel=cancel)
    assert len(losses(tmp_path / "killed")) < 12
    train(lesson(), whole, tmp_path / "killed")
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    one, other = lesson().model, lesson().model
    load_weights(one, tmp_path / "whole" / "checkpoint")
    load_weights(other, tmp_path / "killed" / "checkpoint")
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_a_tiny_run_learns_broken_triads(tmp_path: Path) -> None:
    config = AccompanimentConfig(
        layers=1, width=48, heads=2, feed_forward=96, length=128, batch=4, validation_crops=2, home_share=1.0
    )
    pupil = lesson(config)
    before = pupil.validate()["true"]
    train(pupil, LoopConfig(steps=70, learning_rate=8e-3, report_every=70, validate_every=70), tmp_path)
    after = pupil.validate()["true"]
    assert before > 5.0  # the logarithm of the vocabulary's size is 5.9
    assert after < 2.0  # half the bits: which triads, in which order, is left to find out


def test_weights_of_another_model_and_missing_ones_are_refused(tmp_path: Path) -> None:
    train(lesson(), LoopConfig(steps=1, report_every=1, validate_every=9), tmp_path)
    other = lesson(AccompanimentConfig(layers=2, width=32, heads=2, feed_forward=32, length=96))
    with pytest.raises(CardError):
        load_weights(other.model, tmp_path / "checkpoint")
    with pytest.raises(InputNotFound):
        load_weights(other.model, tmp_path / "nowhere")


def test_batches_are_reproducible_and_conditions_carry_no_loss() -> None:
    pupil = lesson()
    first = pupil.batch(np.random.default_rng(1))
    again = pupil.batch(np.random.default_rng(1))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    _tokens, _companions, is_music = first
    assert 0 < is_music.sum() < is_music.numel()


def test_listening_batches_depend_on_the_generator_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [item_from_song(song) for song in tone_songs(3, 0)]
    for part in ("train", "validation"):
        (tmp_path / part).mkdir()
        items[0].save(tmp_path / part / "song0.npz")
    config = ListeningConfig(pulse_channels=4, pulse_layers=1, harmony_channels=4, harmony_layers=1, batch=2, seconds=2)
    pupil = build_lesson(config, tmp_path, 0)
    first = pupil.batch(np.random.default_rng(1))
    items[1].save(tmp_path / "train" / "song1.npz")
    later = time.monotonic() + 1e6
    monkeypatch.setattr(time, "monotonic", lambda: later)
    again = pupil.batch(np.random.default_rng(1))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert pupil.validate()["songs"] == 1


def test_listening_measures_what_it_says_beforehand() -> None:
    items = [item_from_song(song) for song in tone_songs(1, 0)]
    for pulse_only in (False, True):
        config = ListeningConfig(
            pulse_channels=4, pulse_layers=1, harmony_channels=4, harmony_layers=1, seconds=2, pulse_only=pulse_only
        )
        pupil = ListeningLesson(config, {"song0": items[0]}, items, 0)
        assert tuple(pupil.validate()) == PLAN.measures(config)
