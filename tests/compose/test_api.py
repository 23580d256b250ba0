"""The composer as a whole: a melody in, a band out."""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import replace

import numpy as np
import pytest
from folk_tune import AH_VOUS_DIRAI, tune

from descant.compose.api import Composer
from descant.compose.arrange.styles import styles
from descant.compose.config import BandOptions
from descant.compose.files import compose_file
from descant.errors import Cancelled, InvalidOption, NothingHeard, OutputIsInput, UnsupportedFormat
from descant.progress import CancelToken, Progress
from descant.score.harmony import Chord, ChordSpan
from descant.score.midi import read_midi, write_midi
from descant.score.notes import Note, Score, Section, Track
from descant.score.tempo import TempoMap, TimeSignature


@pytest.fixture(scope="module")
def song(composer: Composer) -> Score:
    return composer(tune(start=4.0))[0].score


def pitches(score: Score) -> list[tuple[str, float, int]]:
    return [(t.name, n.start, n.pitch) for t in score.tracks if t.name != "melody" for n in t.notes]


def test_the_band_is_there_and_the_melody_is_untouched(song: Score) -> None:
    assert song.tracks[0] == tune(start=4.0).tracks[0]
    names = [track.name for track in song.tracks]
    assert names[:4] == ["melody", "piano", "bass", "drums"]
    assert "pad" in names
    assert song.key is not None
    assert song.key.name == "C major"
    assert song.chords[0].start <= 4.0
    assert song.chords[-1].end >= song.track("melody").end


def test_every_note_can_be_played(song: Score) -> None:
    for track in song.tracks:
        for note in track.notes:
            assert 0 <= note.pitch < 128
            assert 1 <= note.velocity <= 127
            assert note.start >= 0
            assert note.duration > 0
        for _, same in itertools.groupby(sorted(track.notes, key=lambda n: (n.pitch, n.start)), lambda n: n.pitch):
            for a, b in itertools.pairwise(same):
                assert track.is_drum or a.end <= b.start + 1e-6
    assert all(28 <= n.pitch <= 50 for n in song.track("bass").notes)


def test_the_band_agrees_with_its_chords(song: Score) -> None:
    hits = []
    for name in ("piano", "bass", "pad"):
        for note in song.track(name).notes:
            chord = next((c.chord for c in song.chords if c.start <= note.start + 0.01 < c.end), None)
            if chord is not None and note.start % 1 == 0:
                hits.append(note.pitch % 12 in chord.pitch_classes)
    assert np.mean(hits) > 0.85


def test_it_ends_on_a_long_chord_after_the_last_note_begins(song: Score) -> None:
    last = song.track("melody").notes[-1]
    piano = song.track("piano").notes
    final = [n for n in piano if n.start == piano[-1].start]
    assert len(final) >= 3
    assert max(n.end for n in final) >= last.end
    assert {n.pitch % 12 for n in final} <= {0, 4, 7}


def test_the_same_seed_gives_the_same_band_and_another_seed_another(composer: Composer) -> None:
    score = tune(steps=AH_VOUS_DIRAI[:16])
    first, again = (composer(score, BandOptions(seed=5))[0].score for _ in range(2))
    assert first == again
    assert pitches(composer(score, BandOptions(seed=6))[0].score) != pitches(first)


def test_another_melody_gets_another_band(composer: Composer) -> None:
    one = composer(tune(steps=AH_VOUS_DIRAI[:16]))[0]
    other = composer(tune(steps=[9, 9, 5, 5, 2, 2, 5, None, 7, 7, 4, 4, 0, 0, 4, None]))[0]
    assert one.chords != other.chords
    assert pitches(one.score) != pitches(other.score)


def test_the_band_follows_the_singers_tempo(composer: Composer) -> None:
    free = TempoMap.from_tempi([(0, 80), (6, 104), (11, 70)])
    score = replace(tune(steps=AH_VOUS_DIRAI[:16]), tempo=free)
    steady = composer(tune(steps=AH_VOUS_DIRAI[:16]))[0].score
    moved = composer(score)[0].score
    assert moved.tempo == free
    assert pitches(moved) == pitches(steady)


@pytest.mark.parametrize("notes", [(), None])
def test_silence_is_nothing_heard(composer: Composer, notes: tuple[Note, ...] | None) -> None:
    tracks = () if notes is None else (Track("melody", notes),)
    with pytest.raises(NothingHeard):
        composer(Score(tracks, TempoMap.constant(100)))


def test_given_chords_are_played(composer: Composer) -> None:
    chords = tuple(ChordSpan(4.0 * i, 4.0 * i + 4, Chord((2, 7)[i % 2], ("min", "7")[i % 2])) for i in range(4))
    take = composer(tune(steps=AH_VOUS_DIRAI[:16]), BandOptions(chords=chords))[0]
    assert take.chords[:4] == chords
    roots = {n.start: n.pitch % 12 for n in take.score.track("bass").notes if n.start in (0.0, 4.0, 8.0)}
    assert roots == {0.0: 2, 4.0: 7, 8.0: 2}


def test_takes_come_best_first_and_each_seed_writes_its_take_again(composer: Composer) -> None:
    score = tune(steps=AH_VOUS_DIRAI[:16])
    takes = composer(score, BandOptions(takes=3, seed=2))
    assert [t.value for t in takes] == sorted((t.value for t in takes), reverse=True)
    assert sorted(t.seed for t in takes) == [2, 3, 4]
    assert len({tuple(pitches(t.score)) for t in takes}) == 3
    alone = composer(score, BandOptions(seed=takes[0].seed))[0]
    assert pitches(alone.score) == pitches(takes[0].score)


def test_density_changes_how_much_is_played(composer: Composer) -> None:
    few, many = (
        sum(len(t.notes) for t in composer(tune(), BandOptions(density=density))[0].score.tracks)
        for density in (0.0, 1.0)
    )
    assert many > 1.5 * few


@pytest.mark.parametrize("style", list(styles()))
@pytest.mark.parametrize("beats", [3, 4])
def test_every_style_plays_in_three_and_in_four(composer: Composer, style: str, beats: int) -> None:
    score = replace(tune(steps=AH_VOUS_DIRAI[:16]), time_signatures=(TimeSignature(0, beats, 4),))
    take = composer(score, BandOptions(style=style, density=0.8))[0]
    names = {t.name for t in take.score.tracks}
    assert names >= {"melody", "bass", "drums"}
    assert names & {"piano", "guitar"}


def test_only_who_was_asked_plays(composer: Composer) -> None:
    take = composer(tune(steps=AH_VOUS_DIRAI[:16]), BandOptions(instruments=("guitar", "bass")))[0]
    assert {t.name for t in take.score.tracks} == {"melody", "guitar", "bass"}
    assert all(40 <= n.pitch < 80 for n in take.score.track("guitar").notes)


def test_a_long_song_does_not_drift_in_key_or_level(composer: Composer) -> None:
    score = composer(tune(steps=AH_VOUS_DIRAI * 4), BandOptions(instruments=("piano",)))[0].score
    notes = score.track("piano").notes
    quarter = len(notes) // 4
    parts = [notes[:quarter], notes[-quarter:]]
    in_key = [np.mean([n.pitch % 12 in (0, 2, 4, 5, 7, 9, 11) for n in part]) for part in parts]
    level = [np.mean([n.velocity for n in part]) for part in parts]
    assert min(in_key) > 0.85
    assert abs(level[0] - level[1]) < 20


def test_progress_rises_to_one_and_work_can_be_cancelled(composer: Composer) -> None:
    seen: list[float] = []
    composer(tune(steps=AH_VOUS_DIRAI[:16]), progress=lambda event: seen.append(event.fraction))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    cancel = CancelToken()

    def stop(event: Progress) -> None:
        cancel.cancel()

    started = time.monotonic()
    with pytest.raises(Cancelled):
        composer(tune(), progress=stop, cancel=cancel)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "wrong",
    [
        {"style": "polka"}, {"density": 2.0}, {"takes": 0}, {"instruments": ("kazoo",)}, {"instruments": ()},
        {"temperature": 0.0},
    ],
)  # fmt: skip
def test_impossible_wishes_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidOption) as caught:
        BandOptions(**wrong)  # type: ignore[arg-type]
    assert caught.value.hint


def test_files_in_files_out(composer: Composer, tmp_path) -> None:
    source = write_midi(tmp_path / "tune.mid", tune(steps=AH_VOUS_DIRAI[:16]))
    done = compose_file(source, tmp_path / "band", BandOptions(takes=2), composer=composer)
    assert [p.relative_to(tmp_path / "band").as_posix() for p in done.paths] == [
        "score.mid",
        "score.musicxml",
        "takes/2.mid",
    ]
    assert {t.name for t in read_midi(done.paths[0]).tracks} >= {"melody", "piano", "bass", "drums"}
    with pytest.raises(UnsupportedFormat):
        compose_file(tmp_path / "tune.txt", tmp_path / "band", composer=composer)
    with pytest.raises(InvalidOption):
        compose_file(source, tmp_path / "band", composer=composer, melody="oboe")


def test_the_score_is_never_replaced_by_its_own_band(tmp_path) -> None:
    source = write_midi(tmp_path / "score.mid", tune(steps=AH_VOUS_DIRAI[:16]))
    before = source.read_bytes()
    with pytest.raises(OutputIsInput):
        compose_file(source, tmp_path)
    (tmp_path / "takes").mkdir()
    take = write_midi(tmp_path / "takes" / "2.mid", tune(steps=AH_VOUS_DIRAI[:16]))
    with pytest.raises(OutputIsInput):
        compose_file(take, tmp_path, BandOptions(takes=3))
    assert source.read_bytes() == before


def test_a_whole_song_is_played_from_its_first_chord_to_the_end_of_its_form(composer: Composer) -> None:
    sung = tune()
    later = tuple(replace(note, start=note.start + 64.0) for note in sung.tracks[0].notes)
    end = max(note.end for note in later)
    last = 4.0 * math.ceil(end / 4.0) + 48.0
    chords = tuple(ChordSpan(4.0 * i, 4.0 * i + 4.0, Chord((0, 9, 5, 7)[i % 4])) for i in range(2, round(last / 4)))
    sections = (Section(0.0, 64.0, "intro"), Section(64.0, last, "A"))
    song = replace(sung, tracks=(Track("melody", later),), chords=chords, sections=sections)
    around, whole = (composer(song, BandOptions(whole=whole))[0].score for whole in (False, True))
    starts = [min(n.start for t in score.tracks[1:] for n in t.notes) for score in (around, whole)]
    ends = [max(n.end for t in score.tracks[1:] for n in t.notes) for score in (around, whole)]
    assert starts[0] >= 64.0 - 4 * 4.0
    assert 8.0 <= starts[1] < 16.0
    assert ends[0] <= end + 8.0
    assert last - 4.0 < ends[1] <= last + 0.5
