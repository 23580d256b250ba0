"""The phone lesson: paths against all that there are, what nobody says, a run that is resumed, a card that loads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.align.api import load_reader
from descant.align.chain import WORDLESS, Chain, SungWord, build_chain
from descant.cli.app import run
from descant.data.phone_windows import PhoneWindow, Said
from descant.errors import InputNotFound, InvalidOption
from descant.text.phones import PHONES
from descant.train.export import ExportOptions, export_run
from descant.train.loop import LoopConfig, train
from descant.train.phone_invented import invented_windows
from descant.train.phone_labels import (
    CLASSES,
    IGNORED,
    first_labels,
    heard_labels,
    log_prior,
    phone_errors,
    placed,
    read_freely,
    spoken_in,
    spread,
)
from descant.train.phone_reader import PLAN, PhoneLesson, PhoneLessonConfig, build_lesson

SMALL = PhoneLessonConfig(
    source="invented",
    states=16,
    layers=(0,),
    width=24,
    kernel=3,
    batch=4,
    frames=120,
    place_after=(4, 8, 12),
    validation_windows=2,
)


def chain_of(text: str, language: str = "it") -> Chain:
    return build_chain([SungWord(word, 0) for word in text.split()], language)


def ways(chain: Chain, frames: int) -> Iterator[tuple[int, ...]]:
    """Every path through a chain: states do not fall, and nothing that must sound is left out."""
    must = set(np.flatnonzero(~chain.optional).tolist())
    for path in product(range(len(chain)), repeat=frames):
        if all(a <= b for a, b in pairwise(path)) and must <= set(path):
            yield path


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(["a", "ma", "a o", "mai"]), st.integers(2, 5), st.integers(0, 2**16))
def test_the_placed_path_is_the_best_of_all(text: str, frames: int, seed: int) -> None:
    chain = chain_of(text)
    likelihoods = np.random.default_rng(seed).normal(0, 2, (frames, CLASSES)).astype(np.float32)

    def score(labels: Sequence[int]) -> float:
        return float(likelihoods[np.arange(frames), labels].sum())

    labels = placed(likelihoods, chain)
    scores = [score(chain.phones[list(path)].tolist()) for path in ways(chain, frames)]
    if not scores:
        assert labels is None
    else:
        assert labels is not None
        assert score(labels.astype(int).tolist()) == pytest.approx(max(scores), abs=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5), st.floats(0.0, 4.0), st.integers(0, 2**16))
def test_the_free_reading_is_the_best_of_all(frames: int, change: float, seed: int) -> None:
    likelihoods = np.full((frames, CLASSES), -50.0, np.float32)
    few = [0, 7, WORDLESS]
    likelihoods[:, few] = np.random.default_rng(seed).normal(0, 2, (frames, 3))

    def score(path: Sequence[int]) -> float:
        return float(likelihoods[np.arange(frames), path].sum()) - change * sum(a != b for a, b in pairwise(path))

    best = max(product(few, repeat=frames), key=score)
    expected = tuple(c for n, c in enumerate(best) if c != WORDLESS and (not n or best[n - 1] != c))
    assert read_freely(likelihoods, change) == expected


def test_silence_is_read_as_nothing() -> None:
    assert read_freely(np.zeros((0, CLASSES), np.float32), 1.0) == ()
    silent = np.full((9, CLASSES), -5.0, np.float32)
    silent[:, WORDLESS] = 0.0
    assert read_freely(silent, 1.0) == ()


def test_errors_are_counted_by_hand() -> None:
    chain = chain_of("mano")
    m, a, n, o = (PHONES.index(p) for p in "mano")
    assert phone_errors((m, a, n, o), chain) == (0, 4)
    assert phone_errors((m, a, o), chain) == (1, 4)
    assert phone_errors((m, a, a, n, o), chain) == (1, 4)
    assert phone_errors((o, n), chain) == (3, 4)  # o for a, without m and o
    assert phone_errors((), chain) == (4, 4)
    # two equal neighbours cannot be told from one
    assert phone_errors((m, a, m), chain_of("ma am")) == (0, 3)


def test_what_may_stay_silent_costs_nothing() -> None:
    chain = chain_of("petite", "fr")
    sung = np.flatnonzero(chain.kinds == 0)
    assert chain.optional[sung].any()
    kept = chain.phones[sung][~chain.optional[sung]].tolist()
    assert phone_errors(kept, chain) == (0, len(kept))
    assert phone_errors(chain.phones[sung].tolist(), chain) == (0, len(kept))


def window(*said: Said, frames: int = 100, language: str = "it") -> PhoneWindow:
    return PhoneWindow(np.zeros((frames, 16), np.float16), said, language, "v", "train")


def test_outside_of_utterances_is_wordless_and_what_has_no_phone_is_ignored() -> None:
    one = window(Said("mano", 0.4, 0.8), Said("—", 1.0, 1.4), Said("luna", 1.9, 2.5))
    spoken = spoken_in(one)
    likelihoods = np.random.default_rng(0).normal(0, 1, (100, CLASSES)).astype(np.float32)
    for labels in (first_labels(100, spoken), heard_labels(likelihoods, spoken)):
        outside = np.r_[0:20, 40:50, 70:95]
        assert (labels[outside] == WORDLESS).all()
        assert (labels[50:70] == IGNORED).all()
        assert set(labels[20:40].tolist()) - {WORDLESS} == {PHONES.index(p) for p in "mano"}
        # the window ends before the text does: five frames are left for four phones
        assert set(labels[95:].tolist()) - {WORDLESS} <= {PHONES.index(p) for p in "luna"}


def test_too_short_for_its_text_is_ignored() -> None:
    spoken = spoken_in(window(Said("straordinariamente", 0.0, 0.1), Said("a", 1.0, 1.01)))
    labels = heard_labels(np.zeros((100, CLASSES), np.float32), spoken)
    assert (labels[:5] == IGNORED).all()
    assert (labels[5:50] == WORDLESS).all()


def test_the_first_guess_spreads_phones_evenly() -> None:
    labels = spread(100, chain_of("mano"))
    assert (labels[:6] == WORDLESS).all()
    assert (labels[94:] == WORDLESS).all()
    assert [int((labels == PHONES.index(p)).sum()) for p in "mano"] == [22, 22, 22, 22]


def test_the_prior_is_how_often_classes_are_seen() -> None:
    labels = np.array([WORDLESS] * 70 + [3] * 20 + [IGNORED] * 50, np.int8)
    prior = np.exp(log_prior([labels, labels]))
    total = 180 + 10 * CLASSES
    assert prior.sum() == pytest.approx(1.0, abs=1e-5)
    assert prior[WORDLESS] == pytest.approx(150 / total)
    assert prior[3] == pytest.approx(50 / total)
    assert prior[4] == pytest.approx(10 / total)


def learned(lesson: PhoneLesson, steps: int) -> dict[str, float]:
    generator = np.random.default_rng(0)
    optimiser = torch.optim.AdamW(lesson.model.parameters(), 1e-2)
    lesson.model.train()
    for _ in range(steps):
        loss = lesson.loss(lesson.batch(generator))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return dict(lesson.validate())


def test_a_net_learns_from_texts_without_times() -> None:
    config = replace(SMALL, batch=8, place_after=(6, 9, 12, 15))
    lesson = build_lesson(config, None, 0)
    before, flat = dict(lesson.validate()), np.concatenate(lesson.labels)
    after = learned(lesson, 70)
    assert set(after) == set(PLAN.measures(config))
    assert after["texts_phone_errors"] < 0.15 < 0.7 < before["texts_phone_errors"]
    assert after["voices_phone_errors"] < 0.15
    assert after["texts_frame_accuracy"] > 0.9
    # the texts were placed anew, and the prior is of where they are now
    assert (np.concatenate(lesson.labels) != flat).mean() > 0.1
    np.testing.assert_allclose(lesson.model.log_prior.numpy(), log_prior(lesson.labels))


def test_texts_are_placed_after_the_epochs_that_are_named() -> None:
    lesson = build_lesson(replace(SMALL, place_after=(1, 3)), None, 0)
    generator = np.random.default_rng(0)
    changed = []
    for _ in range(4 * 8):  # 32 windows, 4 a batch: 8 batches an epoch
        before = lesson.labels
        lesson.batch(generator)
        changed.append(lesson.labels is not before)
    assert np.flatnonzero(changed).tolist() == [8, 24]


def test_a_resumed_run_repeats_an_uninterrupted_one(tmp_path: Path) -> None:
    config = replace(SMALL, batch=16, place_after=(1, 2))  # two steps an epoch
    loop = LoopConfig(steps=6, validate_every=6, report_every=6, tensorboard=False, checkpoint_every_s=0.0)
    whole = train(build_lesson(config, None, 0), loop, tmp_path / "whole")
    first = train(build_lesson(config, None, 0), loop, tmp_path / "parts", limit_s=1e-6)
    assert first.ended == "time"
    while first.ended == "time":
        limit = 1e-6 if first.step < 3 else None
        first = train(build_lesson(config, None, 0), loop, tmp_path / "parts", limit_s=limit)
    assert first.measured == whole.measured
    for name in ("weights.safetensors", "optimisers.safetensors"):
        assert (first.checkpoint / name).read_bytes() == (whole.checkpoint / name).read_bytes()


def test_labels_of_other_windows_are_refused() -> None:
    lesson, other = (PhoneLesson(SMALL, invented_windows(seed, 16), 0) for seed in (0, 1))
    with pytest.raises(ValueError, match="other windows"):
        lesson.go_to(other.position())


def test_what_is_impossible_is_refused(tmp_path: Path) -> None:
    for changes in ({"kernel": 4}, {"place_after": (3, 3)}, {"place_after": (0,)}, {"smoothing": 1.0}, {"batch": 0}):
        with pytest.raises(InvalidOption):
            replace(SMALL, **changes)  # type: ignore[arg-type]
    windows = invented_windows(0, 16)
    with pytest.raises(InvalidOption, match="16"):
        PhoneLesson(replace(SMALL, states=24), windows, 0)
    for missing in ("train", "texts", "voices", "songs"):
        with pytest.raises(InputNotFound):
            PhoneLesson(SMALL, [w for w in windows if w.part != missing], 0)
    for data in (None, tmp_path / "nowhere", tmp_path):
        with pytest.raises(InputNotFound):
            build_lesson(PhoneLessonConfig(), data, 0)


def test_an_exported_run_is_what_the_aligner_loads(tmp_path: Path) -> None:
    recipe = Path(__file__).parents[2] / "recipes" / "phones" / "smoke.toml"
    assert run(["train", str(recipe), "--out", str(tmp_path / "run"), "--quiet"]) == 0
    export_run(tmp_path / "run", tmp_path / "card", ExportOptions("my-phones", "MIT"))
    reader = load_reader(tmp_path / "card")
    assert (reader.config.states, reader.config.width, reader.config.kernel, reader.config.layers) == (24, 32, 3, (0,))
    assert reader.config.classes == CLASSES
    prior = reader.log_prior.exp()
    assert float(prior.sum()) == pytest.approx(1.0, abs=1e-2)
    assert float(prior[WORDLESS]) > 0.2
    config = PhoneLessonConfig(source="invented", states=24, layers=(0,), width=32, kernel=3)
    lesson = build_lesson(config, None, 0)
    lesson.model.load_state_dict(reader.state_dict())
    assert lesson.validate()["texts_phone_errors"] < 0.1
