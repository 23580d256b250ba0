"""Continuations as scores: in metre, in tempo, for the same players, the same for the same seed, without loops."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from continuation_songs import song, untrained
from safetensors.torch import save_file

from descant.compose.continuation.api import Continuer, continue_score, model_from
from descant.compose.continuation.counted import CountedModel, CountedReader
from descant.compose.continuation.crops import whole_song
from descant.compose.continuation.files import continue_file
from descant.compose.continuation.scribe import Sampling
from descant.compose.continuation.sheet import sheet_of
from descant.compose.continuation.tokens import VOCABULARY, encode_bar
from descant.errors import Cancelled, CardError, InvalidOption, NothingHeard, OutputIsInput
from descant.progress import CancelToken, Progress
from descant.score.harmony import Key
from descant.score.midi import read_midi, write_midi
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap, TimeSignature


@pytest.fixture(scope="module")
def continuer() -> Continuer:
    return Continuer.from_model(untrained(), 128)


def test_the_song_stays_and_goes_on(continuer: Continuer) -> None:
    score = song()
    found = continuer(score, 20, seed=3)
    assert (found.start, found.end) == (64.0, 144.0)
    for before, after in zip(score.tracks, found.score.tracks, strict=True):
        assert (before.name, before.program, before.is_drum) == (after.name, after.program, after.is_drum)
        assert [n for n in after.notes if n.start < 64.0] == list(before.notes)
        new = [n for n in after.notes if n.start >= 64.0]
        assert new
        assert all(n.start < 144.0 for n in new)
    assert found.score.sections[-1].label == "continuation"
    assert score == song()


def test_density_loudness_and_players_stay(continuer: Continuer) -> None:
    score = song()
    found = continuer(score, 64)
    after = sheet_of(found.score).bars[16:]
    counts = [np.mean([bar.count for bar in after[i : i + 8]]) for i in range(0, 64, 8)]
    usual = np.mean([bar.count for bar in sheet_of(score).bars])
    assert np.array(counts) == pytest.approx(usual, rel=0.35)  # a model that has learned nothing leaps at random
    assert np.array(counts) == pytest.approx(np.mean(counts), rel=0.15)
    velocities = {t.name: {n.velocity for n in t.notes if n.start >= 64.0} for t in found.score.tracks}
    assert velocities == {"Melody": {100}, "Piano": {60}, "Bass": {70}, "Drums": {90}}
    assert all(bar.count for bar in after)


@pytest.mark.parametrize("signature", [TimeSignature(0.0, 3, 4), TimeSignature(0.0, 5, 4), TimeSignature(0.0, 6, 8)])
def test_the_metre_stays(continuer: Continuer, signature: TimeSignature) -> None:
    score = replace(song(8, 3, drums=False), time_signatures=(signature,))
    found = continuer(score, 4)
    first = -(-24 // signature.bar_quarters) * signature.bar_quarters
    assert found.start == first
    assert found.end == pytest.approx(first + 4 * signature.bar_quarters)
    assert found.score.time_signatures == (signature,)


def test_a_short_bar_and_a_slow_end_are_over(continuer: Continuer) -> None:
    score = song(8, 4)
    tempo = TempoMap.from_tempi([(0.0, 120.0), (30.0, 40.0)])
    signatures = (TimeSignature(0.0, 4, 4), TimeSignature(28.0, 2, 4))
    found = continuer(replace(score, tempo=tempo, time_signatures=signatures), 4).score
    assert found.time_signatures[-1] == TimeSignature(32.0, 4, 4)
    assert found.tempo.bpm_at(33.0) == pytest.approx(120.0)
    assert found.tempo.bpm_at(31.0) == pytest.approx(40.0)
    assert found.tempo.seconds(31.0) == pytest.approx(tempo.seconds(31.0))


def test_another_key_is_the_same_music_moved(continuer: Continuer) -> None:
    here, there = song(), song()
    moved = tuple(
        t if t.is_drum else replace(t, notes=tuple(replace(n, pitch=n.pitch + 3) for n in t.notes))
        for t in there.tracks
    )
    low = continuer(here, 6).score
    high = continuer(replace(there, tracks=moved, key=Key(3, "major")), 6).score
    for a, b in zip(low.tracks, high.tracks, strict=True):
        assert [n.pitch + (0 if a.is_drum else 3) for n in a.notes] == [n.pitch for n in b.notes]


def test_same_seed_same_bars_other_seed_others(continuer: Continuer) -> None:
    one, again, other = (continuer(song(), 6, seed=seed).score for seed in (1, 1, 2))
    assert one == again != other


def test_a_period_returns(continuer: Continuer) -> None:
    found = continuer(song(), 24, sampling=Sampling(returns=1.0)).bars
    figures = [bar.figure for bar in found]
    assert figures[16:20] == figures[:4]
    assert figures[20:] != figures[4:8]
    never = continuer(song(), 24, sampling=Sampling(returns=0.0)).bars
    assert len({bar.figure for bar in never}) == 24


def test_one_note_is_enough(continuer: Continuer) -> None:
    found = continuer(Score((Track("x", (Note(0.0, 1.0, 60),)),), TempoMap.constant(90.0)), 9)
    assert sum(n.start >= 4.0 for n in found.score.tracks[0].notes) >= 9


def test_a_pianists_left_hand_stays_his(continuer: Continuer) -> None:
    both = [n for t in song(drums=False).tracks[1:] for n in t.notes]
    found = continuer(Score((Track("Piano", tuple(both)),), TempoMap.constant(90.0)), 8)
    new = [n.pitch for n in found.score.tracks[0].notes if n.start >= found.start]
    assert min(new) < 52 <= max(new)


def test_no_pitch_sounds_twice_at_once(continuer: Continuer) -> None:
    score = song(8)
    held = replace(score.tracks[2], notes=(*score.tracks[2].notes, Note(30.0, 40.0, 43, 70)))
    found = continuer(score.with_tracks([*score.tracks[:2], held]), 16).score
    for track in found.tracks:
        ends: dict[int, float] = {}
        for note in track.notes:
            if note.start >= 32.0:
                assert ends.get(note.pitch, 0.0) <= note.start + 1e-9
            ends[note.pitch] = max(note.end, ends.get(note.pitch, 0.0))
    assert any(n.start == 30.0 and n.pitch == 43 for n in found.tracks[2].notes)


class Parrot:
    """Reads, and always expects the token that follows at this place of a text, over and over."""

    def __init__(self, text: Sequence[int], after: int) -> None:
        self._text, self._after, self._count = text, after, 0

    @property
    def lengths(self) -> list[int]:
        return [self._count]

    def read(self, tokens: Sequence[Sequence[int]], companions: object = None) -> list[np.ndarray]:
        self._count += len(tokens[0])
        logits = np.zeros(VOCABULARY)
        if self._count >= self._after:
            logits[self._text[(self._count - self._after) % len(self._text)]] = 12.0
        return [logits]

    def forget(self, sequence: int) -> None:
        raise AssertionError

    def rewind(self, sequence: int, length: int) -> None:
        self._count = length


def stuck(text: list[int], bars: int, sampling: Sampling) -> list[frozenset[tuple[int, int, int]]]:
    score = song(8)
    stretch = whole_song(sheet_of(score)).tokens[:-1]

    class Fresh(Parrot):
        def forget(self, sequence: int) -> None:
            self._count = 0

    found = Continuer(lambda: Fresh(text, len(stretch)), 10**6)(score, bars, sampling=sampling)
    return [bar.figure for bar in found.bars]


def test_a_loop_is_broken() -> None:
    (bar,) = [encode_bar(bar) for bar in sheet_of(song(16, seed=5)).bars[9:10]]
    loose = stuck(bar, 24, Sampling(outlined=False, checked=False, nucleus=0.5))
    assert max(map(loose.count, loose)) == 24
    kept = stuck(bar, 24, Sampling(outlined=False, nucleus=0.5))
    assert max(kept[i : i + 16].count(f) for i, f in enumerate(kept)) <= 4


def test_the_song_is_not_copied() -> None:
    text = whole_song(sheet_of(song(8))).tokens[3:-1]
    own = [bar.figure for bar in sheet_of(song(8)).bars]
    passages = {tuple(own[i : i + 4]) for i in range(5)}

    def copied(found: list[frozenset[tuple[int, int, int]]]) -> int:
        return sum(tuple(found[i : i + 4]) in passages for i in range(len(found) - 3))

    assert copied(stuck(text, 8, Sampling(outlined=False, checked=False, nucleus=0.5))) == 5
    assert copied(stuck(text, 8, Sampling(outlined=False, nucleus=0.5))) == 0


def test_a_counted_model_can_be_asked_too() -> None:
    counts = CountedModel([whole_song(sheet_of(song(seed=s))).tokens for s in range(4)], VOCABULARY, 2)
    found = Continuer(lambda: CountedReader(counts), 128)(song(), 8)
    assert len(found.bars) == 8


def test_however_long_the_context_is_read_again(continuer: Continuer) -> None:
    found = continuer(song(2), 40)  # 128 tokens are some three bars
    assert len(found.bars) == 40
    assert found.tally.nats > 0


@pytest.mark.parametrize(
    ("bars", "sampling"),
    [(0, Sampling()), (513, Sampling()), (-1, Sampling()), (4, Sampling(temperature=0.0)), (4, Sampling(nucleus=0.0)),
     (4, Sampling(nucleus=1.5)), (4, Sampling(temperature=float("nan"))), (4, Sampling(returns=1.1))],
)  # fmt: skip
def test_what_cannot_be_asked(continuer: Continuer, bars: int, sampling: Sampling) -> None:
    with pytest.raises(InvalidOption):
        continuer(song(), bars, sampling=sampling)
    if sampling.returns <= 1.0:
        with pytest.raises(InvalidOption):  # before any weights are looked for
            continue_score(song(), bars, temperature=sampling.temperature, top_p=sampling.nucleus)


def test_cancelling_and_progress(continuer: Continuer) -> None:
    token = CancelToken()
    seen: list[float] = []

    def watch(event: Progress) -> None:
        seen.append(event.fraction)
        if event.fraction > 0.3:
            token.cancel()

    with pytest.raises(Cancelled):
        continuer(song(), 20, progress=watch, cancel=token)
    assert 0.3 < seen[-1] < 0.5


def weights_folder(folder: Path) -> Path:
    model = untrained()
    folder.mkdir()
    save_file({k: v.half().contiguous() for k, v in model.state_dict().items()}, folder / "weights.safetensors")
    (folder / "config.json").write_text(json.dumps({"network": asdict(model.config)}))
    return folder


def test_weights_from_a_folder(tmp_path: Path) -> None:
    folder = weights_folder(tmp_path / "card")
    assert len(Continuer.from_folder(folder)(song(), 3).bars) == 3
    described = json.loads((folder / "config.json").read_text())
    for change in ({"layers": 2}, {"vocabulary": 7}):
        (folder / "config.json").write_text(json.dumps({"network": {**described["network"], **change}}))
        with pytest.raises(CardError):
            model_from(folder)


def test_files(continuer: Continuer, tmp_path: Path) -> None:
    source = tmp_path / "tune.mid"
    write_midi(source, song(4))
    done = continue_file(source, tmp_path / "out", 4, continuer=continuer, bpm=90.0)
    assert [path.name for path in done.paths] == ["score.mid", "score.musicxml"]
    again = read_midi(done.paths[0])
    assert again.end > 20.0
    assert again.tempo.bpm_at(1.0) == pytest.approx(90.0, rel=1e-3)
    with pytest.raises(OutputIsInput):
        continue_file(done.paths[0], tmp_path / "out", 4, continuer=continuer)
    with pytest.raises(InvalidOption):
        continue_file(source, tmp_path / "no", 4, continuer=continuer, bpm=1000.0)
    empty = tmp_path / "empty.mid"
    write_midi(empty, Score((Track("melody", ()),), TempoMap.constant(90.0)))
    with pytest.raises(NothingHeard):
        continue_file(empty, tmp_path / "no", 4, continuer=continuer)
    assert not (tmp_path / "no").exists()
