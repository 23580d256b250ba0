"""The two lyrics lessons: what is drawn, that they learn, and that times come out where they should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from descant.data.lyrics_set import SAMPLE_RATE as SET_RATE
from descant.data.lyrics_set import Piece
from descant.errors import InputNotFound, InvalidOption
from descant.nets.lyrics_contrastive import FRAMES_PER_S, SAMPLE_RATE
from descant.text.lyrics import Line, Lyrics, Word
from descant.text.sung_symbols import sung_symbols
from descant.train.lyrics_align import WINDOW_FRAMES, Evidence, hear_ctc, hear_windows, starts_of, word_errors
from descant.train.lyrics_contrastive import ContrastiveLessonConfig
from descant.train.lyrics_contrastive import build_lesson as contrastive
from descant.train.lyrics_ctc import CtcLessonConfig
from descant.train.lyrics_ctc import build_lesson as ctc
from descant.train.lyrics_invented import invented_pieces
from descant.train.lyrics_segments import Hearing, Stretches, heard_at, log_spectra
from descant.train.prepared import prepare

RECIPES = Path(__file__).parents[2] / "recipes"
SMALL = ContrastiveLessonConfig(
    source="invented", width=8, blocks=2, halvings=2, batch=4, seconds=1.5, negatives=50, backed_share=0.0
)
SMALL_CTC = CtcLessonConfig(source="invented", net="residual", width=8, blocks=2, halvings=2, batch=4, seconds=2.0)


@pytest.mark.parametrize("recipe", sorted(RECIPES.glob("lyrics_*/*.toml")), ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_recipes_are_sound(recipe: Path) -> None:
    assert prepare(recipe).recipe.lesson == recipe.parent.name


def test_a_stretch_holds_the_lines_that_are_sung_in_it() -> None:
    pieces = invented_pieces(0)
    source = Stretches(pieces, "train", Hearing(SAMPLE_RATE, backed_share=0.0))
    rng = np.random.default_rng(0)
    for _ in range(20):
        drawn = source.draw(2.0, rng)
        assert len(drawn.samples) == 2 * SAMPLE_RATE
        quiet = np.abs(drawn.samples).max() < 1e-4
        assert drawn.lines or quiet
        for start_s, end_s, _ in drawn.lines:
            assert start_s < 2.0
            assert end_s > 0.0
            inside = drawn.samples[round(max(start_s, 0) * SAMPLE_RATE) : round(min(end_s, 2.0) * SAMPLE_RATE)]
            assert len(inside) < 400 or np.abs(inside).max() > 0.005


def test_a_stretch_at_a_line_begins_shortly_before_it_margins_aside() -> None:
    source = Stretches(invented_pieces(0), "train", Hearing(SAMPLE_RATE, backed_share=0.0))
    rng = np.random.default_rng(1)
    for _ in range(10):
        drawn = source.draw(4.0, rng, at_line=True, margin_s=1.0)
        assert any(-0.01 <= start_s <= 0.7 for start_s, _, _ in drawn.lines)
        assert all(start_s < 2.0 for start_s, _, _ in drawn.lines)


def test_lines_are_divided_at_known_words() -> None:
    words = (Word("a", 0.0), Word("b"), Word("c", 1.0), Word("d", 1.2), Word("e", 3.0))
    lyrics = Lyrics((Line(words, 0.0, 4.0),), "en")
    piece = Piece("x", "vocals", "words", "s", "train", lyrics, np.zeros(5 * SET_RATE, np.int16))
    source = Stretches([piece], "train", Hearing(SAMPLE_RATE, shortest_line_s=0.9))
    drawn = source.draw(5.0, np.random.default_rng(0))
    assert [line.text for _, _, line in drawn.lines] == ["a b", "c d", "e"]


def test_a_set_without_the_part_is_refused() -> None:
    with pytest.raises(InputNotFound, match="No voices"):
        Stretches(invented_pieces(0), "test", Hearing(SAMPLE_RATE))
    with pytest.raises(InputNotFound, match="No voices"):
        Stretches(invented_pieces(0), "train", Hearing(SAMPLE_RATE, ("de",)))
    with pytest.raises(InputNotFound, match="needs data"):
        contrastive(ContrastiveLessonConfig(), None, 0)


def test_spectra_have_the_published_frames() -> None:
    spectra = log_spectra(np.zeros(5 * SAMPLE_RATE, np.float32))
    assert spectra.shape == (257, 1 + 5 * SAMPLE_RATE // 256)
    sine = np.sin(2 * np.pi * 1000 * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)
    assert log_spectra(sine).max() == pytest.approx(np.log1p(256.0), abs=0.2)


def test_positives_are_those_of_the_stretch_and_negatives_are_not() -> None:
    lesson = contrastive(SMALL, None, 0)
    spectra, positives, owners, negatives, counted, _ = lesson.batch(np.random.default_rng(0))
    assert spectra.shape[:2] == (4, 257)
    assert sorted(set(owners.tolist())) == [0, 1, 2, 3]
    for owner in range(4):
        bag = {tuple(row) for row in positives[owners == owner].tolist()}
        assert bag
        for row, counts in zip(negatives.tolist(), counted[owner].tolist(), strict=True):
            assert counts == (tuple(row) not in bag)


def test_the_loss_is_the_published_one() -> None:
    lesson = contrastive(SMALL, None, 0)
    heard = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    read = {"positives": torch.tensor([[1.0, 0.0], [0.6, 0.8]]), "negatives": torch.tensor([[-1.0, 0.0], [0.6, 0.8]])}
    lesson.model.read = lambda contexts, _language=None: read[contexts]  # type: ignore[method-assign]
    # best frames: 1 and 0.8 of the positives, 0 and 0.8 of the negatives, of which the second does not count
    counted = torch.tensor([[True, False]])
    found = lesson._distance(heard, "positives", torch.tensor([0, 0]), "negatives", counted, torch.tensor([0]))  # type: ignore[arg-type]
    assert float(found) == pytest.approx((0.0 + 0.04) / 2 + 0.0)


@pytest.mark.parametrize("conditioned", [False, True])
def test_the_contrastive_lesson_learns(conditioned: bool) -> None:
    config = ContrastiveLessonConfig(**{**_fields(SMALL), "is_conditioned": conditioned, "aligned_pieces": 1})
    lesson = contrastive(config, None, 0)
    before = lesson.validate()["held_loss"]
    _learn(lesson, 40, 5e-3)
    assert lesson.validate()["held_loss"] < min(0.9 * before, 0.52)


def test_the_ctc_lesson_learns() -> None:
    lesson = ctc(SMALL_CTC, None, 0)
    before = lesson.validate()["held_loss"]
    _learn(lesson, 40, 5e-3)
    assert lesson.validate()["held_loss"] < 0.7 * before


def test_a_ctc_text_is_that_of_whole_lines_and_cut_ones_do_not_count() -> None:
    lesson = ctc(SMALL_CTC, None, 0)
    from descant.train.lyrics_segments import Stretch

    one, two = (Line((Word(text),)) for text in ("one", "two"))
    whole = Stretch(np.zeros(0, np.float32), ((0.2, 1.0, one), (1.2, 1.8, two)), "en")
    frames, text = lesson._told(whole, 2.0)
    assert len(text) == len("one two")
    assert frames == int(2.0 * FRAMES_PER_S)
    cut = Stretch(np.zeros(0, np.float32), ((0.2, 1.0, one), (1.2, 2.5, two)), "en")
    frames, text = lesson._told(cut, 2.0)
    assert len(text) == len("one")
    assert frames == int(1.2 * FRAMES_PER_S)


def test_the_wave_u_net_lesson_runs_and_covers_a_song() -> None:
    config = CtcLessonConfig(source="invented", growth=1, batch=1, validation_batches=1, aligned_pieces=1)
    lesson = ctc(config, None, 0)
    assert set(lesson.validate()) == {"held_loss", "aae_s"}
    piece = invented_pieces(0)[0]
    evidence = hear_ctc(lesson.model, piece)
    assert len(evidence.scores) == -(-len(piece.samples) // 1024)


def test_windows_are_seamless() -> None:
    spectra = torch.rand(1, 3 * WINDOW_FRAMES + 17)

    def near(x: torch.Tensor) -> torch.Tensor:  # depends on four frames to each side
        return torch.nn.functional.avg_pool1d(torch.nn.functional.pad(x, (4, 4)), 9, 1).transpose(1, 2)

    found = hear_windows(near, spectra, 4)
    torch.testing.assert_close(found[4:-4], near(spectra[None])[0][4:-4])
    short = torch.rand(1, 30)
    torch.testing.assert_close(hear_windows(near, short, 4), near(short[None])[0])


def test_words_are_found_where_the_evidence_says() -> None:
    lyrics = Lyrics((Line((Word("ab", 1.0), Word("c", 2.0)), 1.0, 2.5),), "en")
    text = sung_symbols(lyrics, "characters")
    scores = np.full((100, len(text.symbols)), 0.3, np.float32)
    for token, frame in ((1, 20), (2, 25), (4, 40)):
        scores[frame, token] = 0.9
    for is_masked in (False, True):
        starts = starts_of(Evidence(scores, None, 20.0), text, 2, "characters", is_masked=is_masked)
        assert starts.tolist() == [1.0, 2.0]
        assert word_errors(starts, lyrics).tolist() == [0.0, 0.0]
    with pytest.raises(InvalidOption, match="does not fit"):
        starts_of(Evidence(scores[:3], None, 20.0), text, 2, "characters")


def test_a_piece_is_heard_at_a_nets_rate() -> None:
    piece = invented_pieces(0)[0]
    assert len(heard_at(piece, SAMPLE_RATE)) == pytest.approx(len(piece.samples) / 2, abs=1)
    assert len(heard_at(piece, SET_RATE)) == len(piece.samples)


def _fields(config: ContrastiveLessonConfig) -> dict[str, object]:
    return {name: getattr(config, name) for name in config.__dataclass_fields__}


def _learn(lesson: object, steps: int, rate: float) -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    optimiser = torch.optim.Adam(lesson.model.parameters(), rate)  # type: ignore[attr-defined]
    lesson.model.train()  # type: ignore[attr-defined]
    for _ in range(steps):
        optimiser.zero_grad()
        lesson.loss(lesson.batch(rng)).backward()  # type: ignore[attr-defined]
        optimiser.step()
