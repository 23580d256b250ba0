"""MIDI files: round trips, mido as an independent reader, and files that are damaged."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from descant.errors import DescantError, InputNotFound, InvalidOption, OutputError, ScoreReadError
from descant.score.harmony import QUALITIES, Chord, ChordSpan, Key
from descant.score.midi import read_midi, write_midi
from descant.score.midi_writer import TICKS
from descant.score.notes import Bend, Note, Score, Section, Track
from descant.score.tempo import TempoMap, TimeSignature


def rubato(beats: int, seed: int = 0, slowest: float = 40, fastest: float = 220) -> TempoMap:
    """Another tempo on every beat."""
    seconds = np.cumsum(60 / np.random.default_rng(seed).uniform(slowest, fastest, beats))
    return TempoMap(((0.0, 0.0), *((float(i + 1), float(s)) for i, s in enumerate(seconds))))


def smf(*tracks: bytes, division: int = 480, kind: int = 1, count: int | None = None) -> bytes:
    """A MIDI file from raw track bodies."""
    header = b"MThd" + struct.pack(">IHHH", 6, kind, len(tracks) if count is None else count, division)
    return header + b"".join(b"MTrk" + struct.pack(">I", len(t)) + t for t in tracks)


def save(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


END = b"\x00\xff\x2f\x00"
NOTE = b"\x00\x90\x3c\x40\x83\x60\x80\x3c\x40"  # middle C for one quarter at 480 ticks


# --- round trips -------------------------------------------------------------------------------------------------

positions = st.integers(0, 40 * TICKS).map(lambda t: t / TICKS)
lengths = st.integers(1, 4 * TICKS).map(lambda t: t / TICKS)
words = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=6)
notes = st.builds(Note, positions, lengths, st.integers(0, 127), st.integers(1, 127), lyric=st.just(""))
tracks = st.builds(
    lambda name, notes, program, is_drum: Track(name, tuple(notes), program, is_drum),
    words, st.lists(notes, max_size=12), st.integers(0, 127), st.booleans(),
)  # fmt: skip
chords = st.builds(
    Chord, st.integers(0, 11), st.sampled_from(sorted(QUALITIES)), st.one_of(st.none(), st.integers(0, 11))
).map(lambda c: Chord(c.root, c.quality, None if c.bass == c.root else c.bass))


@st.composite
def scores(draw: st.DrawFn) -> Score:
    cuts = sorted(draw(st.sets(st.integers(0, 40), min_size=2, max_size=8)))
    spans = list(itertools.pairwise(cuts))
    kept = [s for s in spans if draw(st.booleans())]
    return Score(
        tracks=tuple(draw(st.lists(tracks, max_size=20))),
        tempo=rubato(draw(st.integers(1, 30)), draw(st.integers(0, 99))),
        time_signatures=(TimeSignature(0.0, *draw(st.sampled_from([(4, 4), (3, 4), (6, 8), (7, 16)]))),),
        key=draw(st.one_of(st.none(), st.builds(Key, st.integers(0, 11), st.sampled_from(["major", "minor"])))),
        chords=tuple(ChordSpan(a, b, draw(chords)) for a, b in spans),
        sections=tuple(Section(a, b, draw(words.filter(lambda w: w != "end"))) for a, b in kept),
    )


def separable(track: Track) -> list[tuple[float, float, int, int]]:
    """What of a track one MIDI channel can hold, worked out the slow way."""
    kept: list[list[float]] = []
    for n in track.notes:
        rival = next((k for k in reversed(kept) if k[2] == n.pitch), None)
        if rival is not None and rival[0] == n.start:
            if n.duration > rival[1] - rival[0]:
                rival[1], rival[3] = n.end, n.velocity
            continue
        if rival is not None and rival[1] > n.start:
            rival[1] = n.start
        kept.append([n.start, n.end, n.pitch, n.velocity])
    return [(a, b, int(p), int(v)) for a, b, p, v in kept]


@settings(max_examples=60)
@given(score=scores())
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, score: Score) -> None:
    path = write_midi(tmp_path_factory.getbasetemp() / "round.mid", score)
    back = read_midi(path)
    assert [(t.name, t.program, t.is_drum) for t in back.tracks] == [
        (t.name, t.program, t.is_drum) for t in score.tracks
    ]
    for old, new in zip(score.tracks, back.tracks, strict=True):
        assert [(n.start, round(n.end, 6), n.pitch, n.velocity) for n in new.notes] == [
            (a, round(b, 6), p, v) for a, b, p, v in separable(old)
        ]
    assert back.key == score.key
    assert back.time_signatures == score.time_signatures
    assert back.chords == score.chords
    assert back.sections == score.sections
    grid = np.arange(0, max(score.end, 1.0), 0.25)
    np.testing.assert_allclose(back.tempo.seconds_at(grid), score.tempo.seconds_at(grid), atol=1e-3)


@settings(max_examples=25)
@given(score=scores())
def test_mido_reads_the_same(tmp_path_factory: pytest.TempPathFactory, score: Score) -> None:
    path = write_midi(tmp_path_factory.getbasetemp() / "mido.mid", score)
    assert path.read_bytes() == write_midi(path, score).read_bytes()
    file = mido.MidiFile(path, charset="utf-8")
    assert file.type == 1
    assert file.ticks_per_beat == TICKS
    assert [t.name for t in file.tracks[1:]] == [t.name for t in score.tracks]
    for track, written in zip(score.tracks, file.tracks[1:], strict=True):
        tick, ons = 0, []
        for message in written:
            tick += message.time
            if message.type == "note_on":
                ons.append((tick / TICKS, message.note, message.velocity))
                assert (message.channel == 9) == track.is_drum
        assert sorted(ons) == sorted((a, p, v) for a, _, p, v in separable(track))


@pytest.mark.parametrize("seed", range(4))
def test_notes_sound_within_a_millisecond_of_the_tempo_map(tmp_path: Path, seed: int) -> None:
    tempo = rubato(600, seed)
    starts = np.random.default_rng(seed).uniform(0, 650, 400)
    score = Score((Track("x", tuple(Note(float(s), 0.1, i % 128) for i, s in enumerate(starts))),), tempo)
    path = write_midi(tmp_path / "a.mid", score)
    seconds, heard = 0.0, []
    for message in mido.MidiFile(path):  # mido integrates the tempo events itself
        seconds += message.time
        if message.type == "note_on":
            heard.append((message.note, seconds))
    wanted = sorted((n.pitch, tempo.seconds(n.start)) for n in score.tracks[0].notes)
    assert max(abs(a[1] - b[1]) for a, b in zip(sorted(heard), wanted, strict=True)) < 1e-3


def test_a_steady_odd_tempo_does_not_drift_and_is_written_once(tmp_path: Path) -> None:
    score = Score((Track("x", (Note(3999.0, 1.0, 60),)),), TempoMap.constant(170.0))
    path = write_midi(tmp_path / "a.mid", score)
    assert abs(mido.MidiFile(path).length - score.duration_s) < 1e-3
    tempi = [m for m in mido.MidiFile(path).tracks[0] if m.type == "set_tempo"]
    assert len(tempi) < 40
    assert len([m for m in mido.MidiFile(write_midi(path, score.with_tracks([Track("x", (Note(0, 8, 60),))]))).tracks[0]
                if m.type == "set_tempo"]) == 1  # fmt: skip


# --- bends, words, channels --------------------------------------------------------------------------------------


def wheel(path: Path, track: int = 1) -> list[tuple[int, str, int]]:
    tick, found = 0, []
    for m in mido.MidiFile(path).tracks[track]:
        tick += m.time
        if m.type in ("note_on", "note_off"):
            found.append((tick, m.type, m.note))
        if m.type == "pitchwheel":
            found.append((tick, m.type, m.pitch))
    return found


def test_bends_are_reset_after_each_note(tmp_path: Path) -> None:
    first = Note(0, 1, 60, bends=(Bend(0, 0.0), Bend(0.9, 1.5)))
    second = Note(1, 1, 62, bends=(Bend(0, -0.5),))
    third = Note(2, 1, 64)
    path = write_midi(tmp_path / "a.mid", Score((Track("x", (first, second, third)),), TempoMap.constant(120)))
    position = 0
    for tick, kind, value in wheel(path):
        if kind == "pitchwheel":
            position = value
        if (kind, value) == ("note_on", 60):
            assert position == 0
        if (kind, value) == ("note_on", 62):
            assert (tick, position) == (TICKS, round(-0.5 / 2 * 8192))
        if (kind, value) == ("note_on", 64):
            assert position == 0
    assert position == 0
    controls = [(m.control, m.value) for m in mido.MidiFile(path).tracks[1] if m.type == "control_change"]
    assert controls[:3] == [(101, 0), (100, 0), (6, 2)]


@given(
    points=st.lists(st.tuples(st.floats(0, 1), st.floats(-20, 20)), min_size=1, max_size=5, unique_by=lambda p: p[0])
)
@example(points=[(0.0, 1.0), (0.65625, 0.0), (0.6875, 0.0), (0.71875, 1.0)])  # level before it rises
def test_bend_curves_survive(tmp_path_factory: pytest.TempPathFactory, points: list[tuple[float, float]]) -> None:
    bends = tuple(Bend(*p) for p in sorted(points))
    score = Score((Track("x", (Note(0, 1, 60, bends=bends),)),), TempoMap.constant(60))
    path = write_midi(tmp_path_factory.getbasetemp() / "bend.mid", score)
    back = read_midi(path).tracks[0].notes[0].bends
    grid = np.arange(0.0, 0.98, 0.001)

    def curve(b: tuple[Bend, ...], at: np.ndarray) -> np.ndarray:
        return np.interp(at, [p.offset for p in b], [p.semitones for p in b]) if b else np.zeros(len(at))

    # Within 0.05 semitones somewhere within 12 ms (the curve may be as steep as it likes).
    heard = curve(back, grid)
    near = np.stack([curve(bends, np.clip(grid + d, 0, 1)) for d in np.arange(-0.012, 0.0121, 0.001)])
    assert (heard > near.min(axis=0) - 0.05).all()
    assert (heard < near.max(axis=0) + 0.05).all()


def test_overlapping_notes_are_written_straight(tmp_path: Path) -> None:
    bent = Note(0, 2, 60, bends=(Bend(0, 1.0),))
    over = Note(1, 2, 67, bends=(Bend(0, -1.0),))
    later = Note(4, 1, 60, bends=(Bend(0, 1.0),))
    path = write_midi(tmp_path / "a.mid", Score((Track("x", (bent, over, later)),), TempoMap.constant(120)))
    moved = [tick for tick, kind, _ in wheel(path) if kind == "pitchwheel"]
    assert moved == [4 * TICKS, 5 * TICKS]
    back = read_midi(path).tracks[0].notes
    assert [bool(n.bends) for n in back] == [False, False, True]


def test_steps_of_foreign_files_stay_steps(tmp_path: Path) -> None:
    up = b"\x83\x60\xe0\x00\x60"  # after a quarter: half way up
    data = smf(b"\x00\x90\x3c\x40" + up + b"\x83\x60\x80\x3c\x40" + END)
    (note,) = read_midi(save(tmp_path / "a.mid", data)).tracks[0].notes
    assert note.duration == 2.0
    values = np.interp([0.5, 0.98, 1.01, 1.9], [b.offset for b in note.bends], [b.semitones for b in note.bends])
    np.testing.assert_allclose(values, [0, 0, 1.0, 1.0], atol=1e-6)


def test_words_come_back(tmp_path: Path) -> None:
    sung = tuple(Note(i, 1, 60 + i, lyric=w) for i, w in enumerate(["Hál", "lo", "", "世界", "🎵"]))
    score = Score((Track("piano", (Note(0, 4, 40),)), Track("melody", sung)), TempoMap.constant(120))
    back = read_midi(write_midi(tmp_path / "a.mid", score))
    assert back.track("melody") == score.tracks[1]
    assert all(not n.lyric for n in back.tracks[0].notes)


def test_a_word_track_of_its_own_lands_on_the_melody(tmp_path: Path) -> None:
    words = b"\x00\xff\x05\x02Oh\x83\x60\xff\x05\x02no" + END
    melody = b"\x00\xff\x03\x01m\x00\x91\x3c\x40\x83\x60\x81\x3c\x40\x00\x91\x3e\x40\x83\x60\x81\x3e\x40" + END
    other = b"\x81\x70\x92\x30\x40\x83\x60\x82\x30\x40" + END
    back = read_midi(save(tmp_path / "a.kar", smf(words, other, melody)))
    assert [n.lyric for n in back.track("m").notes] == ["Oh", "no"]  # type: ignore[union-attr]


def test_every_track_has_its_own_channel_and_then_a_port(tmp_path: Path) -> None:
    tracks = [Track(f"t{i}", (Note(i, 1, 60),), i) for i in range(32)]
    tracks.insert(3, Track("drums", (Note(0, 1, 36),), 0, is_drum=True))
    path = write_midi(tmp_path / "a.mid", Score(tuple(tracks), TempoMap.constant(120)))
    seen = []
    for track in mido.MidiFile(path).tracks[1:]:
        port = next((m.port for m in track if m.type == "midi_port"), 0)
        (channel,) = {m.channel for m in track if not m.is_meta}
        seen.append((port, channel))
    assert len(set(seen)) == 33
    assert [s for s in seen if s[1] == 9] == [(0, 9)]
    back = read_midi(path)
    assert [(t.name, t.program, len(t.notes)) for t in back.tracks] == [(t.name, t.program, 1) for t in tracks]


def test_sixty_four_channels(tmp_path: Path) -> None:
    """Four ports of sixteen channels in four MIDI tracks."""
    bodies = []
    for port in range(4):
        events = b"".join(
            bytes((0, 0x90 | c, 60 + port, 64)) for c in range(16)
        ) + b"\x83\x60" + b"\x00".join(bytes((0x80 | c, 60 + port, 0)) for c in range(16))  # fmt: skip
        bodies.append(b"\x00\xff\x21\x01" + bytes((port,)) + events + END)
    back = read_midi(save(tmp_path / "a.mid", smf(*bodies)))
    assert len(back.tracks) == 64
    assert sum(t.is_drum for t in back.tracks) == 4
    assert all(n.duration == 1.0 for t in back.tracks for n in t.notes)
    again = read_midi(write_midi(tmp_path / "b.mid", back))
    assert [t.notes for t in again.tracks] == [t.notes for t in back.tracks]


def test_as_played_folds_pedal_volume_and_expression(tmp_path: Path) -> None:
    body = (
        b"\x00\xb0\x07\x32\x00\xb0\x40\x7f\x00\x90\x3c\x64\x83\x60\x80\x3c\x40"  # volume 50, pedal down, a quarter
        b"\x83\x60\xb0\x40\x00\x00\xb0\x07\x64\x00\x90\x3e\x64\x83\x60\x80\x3e\x40" + END
    )
    path = save(tmp_path / "a.mid", smf(body))
    plain, played = read_midi(path).tracks[0].notes, read_midi(path, as_played=True).tracks[0].notes
    assert [(n.duration, n.velocity) for n in plain] == [(1.0, 100), (1.0, 100)]
    assert [(n.duration, n.velocity) for n in played] == [(2.0, 50), (1.0, 100)]


# --- repairs -----------------------------------------------------------------------------------------------------


def only_note(path: Path) -> Note:
    (note,) = [n for t in read_midi(path).tracks for n in t.notes]
    return note


@pytest.mark.parametrize(
    ("data", "duration"),
    [
        (smf(NOTE), 1.0),  # no end of track
        (smf(NOTE + END, count=7), 1.0),  # fewer tracks than promised
        (smf(NOTE + END)[:18] + b"\x00\x00\xff\xff" + NOTE, 1.0),  # a track that claims to be longer than the file
        (smf(NOTE + END) + b"junk", 1.0),
        (smf(NOTE + END, kind=0), 1.0),
        (b"RIFF\0\0\0\0RMIDdata\0\0\0\0" + smf(NOTE + END), 1.0),
        (smf(b"\x00\xff\x51\x03\x00\x00\x00" + NOTE + END), 1.0),  # tempo zero
        (smf(b"\x00\xff\x58\x04\x00\x02\x18\x08" + NOTE + END), 1.0),  # bars of no beats
        (smf(b"\x00\xff\x58\x04\x04\xff\x18\x08" + NOTE + END), 1.0),  # beats of no length
        (smf(b"\x00\xff\x59\x02\x40\x09" + NOTE + END), 1.0),  # a key with 64 sharps
        (smf(b"\x00\xff\x01\x03\xff\xfe\xfd" + NOTE + END), 1.0),  # text in no encoding
        (smf(b"\x00\x80\x3c\x40" + NOTE + END), 1.0),  # an end without a note
        (smf(b"\x00\x90\x3c\x40\x87\x40\xff\x2f\x00"), None),  # a note without an end
        (smf(b"\x00\x90\x3c\x40\x00\x80\x3c\x40" + END), 1 / 480),  # a note of no length
        (smf(b"\x00\x90\x3c\x40\x83\x60\x90\x3c\x00" + END), 1.0),  # note-on with velocity 0 ends
        (smf(b"\x00\xf0\x03\x01\x02\xf7" + NOTE + END), 1.0),  # system exclusive
        (smf(NOTE + END, b""), 1.0),  # an empty track
    ],
)
def test_repairs(tmp_path: Path, data: bytes, duration: float | None) -> None:
    note = only_note(save(tmp_path / "a.mid", data))
    assert note.pitch == 60
    if duration is None:
        assert note.duration == 1.0  # the note is the last event: a quarter
    else:
        assert note.duration == pytest.approx(duration)


def test_hanging_notes_last_to_the_end_of_their_track(tmp_path: Path) -> None:
    hanging = b"\x00\x90\x40\x50" + NOTE + b"\x8f\x00\xb0\x01\x00" + END
    score = read_midi(save(tmp_path / "a.mid", smf(hanging)))
    assert max(n.end for n in score.tracks[0].notes if n.pitch == 64) == pytest.approx((480 + 1920) / 480)


def test_time_in_frames_counts_seconds(tmp_path: Path) -> None:
    data = smf(b"\x00\xff\x51\x03\x01\x00\x00\x00\x90\x3c\x40\x87\x68\x80\x3c\x40" + END, division=0xE728)  # 25 x 40
    score = read_midi(save(tmp_path / "a.mid", data))
    assert score.tempo.seconds(score.tracks[0].notes[0].end) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "data",
    [
        b"this is a text file",
        b"MThd",
        b"\0" * 100,
        smf(),
        smf(NOTE + END, division=0),
        smf(NOTE + END, division=0xE700),
        smf(NOTE + END, division=0x8001),
        smf(b"\x00\x40\x40" + END),  # data before any message
        smf(b"\x00\x90\x3c\xff" + END),  # a cut-off message
        smf(b"\xff\xff\xff\xff\xff\x00" + NOTE + END),  # an endless time
        smf(b"\x00\xf4\x00" + NOTE + END),  # a message that cannot stand in files
        smf(NOTE + END)[:-7],  # cut off within the note
        smf(b"\x00\xff\x01\x83\x7f" + NOTE + END),  # a text longer than the file
    ],
)
def test_damage_is_named(tmp_path: Path, data: bytes) -> None:
    path = save(tmp_path / "broken.mid", data)
    with pytest.raises(ScoreReadError) as caught:
        read_midi(path)
    assert "broken.mid" in caught.value.message
    assert caught.value.hint


@settings(max_examples=300)
@given(data=st.data())
def test_no_damage_crashes_the_reader(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    score = Score(
        (Track("x", (Note(0, 1, 60, lyric="la", bends=(Bend(0, 1.0),)), Note(1, 2, 64))), Track("d", (), 0, True)),
        rubato(5), chords=(ChordSpan(0, 2, Chord.parse("Am7")),), sections=(Section(0, 2, "A"),),
    )  # fmt: skip
    path = write_midi(tmp_path_factory.getbasetemp() / "fuzz.mid", score)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content[: data.draw(st.integers(1, len(content)))]))
    try:
        back = read_midi(path)
    except ScoreReadError:
        return
    assert all(n.duration > 0 and n.start >= 0 for t in back.tracks for n in t.notes)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound):
        read_midi(tmp_path / "none.mid")
    with pytest.raises(InputNotFound):
        read_midi(tmp_path)
    with pytest.raises(ScoreReadError, match="empty"):
        read_midi(save(tmp_path / "empty.mid", b""))


def test_writing_makes_folders_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    score = Score((Track("x", (Note(0, 1, 60),)),), TempoMap.constant(120))
    path = write_midi(tmp_path / "a" / "b" / "歌 🎵.mid", score)
    assert read_midi(path).tracks == score.tracks
    with pytest.raises(OutputError):
        write_midi(tmp_path / "a", score)
    bad = score.with_tracks([Track("x", (Note(0, 1, 200),))])
    with pytest.raises(InvalidOption):
        write_midi(tmp_path / "bad.mid", bad)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a"]


@pytest.mark.parametrize(
    "score",
    [
        Score((Track("x", (), 128),), TempoMap.constant(120)),
        Score((Track("x", (Note(0, 1, -1),)),), TempoMap.constant(120)),
        Score((Track("x", (Note(0, 1, 60),)),), TempoMap.constant(1.0)),
        Score((), TempoMap.constant(120), (TimeSignature(0, 4, 3),)),
    ],
)
def test_what_midi_cannot_say_is_refused(tmp_path: Path, score: Score) -> None:
    with pytest.raises(DescantError) as caught:
        write_midi(tmp_path / "a.mid", score)
    assert caught.value.hint


@pytest.mark.parametrize("durations", [(0.5, 2.0), (2.0, 0.5)])
def test_of_two_equal_notes_that_start_together_the_longer_stays(
    tmp_path: Path, durations: tuple[float, float]
) -> None:
    notes = tuple(Note(1.0, duration, 60) for duration in durations)
    back = read_midi(write_midi(tmp_path / "x.mid", Score((Track("melody", notes),), TempoMap.constant(120))))
    assert [(n.start, n.duration) for n in back.tracks[0].notes] == [(1.0, 2.0)]


def test_what_is_no_text_is_written_as_a_question_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    write_midi(path, Score((Track("na\udcffme", (Note(0.0, 1.0, 60, lyric="l\ud800a"),)),), TempoMap.constant(120)))
    track = read_midi(path).tracks[0]
    assert (track.name, track.notes[0].lyric) == ("na?me", "l?a")
