"""MusicXML: music21 and the schema as independent readers, round trips, and files not to be trusted."""

from __future__ import annotations

import importlib.util
import io
import zipfile
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from descant.errors import InputNotFound, InvalidOption, ScoreReadError
from descant.score.harmony import QUALITIES, Chord, ChordSpan, Key
from descant.score.musicxml import read_musicxml, write_musicxml
from descant.score.musicxml_writer import score_to_musicxml
from descant.score.notation import lay_out_bars, lay_out_part, spell
from descant.score.notes import Note, Score, Section, Track
from descant.score.quantise import UNITS
from descant.score.tempo import TempoMap, TimeSignature

music21 = pytest.importorskip("music21")


@pytest.fixture(scope="module")
def schema() -> object:
    """The MusicXML schema that partitura carries (that of music21 is too old to know whole-bar rests)."""
    xmlschema = pytest.importorskip("xmlschema")
    spec = importlib.util.find_spec("partitura")
    if spec is None or spec.origin is None:
        pytest.skip("partitura is missing, which carries the schema")
    return xmlschema.XMLSchema(Path(spec.origin).parent / "assets" / "musicxml.xsd")


METERS = [(4, 4), (3, 4), (2, 4), (6, 8), (7, 8), (12, 8), (5, 16), (2, 2), (3, 2), (4, 64)]
words = st.text(st.characters(blacklist_categories=("Cs", "Cc"), max_codepoint=0x2FFF), max_size=5)
rough = st.floats(0, 14, allow_nan=False)
notes = st.builds(
    Note, st.one_of(rough, st.integers(0, 56).map(lambda n: n / 4), st.integers(0, 42).map(lambda n: n / 3)),
    st.one_of(st.floats(0.01, 5), st.integers(1, 12).map(lambda n: n / 4), st.integers(1, 9).map(lambda n: n / 3)),
    st.integers(21, 108), st.integers(1, 127), lyric=words,
)  # fmt: skip
tracks = st.builds(
    lambda name, notes, program, drum: Track(name, tuple(notes), program, drum),
    words, st.lists(notes, max_size=14), st.sampled_from([0, 25, 33, 48]), st.booleans(),
)  # fmt: skip
chords = st.builds(
    Chord, st.integers(0, 11), st.sampled_from(sorted(QUALITIES)), st.one_of(st.none(), st.integers(0, 11))
)


@st.composite
def scores(draw: st.DrawFn) -> Score:
    first = TimeSignature(0.0, *draw(st.sampled_from(METERS)))
    meters = [first]
    if draw(st.booleans()):
        meters.append(TimeSignature(2 * first.bar_quarters, *draw(st.sampled_from(METERS))))
    cuts = sorted(draw(st.sets(st.integers(0, 14), max_size=5)))
    return Score(
        tracks=tuple(draw(st.lists(tracks, max_size=3))),
        tempo=TempoMap.constant(draw(st.floats(30, 240))),
        time_signatures=tuple(meters),
        key=draw(st.one_of(st.none(), st.builds(Key, st.integers(0, 11), st.sampled_from(["major", "minor"])))),
        chords=tuple(ChordSpan(a, a + 1, draw(chords)) for a in cuts),
        sections=tuple(Section(a, a + 1, draw(words)) for a in cuts),
    )


def written_onsets(score: Score, index: int) -> Counter[tuple[Fraction, int]]:
    """Onsets and pitches of a track as laid out, ties joined."""
    bars = lay_out_bars(score)
    part = lay_out_part(score.tracks[index], score, bars)
    found: Counter[tuple[Fraction, int]] = Counter()
    for voices in part.voices:
        for voice in voices:
            for bar in voice:
                for sign in bar:
                    for note in () if sign.tied_back else sign.notes:
                        found[Fraction(sign.start, UNITS), note.pitch] += 1
    return found


@settings(max_examples=120)
@given(score=scores())
def test_every_bar_is_full_and_nothing_is_lost(score: Score) -> None:
    bars = lay_out_bars(score)
    assert bars[-1].end >= round(score.end * UNITS) - UNITS // 4
    for index, track in enumerate(score.tracks):
        part = lay_out_part(track, score, bars)
        for voices in part.voices:
            assert 1 <= len(voices) <= 2
            for voice in voices:
                for bar, signs in zip(bars, voice, strict=True):
                    position = bar.start
                    for sign in signs:
                        assert sign.start == position
                        position += sign.value.units
                    assert position == bar.end
        onsets = written_onsets(score, index)
        # Each note is there once, within a sixteenth (a note may share a place with another of its pitch).
        heard = {(float(at), pitch) for at, pitch in onsets}
        for note in track.notes:
            assert any(p == note.pitch and abs(at - note.start) <= 0.1251 for at, p in heard)
        assert sum(onsets.values()) <= len(track.notes)


@settings(max_examples=25)
@given(score=scores())
def test_the_schema_accepts_it(schema: object, score: Score) -> None:
    schema.validate(io.BytesIO(score_to_musicxml(score, title="A & <B>")))  # type: ignore[attr-defined]


@settings(max_examples=10, phases=[Phase.generate])  # music21 is slow
@given(score=scores())
@pytest.mark.filterwarnings("ignore")
def test_music21_hears_the_same(score: Score) -> None:
    parsed = music21.converter.parseData(score_to_musicxml(score, title="x").decode(), format="musicxml")
    bars = lay_out_bars(score)
    for index, (track, part) in enumerate(zip(score.tracks, parts_of(parsed, score), strict=True)):
        heard: Counter[tuple[Fraction, int]] = Counter()
        for staff in part:
            for element in staff.flatten().notes:
                if isinstance(element, music21.harmony.ChordSymbol):
                    continue
                members = element.notes if hasattr(element, "notes") and element.isChord else [element]
                for n in members:
                    if n.tie is None or n.tie.type == "start":
                        pitch = n.pitch.midi if hasattr(n, "pitch") else -1
                        heard[Fraction(staff_offset(staff, element)).limit_denominator(96), pitch] += 1
            for bar, measure in zip(bars, staff.getElementsByClass(music21.stream.Measure), strict=True):
                assert measure.offset == pytest.approx(bar.start / UNITS)
                assert measure.duration.quarterLength == pytest.approx((bar.end - bar.start) / UNITS)
        wanted = written_onsets(score, index)
        if track.is_drum:
            assert sum(heard.values()) == sum(wanted.values())
        else:
            assert heard == wanted


def parts_of(parsed: object, score: Score) -> list[list[object]]:
    """music21 makes a part of each staff: put those of one track together."""
    staves = list(parsed.parts)  # type: ignore[attr-defined]
    grouped = []
    for track in score.tracks:
        part = lay_out_part(track, score, lay_out_bars(score))
        grouped.append([staves.pop(0) for _ in part.voices])
    return grouped


def staff_offset(staff: object, element: object) -> float:
    return element.getOffsetInHierarchy(staff)  # type: ignore[attr-defined,no-any-return]


@settings(max_examples=40)
@given(score=scores())
def test_it_reads_its_own(tmp_path_factory: pytest.TempPathFactory, score: Score) -> None:
    path = write_musicxml(tmp_path_factory.getbasetemp() / "own.musicxml", score)
    assert path.read_bytes() == score_to_musicxml(score, title="")
    back = read_musicxml(path)
    if not score.tracks:
        return
    for index, (track, new) in enumerate(zip(score.tracks, back.tracks, strict=True)):
        assert new.is_drum == track.is_drum
        assert new.program == track.program
        heard = Counter((Fraction(n.start).limit_denominator(96), n.pitch) for n in new.notes)
        assert heard == written_onsets(score, index)
    if score.key is not None and not all(t.is_drum for t in score.tracks):
        assert back.key == score.key
    assert back.tempo.bpm_at(0.0) == pytest.approx(score.tempo.bpm_at(0.0), rel=1e-3)
    assert back.time_signatures[0] == score.time_signatures[0]


def song() -> Score:
    melody = Track(
        "melody",
        (
            Note(0, 1, 64, lyric="Hal-"), Note(1, 0.5, 65, lyric="-le-"), Note(1.5, 3, 67, lyric="-lu-"),
            Note(4.5, 1.5, 69, lyric="-ja"), Note(8, 2 / 3, 71), Note(8 + 2 / 3, 1 / 3, 72), Note(9, 1, 68),
        ),
        53,
    )  # fmt: skip
    drums = Track("drums", tuple(Note(i / 2, 0.25, 42 if i % 4 else 36, 90) for i in range(24)), 0, is_drum=True)
    return Score(
        (melody, drums), TempoMap.constant(96.5), key=Key(9, "minor"),
        chords=tuple(ChordSpan(a, b, Chord.parse(c)) for a, b, c in ((0, 4, "Am7"), (4, 6, "C/E"), (8, 12, "E7"))),
        sections=(Section(0, 8, "Verse"), Section(8, 12, "Chorus & more")),
    )  # fmt: skip


def test_a_song_comes_back_whole(tmp_path: Path) -> None:
    score = song()
    back = read_musicxml(write_musicxml(tmp_path / "a" / "song.musicxml", score, title="Song"))
    assert back.chords == score.chords
    assert back.sections == score.sections
    assert back.key == score.key
    assert back.tempo.bpm_at(0) == pytest.approx(96.5)
    assert [n.lyric for n in back.tracks[0].notes][:4] == ["Hal-", "-le-", "-lu-", "-ja"]
    assert [n.pitch for n in back.tracks[1].notes] == [n.pitch for n in score.tracks[1].notes]
    assert [t for n in back.tracks[0].notes for t in (n.start, n.duration)] == pytest.approx(
        [t for n in score.tracks[0].notes for t in (n.start, n.duration)]
    )


@pytest.mark.filterwarnings("ignore")
def test_music21_reads_chords_words_and_marks() -> None:
    parsed = music21.converter.parseData(score_to_musicxml(song(), title="Song").decode(), format="musicxml")
    part = parsed.parts[0]
    symbols = list(part.flatten().getElementsByClass(music21.harmony.ChordSymbol))
    assert [(c.offset, c.root().pitchClass, c.bass().pitchClass) for c in symbols if c.chordKind != "none"] == [
        (0, 9, 9), (4, 0, 4), (8, 4, 4),
    ]  # fmt: skip
    assert [sorted({p.pitchClass for p in c.pitches}) for c in symbols if c.chordKind != "none"] == [
        [0, 4, 7, 9], [0, 4, 7], [2, 4, 8, 11],
    ]  # fmt: skip
    lyrics = [(n.lyrics[0].text, n.lyrics[0].syllabic) for n in part.flatten().notes if n.lyrics]
    assert lyrics == [("Hal", "begin"), ("le", "middle"), ("lu", "middle"), ("ja", "end")]
    assert [m.content for m in part.flatten().getElementsByClass("RehearsalMark")] == ["Verse", "Chorus & more"]
    assert parsed.flatten().getElementsByClass(music21.tempo.MetronomeMark)[0].getQuarterBPM() == pytest.approx(
        96.5, abs=0.6
    )


def test_swung_eighths_are_triplets_and_straight_ones_are_not() -> None:
    swung = tuple(Note(i // 2 + (0.64 if i % 2 else 0.01), 0.3, 60) for i in range(8))
    straight = tuple(Note(i / 2 + 0.02 * (-1) ** i * (i > 0), 0.4, 60) for i in range(8))
    for notes, expected in ((swung, True), (straight, False)):
        score = Score((Track("x", notes),), TempoMap.constant(120))
        (voice,) = lay_out_part(score.tracks[0], score, lay_out_bars(score)).voices[0]
        signs = [s for bar in voice for s in bar if s.notes]
        assert all(s.value.is_triplet == expected for s in signs)


def test_a_long_note_is_tied_over_the_bar_line() -> None:
    score = Score((Track("x", (Note(3, 2.5, 60),)),), TempoMap.constant(120))
    (voice,) = lay_out_part(score.tracks[0], score, lay_out_bars(score)).voices[0]
    signs = [(s.value.type, s.value.dots, s.tied_back, s.tied_on) for bar in voice for s in bar if s.notes]
    assert signs == [("quarter", 0, False, True), ("quarter", 1, True, False)]


def test_a_piano_is_written_for_two_hands() -> None:
    chord = [Note(0, 2, p) for p in (36, 43, 64, 67, 72)]
    melody = [Note(2, 1, 55), Note(3, 1, 76)]
    score = Score((Track("piano", (*chord, *melody)),), TempoMap.constant(120))
    right, left = lay_out_part(score.tracks[0], score, lay_out_bars(score)).voices
    pitches = [[n.pitch for v in hand for bar in v for s in bar for n in s.notes] for hand in (right, left)]
    assert pitches == [[64, 67, 72, 76], [36, 43, 55]]
    bass = Score((Track("bass", (Note(0, 1, 30), Note(1, 1, 70)), 33),), TempoMap.constant(120))
    assert len(lay_out_part(bass.tracks[0], bass, lay_out_bars(bass)).voices) == 1


@pytest.mark.parametrize(
    ("pitch", "key", "spelt"),
    [
        (61, Key(9, "major"), ("C", 1, 4)),
        (61, Key(8, "major"), ("D", -1, 4)),
        (68, Key(9, "minor"), ("G", 1, 4)),
        (63, None, ("E", -1, 4)),
        (59, Key(6, "major"), ("C", -1, 4)),
        (60, Key(1, "minor"), ("B", 1, 3)),
        (67, Key(8, "minor"), ("F", 2, 4)),
    ],
)
def test_spelling_follows_the_key(pitch: int, key: Key | None, spelt: tuple[str, int, int]) -> None:
    if key == Key(8, "minor"):  # five sharps: the raised seventh of G sharp minor
        assert key.fifths == 5
    assert spell(pitch, key) == spelt


@pytest.mark.parametrize("tonic", range(12))
@pytest.mark.parametrize("mode", ["major", "minor"])
def test_spelling_is_the_pitch_and_keeps_the_scale_plain(tonic: int, mode: str) -> None:
    key = Key(tonic, mode)  # type: ignore[arg-type]
    plain = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
    for pitch in range(128):
        step, alteration, octave = spell(pitch, key)
        assert 12 * (octave + 1) + plain[step] + alteration == pitch
    steps = {spell(60 + pc, key)[0] for pc in key.scale}
    assert len(steps) == 7  # each letter once


# --- reading what others write -----------------------------------------------------------------------------------

HEAD = (
    '<?xml version="1.0"?><score-partwise version="4.0"><part-list><score-part id="P1"><part-name>S</part-name>'
    "</score-part></part-list>"
)


def document(body: str) -> bytes:
    return (HEAD + f'<part id="P1"><measure number="1">{body}</measure></part></score-partwise>').encode()


def read(tmp_path: Path, data: bytes, name: str = "a.musicxml") -> Score:
    path = tmp_path / name
    path.write_bytes(data)
    return read_musicxml(path)


def note(step: str = "C", octave: int = 4, duration: int = 1, extra: str = "", before: str = "") -> str:
    pitch = f"<pitch><step>{step}</step><octave>{octave}</octave></pitch>"
    return f"<note>{before}{pitch}<duration>{duration}</duration>{extra}</note>"


def test_backup_chord_grace_transpose_and_dynamics(tmp_path: Path) -> None:
    body = (
        "<attributes><divisions>2</divisions><key><fifths>2</fifths></key><time><beats>3+2</beats><beat-type>8</beat-type>"
        "</time><transpose><chromatic>-2</chromatic></transpose></attributes>"
        "<direction><direction-type><dynamics><ff/></dynamics></direction-type></direction>"
        "<note><grace/><pitch><step>B</step><octave>4</octave></pitch></note>"
        + note("D", 5, 2) + note("F", 5, 2, before="<chord/>") + note("E", 5, 3)
        + "<backup><duration>5</duration></backup><forward><duration>1</duration></forward>" + note("D", 4, 4)
    )  # fmt: skip
    score = read(tmp_path, document(body))
    assert [(n.start, n.duration, n.pitch) for n in score.tracks[0].notes] == [
        (0.0, 1.0, 72), (0.0, 1.0, 75), (0.5, 2.0, 60), (1.0, 1.5, 74),
    ]  # fmt: skip
    assert score.time_signatures == (TimeSignature(0.0, 5, 8),)
    assert {n.velocity for n in score.tracks[0].notes} == {110}


@pytest.mark.parametrize("step", ["H", "", "do"])
def test_a_note_without_a_name_names_the_file(tmp_path: Path, step: str) -> None:
    with pytest.raises(ScoreReadError, match=r"tune\.musicxml is damaged: '.*' is not the name of a note"):
        read(tmp_path, document(note(step)), "tune.musicxml")


def test_compressed_files(tmp_path: Path) -> None:
    plain = document(note())
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "META-INF/container.xml", '<container><rootfiles><rootfile full-path="x/s.xml"/></rootfiles></container>'
        )
        archive.writestr("other.xml", "<no/>")
        archive.writestr("x/s.xml", plain)
    assert read(tmp_path, buffer.getvalue(), "a.mxl").tracks == read(tmp_path, plain).tracks


def test_a_broken_table_of_contents_is_no_obstacle(tmp_path: Path) -> None:
    buffer = io.BytesIO(zipped("I'm here.xml", document(note())))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("META-INF/container.xml", "<container><rootfile full-path='I'm here.xml'/></container>")
    assert len(read(tmp_path, buffer.getvalue(), "a.mxl").tracks[0].notes) == 1


def zipped(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


START = b'<?xml version="1.0"?><!DOCTYPE s ['
BILLION = START + b'<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]><score-partwise>&b;</score-partwise>'
OUTSIDE = START + b'<!ENTITY a SYSTEM "file:///etc/passwd">]><score-partwise>&a;</score-partwise>'


@pytest.mark.parametrize(
    "data",
    [
        b"just text",
        b"<html></html>",
        b"<score-timewise/>",
        b"<score-partwise></score-partwise>",
        HEAD.encode(),
        BILLION,
        OUTSIDE,
        BILLION.decode().replace("?>", ' encoding="UTF-16"?>').encode("utf-16"),
        b"PK\x03\x04 not an archive",
        zipped("readme.txt", b"x"),
        zipped("a.xml", b"0" * (65 * 2**20)),
        zipped("a.xml", document(note()))[:-30],
        document("<attributes><divisions>0</divisions></attributes>"),
        document("<attributes><divisions>x</divisions></attributes>"),
        document("<attributes><time><beats>0</beats><beat-type>4</beat-type></time></attributes>"),
        document("<attributes><time><beats>four</beats><beat-type>4</beat-type></time></attributes>"),
        document(note(duration=-4)),
        document(note(octave=40)),
        document(note("H")),
        document(note().replace("<duration>1</duration>", "")),
        document(note().replace("<duration>1", "<duration>nan")),
        document("<sound tempo='fast'/>"),
        document("<harmony><root><root-step>Q</root-step></root><kind>major</kind></harmony>"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ScoreReadError) as caught:
        read(tmp_path, data, "bad.xml")
    assert "bad.xml" in caught.value.message or "note" in caught.value.message
    assert caught.value.hint


@settings(max_examples=60)
@given(data=st.data())
def test_no_damage_crashes_the_reader(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = bytearray(score_to_musicxml(song(), title="x"))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(200, len(content) - 1))] = data.draw(st.integers(32, 126))
    path = tmp_path_factory.getbasetemp() / "fuzz.musicxml"
    path.write_bytes(bytes(content))
    try:
        score = read_musicxml(path)
    except ScoreReadError:
        return
    assert all(n.duration > 0 for t in score.tracks for n in t.notes)


def test_missing_files_and_impossible_meters(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound):
        read_musicxml(tmp_path / "none.xml")
    with pytest.raises(InvalidOption):
        write_musicxml(tmp_path / "a.xml", Score((), TempoMap.constant(120), (TimeSignature(0, 4, 5),)))
    assert not (tmp_path / "a.xml").exists()


def test_two_voices_that_hold_one_pitch_keep_their_own_ties(tmp_path: Path) -> None:
    notes = (Note(3, 2, 60), Note(3.5, 3, 60))  # both are tied over the same bar line
    score = Score((Track("unison", notes, 73),), TempoMap.constant(100))
    back = read_musicxml(write_musicxml(tmp_path / "unison.musicxml", score))
    heard = Counter((Fraction(n.start).limit_denominator(96), n.pitch) for n in back.tracks[0].notes)
    assert heard == written_onsets(score, 0)
