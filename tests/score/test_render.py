"""The sampler: pitch, time, bends, releases, substitutes; and SoundFonts that are none."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.errors import DescantError, InputNotFound, InvalidOption, OutOfMemory, ScoreReadError
from descant.progress import CancelToken, Progress
from descant.score.notes import Bend, Note, Score, Track
from descant.score.render import choose_presets, render_score, stem_names
from descant.score.soundfont import SoundFont, open_soundfont
from descant.score.tempo import TempoMap
from tiny_soundfont import build_soundfont

RATE = 44_100


def frequency(samples: np.ndarray, rate: int = RATE) -> float:
    """Of the strongest partial, by parabolic interpolation of the log spectrum."""
    spectrum = np.log(np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) + 1e-12)
    k = int(np.argmax(spectrum[1:-1])) + 1
    a, b, c = spectrum[k - 1 : k + 2]
    return (k + 0.5 * (a - c) / (a - 2 * b + c)) * rate / len(samples)


def one(note: Note, program: int = 0, *, drum: bool = False, bpm: float = 60.0) -> Score:
    return Score((Track("x", (note,), program, drum),), TempoMap.constant(bpm))


def cents(frequency_hz: float, wanted_hz: float) -> float:
    return 1200 * float(np.log2(frequency_hz / wanted_hz))


@pytest.mark.parametrize("key", [24, 45, 57, 60, 69, 81, 93])
@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000])
def test_every_key_is_in_tune(soundfont: Path, key: int, rate: int) -> None:
    stem = render_score(one(Note(0.0, 1.0, key)), soundfont, rate)["x"].samples[0]
    wanted = 441.0 * 2 ** ((key - 69) / 12)
    assert abs(cents(frequency(stem[rate // 10 : rate * 9 // 10], rate), wanted)) < 2.0


def test_interpolation_adds_no_dirt(soundfont: Path) -> None:
    stem = render_score(one(Note(0.0, 2.0, 64)), soundfont, RATE)["x"].samples[0][RATE // 4 : RATE * 7 // 4]
    spectrum = np.abs(np.fft.rfft(stem * np.blackman(len(stem)))) ** 2
    peak = int(np.argmax(spectrum))
    away = np.concatenate((spectrum[: peak - 20], spectrum[peak + 20 :]))
    assert 10 * np.log10(away.sum() / spectrum.sum()) < -55


def test_notes_sound_when_the_tempo_map_says(soundfont: Path) -> None:
    rng = np.random.default_rng(3)
    seconds = np.concatenate(([0.0], np.cumsum(rng.uniform(0.35, 0.9, 12))))
    tempo = TempoMap(tuple((float(i), float(s)) for i, s in enumerate(seconds)))
    notes = tuple(Note(float(q), 0.1, 36, 127) for q in (0.0, 1.5, 3.25, 7.0, 11.75))
    stem = render_score(Score((Track("d", notes, 0, True),), tempo), soundfont, RATE)["d"].samples[0]
    for note in notes:
        at = round(tempo.seconds(note.start) * RATE)
        before, after = np.abs(stem[max(0, at - 10) : at]), np.abs(stem[at : at + 44])
        assert after.max() > 0.01
        assert before.max(initial=0.0) < 0.3 * after.max()


def test_bends_are_heard(soundfont: Path) -> None:
    up = Note(0.0, 2.0, 69, bends=(Bend(0.0, 0.0), Bend(0.5, 0.0), Bend(0.6, 2.0), Bend(2.0, 2.0)))
    stem = render_score(one(up), soundfont, RATE)["x"].samples[0]
    assert abs(cents(frequency(stem[4410 : RATE // 2 - 441]), 441.0)) < 3
    assert abs(cents(frequency(stem[int(0.7 * RATE) : int(1.9 * RATE)]), 441.0 * 2 ** (2 / 12))) < 3


def test_bends_of_overlapping_notes_do_not_touch_each_other(soundfont: Path) -> None:
    straight, bent = Note(0.0, 2.0, 60), Note(0.0, 2.0, 72, bends=(Bend(0.0, 1.0),))
    both = render_score(Score((Track("x", (straight, bent)),), TempoMap.constant(60)), soundfont, RATE)["x"].samples
    alone = [
        render_score(one(n), soundfont, RATE, length_s=both.shape[1] / RATE)["x"].samples for n in (straight, bent)
    ]
    np.testing.assert_allclose(both[:, :RATE], (alone[0] + alone[1])[:, :RATE], atol=1e-6)


def test_release_rings_out_and_ends_in_silence(soundfont: Path) -> None:
    stem = render_score(one(Note(0.0, 1.0, 69, 127)), soundfont, RATE)["x"].samples[0]
    assert len(stem) > 1.4 * RATE  # the release of the tiny SoundFont lasts 0.5 s
    assert np.abs(stem[int(1.05 * RATE) : int(1.1 * RATE)]).max() > 0.02
    assert np.abs(stem[-50:]).max() < 1e-4
    assert np.abs(np.diff(stem)).max() < 0.05  # no click anywhere
    assert abs(float(stem.mean())) < 1e-3


def test_velocity_is_loudness(soundfont: Path) -> None:
    peaks = [render_score(one(Note(0.0, 1.0, 69, v)), soundfont, RATE)["x"].peak for v in (127, 90, 64, 32)]
    assert peaks == sorted(peaks, reverse=True)
    assert peaks[2] / peaks[0] == pytest.approx((64 / 127) ** 2, rel=1e-3)


def test_the_filter_closes_with_its_envelope(soundfont: Path) -> None:
    stem = render_score(one(Note(0.0, 3.0, 93, 127), 89), soundfont, RATE)["x"].samples[0]
    early = np.abs(stem[int(0.05 * RATE) : int(0.15 * RATE)]).max()
    late = np.abs(stem[int(1.5 * RATE) : int(2.5 * RATE)]).max()
    assert late < 0.5 * early


def test_a_closed_hi_hat_stops_the_open_one(soundfont: Path) -> None:
    open_hat, closed = Note(0.0, 4.0, 46, 127), Note(1.0, 0.1, 42, 127)
    tempo = TempoMap.constant(60)
    stem = render_score(Score((Track("d", (open_hat, closed), 0, True),), tempo), soundfont, RATE)["d"].samples[0]
    closed_only = render_score(one(closed, drum=True), soundfont, RATE)["x"].samples[0]
    after = slice(int(1.05 * RATE), int(1.2 * RATE))
    np.testing.assert_allclose(stem[after], closed_only[after], atol=1e-6)
    assert np.abs(stem[int(0.9 * RATE) : RATE]).max() > 0.05


def test_length_is_exact_and_cut_without_a_click(soundfont: Path) -> None:
    score = Score((Track("a", (Note(0.0, 4.0, 69, 127),)), Track("b", ())), TempoMap.constant(60))
    stems = render_score(score, soundfont, RATE, length_s=2.5)
    assert stems.frames == int(2.5 * RATE)
    assert np.abs(stems["a"].samples[:, -1]).max() < 1e-3
    assert stems["b"].peak == 0.0
    longer = render_score(score, soundfont, RATE, length_s=10.0)
    assert longer.frames == 10 * RATE


def test_a_tempo_map_that_begins_early_is_no_crash(soundfont: Path) -> None:
    score = Score((Track("x", (Note(0.0, 1.0, 69), Note(2.0, 1.0, 69))),), TempoMap(((0.0, -0.5), (1.0, 0.5))))
    assert render_score(score, soundfont, RATE)["x"].peak > 0


def test_note_beyond_the_length_is_left_out(soundfont: Path) -> None:
    assert render_score(one(Note(5.0, 1.0, 69)), soundfont, RATE, length_s=1.0)["x"].peak == 0.0


@settings(max_examples=20, deadline=None)
@given(
    notes=st.lists(
        st.builds(
            Note, st.floats(0, 4), st.floats(0.01, 2), st.integers(0, 127), st.integers(1, 127),
            st.lists(st.builds(Bend, st.floats(0, 1), st.floats(-12, 12)), max_size=3).map(lambda b: tuple(sorted(b))),
        ),
        max_size=6,
    ),
    is_drum=st.booleans(),
    program=st.integers(0, 127),
    rate=st.sampled_from([8_000, 44_100]),
)  # fmt: skip
def test_any_score_plays_finite_equal_and_twice_the_same(
    soundfont: Path, notes: list[Note], is_drum: bool, program: int, rate: int
) -> None:
    score = Score((Track("x", tuple(notes), program, is_drum), Track("x", ())), TempoMap.constant(100))
    first, second = (render_score(score, soundfont, rate) for _ in range(2))
    assert list(first) == ["x", "x 2"]
    assert first["x"].samples.tobytes() == second["x"].samples.tobytes()
    assert first["x"].channels == 2
    assert first.frames >= round(score.duration_s * rate) or is_drum or not notes
    assert first["x 2"].peak == 0.0


def test_missing_presets_get_the_nearest_sound_and_say_so(soundfont: Path) -> None:
    tracks = (Track("bass", (), 35), Track("lead", (), 81), Track("piano", (), 0), Track("drums", (), 8, is_drum=True))
    choices = choose_presets(Score(tracks, TempoMap.constant(120)), soundfont)
    assert [(c.preset.name, c.is_substitute) for c in choices] == [
        ("Sine Bass", True), ("Filtered", True), ("Sine", False), ("Kit", True),
    ]  # fmt: skip


def test_a_soundfont_without_drums_plays_drums_on_something(tmp_path: Path) -> None:
    path = tmp_path / "melodic.sf2"
    path.write_bytes(build_soundfont(presets=((0, 0, "Sine", 0),)))
    (choice,) = choose_presets(Score((Track("drums", (), 0, is_drum=True),), TempoMap.constant(120)), path)
    assert choice.is_substitute
    assert choice.preset.name == "Sine"


def test_progress_is_true_and_cancel_stops(soundfont: Path) -> None:
    seen: list[float] = []
    notes = tuple(Note(i / 4, 0.2, 40 + i) for i in range(40))
    score = Score((Track("x", notes), Track("y", notes)), TempoMap.constant(60))

    def listen(event: Progress) -> None:
        seen.append(event.fraction)

    render_score(score, soundfont, progress=listen)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    token = CancelToken()
    token.cancel()
    with pytest.raises(DescantError, match="Cancelled"):
        render_score(score, soundfont, cancel=token)


def test_names_of_stems_are_distinct() -> None:
    tracks = [Track(n, ()) for n in ("piano", "piano", "", " ", "piano 2")]
    assert stem_names(Score(tuple(tracks), TempoMap.constant(120))) == (
        "piano",
        "piano 2",
        "track",
        "track 2",
        "piano 2 2",
    )


def test_impossible_wishes(soundfont: Path) -> None:
    score = one(Note(0.0, 1.0, 60))
    with pytest.raises(InvalidOption):
        render_score(score, soundfont, 1000)
    with pytest.raises(InvalidOption):
        render_score(score, soundfont, length_s=-1.0)
    with pytest.raises(ScoreReadError, match="no tracks"):
        render_score(score.with_tracks(()), soundfont)
    with pytest.raises(OutOfMemory):
        render_score(score.with_tracks([Track("x", ())] * 9), soundfont, 192_000, length_s=3600)
    with pytest.raises(ScoreReadError, match="hours"):
        render_score(one(Note(1e6, 1.0, 60)), soundfont)


@pytest.mark.parametrize(
    "content",
    [
        b"this is a text file renamed",
        b"RIFF\x10\0\0\0WAVEfmt ",
        b"RIFF\x04\0\0\0sfbk",
        build_soundfont()[:1000],
        build_soundfont()[:-200],
        build_soundfont(presets=()),
    ],
)
def test_what_is_no_soundfont_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "song.sf2"
    path.write_bytes(content)
    with pytest.raises(ScoreReadError) as caught:
        render_score(one(Note(0.0, 1.0, 60)), path)
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_soundfonts_that_are_not_there(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.sf2"):
        with pytest.raises(InputNotFound):
            open_soundfont(path)
    empty = tmp_path / "empty.sf2"
    empty.touch()
    with pytest.raises(ScoreReadError, match="empty"):
        open_soundfont(empty)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_soundfonts_never_crash(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = bytearray(build_soundfont())
    pdta = content.index(b"pdta")
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(pdta, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.sf2"
    path.write_bytes(bytes(content))
    score = Score(
        (Track("x", (Note(0.0, 0.05, 60), Note(0.1, 0.05, 100))), Track("d", (Note(0.0, 0.1, 42),), 0, True)),
        TempoMap.constant(120),
    )
    try:
        stems = render_score(score, path, 8_000, length_s=0.3)
    except ScoreReadError:
        return
    assert stems.frames == 2400


def test_generators_out_of_range_are_tamed(tmp_path: Path) -> None:
    path = tmp_path / "wild.sf2"
    wild = ((8, -32768), (9, 32767), (17, -32768), (33, 32767), (51, 32767), (5, 32767), (13, 32767))
    path.write_bytes(build_soundfont(extra_generators=wild))
    stems = render_score(one(Note(0.0, 1.0, 60)), path, 8_000, length_s=1.0)
    assert np.isfinite(stems["x"].samples).all()


def test_compressed_samples(tmp_path: Path) -> None:
    """The .sf3 variant: the sample pool holds Ogg Vorbis streams."""
    import io

    import soundfile

    buffer = io.BytesIO()
    sine = 0.5 * np.sin(2 * np.pi * np.arange(22_050) / 50)
    soundfile.write(buffer, sine.astype(np.float32), 22_050, format="OGG", subtype="VORBIS")
    stream = buffer.getvalue()
    content = build_soundfont()
    pool_at = content.index(b"smpl")
    pool_size = struct.unpack("<I", content[pool_at + 4 : pool_at + 8])[0]
    tail = content[pool_at + 8 + pool_size :]
    header = struct.pack("<20sIIIIIBbHH", b"sine", 0, len(stream), 200, 20_000, 22_050, 69, 0, 0, 0x11)
    shdr_at = tail.index(b"shdr") + 8
    tail = tail[:shdr_at] + header + tail[shdr_at + 46 :]
    padded = stream + b"\0" * (len(stream) % 2)
    sdta = b"sdta" + b"smpl" + struct.pack("<I", len(padded)) + padded
    sdta_at = content.index(b"LIST", content.index(b"INFO"))
    body = content[8:sdta_at] + b"LIST" + struct.pack("<I", len(sdta)) + sdta + tail
    path = tmp_path / "tiny.sf3"
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    stem = render_score(one(Note(0.0, 1.0, 69)), path, RATE)["x"].samples[0]
    assert abs(cents(frequency(stem[4410 : RATE - 4410]), 441.0)) < 3
    damaged = path.with_name("damaged.sf3")
    damaged.write_bytes(path.read_bytes().replace(b"OggS", b"OogS"))
    with pytest.raises(ScoreReadError, match="cannot be decoded"):
        render_score(one(Note(0.0, 1.0, 69)), damaged, RATE)


def test_one_font_is_opened_once(soundfont: Path) -> None:
    assert open_soundfont(soundfont) is open_soundfont(soundfont)
    assert isinstance(open_soundfont(soundfont), SoundFont)
