"""The video, decoded again: where the wipe is, what is counted, its length, and that it is in time with the sound."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from descant.audio.clip import Clip
from descant.errors import Cancelled, InputNotFound, InvalidOption, UnsupportedFormat
from descant.pipelines.karaoke.artist import Artist, Element, Layout
from descant.pipelines.karaoke.background import open_background
from descant.pipelines.karaoke.fonts import Typeface, load_typeface
from descant.pipelines.karaoke.painter import Painter
from descant.pipelines.karaoke.pixels import Planes, Sprite, parse_colour, to_yuv
from descant.pipelines.karaoke.plan import PlanOptions, ScreenPlan, plan_screen
from descant.pipelines.karaoke.rows import Piece, Row
from descant.pipelines.karaoke.video import Screen, write_videos
from descant.progress import CancelToken, Monitor

pytestmark = pytest.mark.weights  # the letters come from the package index

SCREEN = Screen(640, 360, 25)


@pytest.fixture(scope="module")
def typeface() -> Typeface:
    return load_typeface()


def _row(text: str, start: float, end: float, **more: bool) -> Row:
    return Row((Piece(text, start, end),), **more)


def _painted(
    rows: list[Row], duration_s: float, typeface: Typeface, screen: Screen = SCREEN, background: str = "black"
) -> tuple[Painter, Artist, ScreenPlan]:
    plan = plan_screen(rows, duration_s, PlanOptions())
    artist = Artist(Layout(screen.width, screen.height, plan.slots), typeface)
    return Painter(plan, artist, open_background(background, screen.width, screen.height)), artist, plan


def _silence(duration_s: float) -> Iterator[Clip]:
    yield Clip.silence(round(48_000 * duration_s), 48_000, 2)


def _frames(path: Path) -> list[tuple[float, NDArray[np.uint8]]]:
    """Time and [height, width, 3] red, green, blue of each frame."""
    with av.open(str(path)) as container:
        return [
            (float(frame.time), frame.to_ndarray(format="rgb24", src_colorspace="ITU709", dst_colorspace="ITU709"))
            for frame in container.decode(video=0)
        ]


def _sung_columns(picture: NDArray[np.uint8], element: Element) -> NDArray[np.bool_]:
    """In which columns of an element amber letters are."""
    box = picture[element.y : element.y + element.rest.height, element.x : element.x + element.rest.width].astype(int)
    amber = (box[..., 0] > 190) & (box[..., 2] < 120)
    return np.asarray(amber.sum(axis=0) >= 2)


def _white_columns(picture: NDArray[np.uint8], element: Element) -> NDArray[np.bool_]:
    box = picture[element.y : element.y + element.rest.height, element.x : element.x + element.rest.width]
    return np.asarray((box.min(axis=-1) > 190).sum(axis=0) >= 2)


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_the_wipe_is_where_the_singer_is(tmp_path: Path, typeface: Typeface, kind: str) -> None:
    rows = [_row("MMMMMMMMMMMM", 1.0, 3.0)]
    painter, artist, plan = _painted(rows, 3.5, typeface)
    path = tmp_path / f"a.{kind}"
    assert write_videos({kind: path}, SCREEN, painter.paint, _silence(3.5), duration_s=3.5) == 88
    frames = _frames(path)
    assert len(frames) == 88
    assert [round(time * 25) for time, _ in frames] == list(range(88))
    element = artist.row(plan.rows[0].row, plan.rows[0].slot)
    (first, last) = element.spans[0]
    for time, picture in frames:
        if 1.1 < time < 2.95:
            edge = first + (last - first) * (time - 1.0) / 2.0
            sung, white = _sung_columns(picture, element), _white_columns(picture, element)
            assert abs(np.flatnonzero(sung).max() - edge) <= 8  # the space between two letters
            assert np.flatnonzero(white).min() >= edge - 4
    assert not _sung_columns(frames[24][1], element).any()
    assert not _white_columns(frames[80][1], element).any()


def test_the_count_in_shows_and_goes_out_dot_by_dot(typeface: Typeface) -> None:
    rows = [_row("la la", 5.0, 6.0)]
    painter, artist, plan = _painted(rows, 7.0, typeface)
    dots = artist.dots(3, artist.row(rows[0], plan.rows[0].slot))
    frame = Planes.black(SCREEN.width, SCREEN.height)
    lit = {}
    for step in range(70):
        painter.paint(frame, step / 10)
        box = frame.box(dots.x, dots.y, dots.rest.width, dots.rest.height).y
        columns = (box > 130).any(axis=0).astype(int)
        lit[step / 10] = int((np.diff(columns, prepend=0) == 1).sum())
    assert [lit[t] for t in (1.9, 2.0, 2.9, 3.0, 3.9, 4.0, 4.9, 5.0)] == [0, 3, 3, 2, 2, 1, 1, 0]


def test_a_frame_made_of_the_one_before_equals_one_made_anew(typeface: Typeface) -> None:
    rows = [_row("one two", 3.0 + 2 * i, 4.5 + 2 * i) for i in range(7)] + [_row("three", 30.0, 31.0)]
    painter, artist, plan = _painted(rows, 35.0, typeface, background="")
    frame = Planes.black(SCREEN.width, SCREEN.height)
    ground = open_background("", SCREEN.width, SCREEN.height)
    for step in range(350):
        painter.paint(frame, step / 10)
        if step % 7 == 0:
            anew = Planes.black(SCREEN.width, SCREEN.height)
            Painter(plan, artist, ground).paint(anew, step / 10)
            assert np.array_equal(frame.y, anew.y)
            assert np.array_equal(frame.u, anew.u)
            assert np.array_equal(frame.v, anew.v)
    painter.paint(frame, 34.9)
    assert np.array_equal(frame.y, ground.at(0.0).y)  # all is cleared away


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_sound_and_picture_are_in_time(tmp_path: Path, typeface: Typeface, kind: str) -> None:
    """A click at each entry: what is heard and what is seen lie within one frame."""
    entries = [1.0, 2.2, 3.4]
    rows = [_row("MM", start, start + 0.4) for start in entries]
    painter, artist, plan = _painted(rows, 4.5, typeface)
    samples = np.zeros((2, round(4.5 * 44_100)), np.float32)
    for start in entries:
        samples[:, round(start * 44_100) : round(start * 44_100) + 60] = 0.9
    blocks = (Clip(samples[:, i : i + 7_000], 44_100) for i in range(0, samples.shape[1], 7_000))
    path = tmp_path / f"a.{kind}"
    write_videos({kind: path}, SCREEN, painter.paint, blocks, duration_s=4.5)
    with av.open(str(path)) as container:
        sound = [(float(f.time), f.to_ndarray()[0], f.sample_rate) for f in container.decode(audio=0)]
    times = np.concatenate([start + np.arange(len(part)) / rate for start, part, rate in sound])
    loud = times[np.abs(np.concatenate([part for _, part, _ in sound])) > 0.3]
    frames = _frames(path)
    for placed, entry in zip(plan.rows, entries, strict=True):
        element = artist.row(placed.row, placed.slot)
        seen = min(time for time, picture in frames if time > entry - 0.5 and _sung_columns(picture, element).any())
        heard = loud[np.abs(loud - entry) < 0.3].min()
        assert abs(heard - entry) < 0.01
        assert -0.5 / 25 <= seen - heard <= 3.0 / 25  # the first column that is wholly amber comes a frame or two in


@pytest.mark.parametrize("size", ["853x481", "64x64", "270x480", "720p"])
def test_odd_sizes_and_words_that_do_not_fit(tmp_path: Path, typeface: Typeface, size: str) -> None:
    screen = Screen.parse(size, 10)
    rows = [_row("Donaudampfschifffahrtsgesellschaftskapitänswitwe" * 2, 0.2, 0.5)]
    painter, _, _ = _painted(rows, 0.6, typeface, screen)
    write_videos({"mp4": tmp_path / "a.mp4"}, screen, painter.paint, _silence(0.6), duration_s=0.6)
    pictures = _frames(tmp_path / "a.mp4")
    assert pictures[0][1].shape == (screen.height, screen.width, 3)
    assert all(picture[:, : screen.width // 25].max() < 60 for _, picture in pictures)  # the margin stays free


@pytest.mark.parametrize("text", ["63x100", "100", "axb", "9000x100", "p"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(InvalidOption):
        Screen.parse(text)


@pytest.mark.parametrize("text", ["1x1", "7680x4320", "65x63"])
def test_a_refused_size_is_said_as_it_was_asked(text: str) -> None:
    with pytest.raises(InvalidOption, match=text) as error:
        Screen.parse(text)
    assert "64 to 4096" in error.value.hint


def test_an_hour_takes_no_more_memory_than_a_minute(typeface: Typeface) -> None:
    rows = [_row("la la la", 4.0 * i + 1, 4.0 * i + 4) for i in range(900)]
    painter, _, _ = _painted(rows, 3600.0, typeface, Screen(160, 90, 1))
    frame = Planes.black(160, 90)
    tracemalloc.start()
    try:
        peaks = []
        for second in range(3600):
            painter.paint(frame, float(second))
            if second in {60, 3599}:
                peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 200_000


def test_backgrounds(tmp_path: Path, typeface: Typeface) -> None:
    green = open_background("#00ff00", 64, 64).at(0.0)
    assert (int(green.y[0, 0]), int(green.u[0, 0]), int(green.v[0, 0])) == (173, 42, 26)  # BT.709
    Image.new("RGB", (50, 90), (200, 100, 0)).save(tmp_path / "a.png")
    picture = open_background(str(tmp_path / "a.png"), 64, 64).at(0.0)
    assert abs(int(picture.y.mean()) - to_yuv(0.55 * np.array([200.0, 100.0, 0.0]))[0]) < 1.5
    with pytest.raises(InputNotFound):
        open_background("nowhere.png", 64, 64)
    with pytest.raises(InvalidOption):
        open_background("sunset", 64, 64)
    (tmp_path / "b.mp4").write_bytes(b"no video at all")
    with pytest.raises(UnsupportedFormat):
        open_background(str(tmp_path / "b.mp4"), 64, 64)


def test_a_video_behind_the_words_is_repeated(tmp_path: Path, typeface: Typeface) -> None:
    screen = Screen(128, 128, 10)

    def grey(frame: Planes, time_s: float) -> None:
        frame.y[...], frame.u[...], frame.v[...] = 60 + round(100 * time_s), 128, 128

    write_videos({"mp4": tmp_path / "b.mp4"}, screen, grey, _silence(1.0), duration_s=1.0)
    ground = open_background(str(tmp_path / "b.mp4"), 64, 96)
    levels = [float(ground.at(time).y.mean()) for time in (0.0, 0.5, 0.9, 1.0, 1.5, 2.5)]
    ground.close()
    expected = [16 + 0.55 * (level - 16) for level in (60, 110, 150, 60, 110, 110)]
    assert np.allclose(levels, expected, atol=3.0)
    rows = [_row("MMMM", 0.5, 1.5)]
    painter, artist, plan = _painted(rows, 2.0, typeface, screen, str(tmp_path / "b.mp4"))
    write_videos({"mp4": tmp_path / "c.mp4"}, screen, painter.paint, _silence(2.0), duration_s=2.0)
    element = artist.row(rows[0], plan.rows[0].slot)
    sung = _sung_columns(_frames(tmp_path / "c.mp4")[10][1], element)
    assert abs(np.flatnonzero(sung).max() - sum(element.spans[0]) / 2) <= 8


def test_cancelling_a_video(tmp_path: Path, typeface: Typeface) -> None:
    cancel = CancelToken()
    painter, _, _ = _painted([_row("la", 1.0, 2.0)], 60.0, typeface)

    def paint(frame: Planes, time_s: float) -> None:
        painter.paint(frame, time_s)
        if time_s >= 2.0:
            cancel.cancel()

    with pytest.raises(Cancelled):
        write_videos({"mp4": tmp_path / "a.mp4"}, SCREEN, paint, _silence(60.0), duration_s=60.0,
                     monitor=Monitor(None, cancel))  # fmt: skip


def test_letters(typeface: Typeface) -> None:
    assert typeface.lacking("Straße é ñ ã œ Łódź ąčřşğőű “quotes” – … ♪ ¿¡ Привет") == ""
    assert typeface.lacking("a漢b") == "漢"


@pytest.mark.parametrize(
    ("text", "colour"), [("#fff", (255, 255, 255)), ("102030", (16, 32, 48)), ("Green", (0, 177, 64))]
)
def test_colours(text: str, colour: tuple[int, int, int]) -> None:
    assert parse_colour(text) == colour


def test_a_sprite_lies_over_its_ground() -> None:
    mask = np.zeros((4, 4))
    mask[:, :2] = 1.0
    mask[:, 2:] = 0.5
    sprite = Sprite.of([(mask, (255, 255, 255))])
    ground = Planes.black(4, 4)
    over = sprite.over(ground)
    assert over.y[0].tolist() == [235, 235, 126, 126]
    assert over.u.tolist() == [[128, 128], [128, 128]]
    assert np.array_equal(sprite.over(ground.box(2, 0, 2, 4), 2, 4).y, over.y[:, 2:])


def test_sizes_by_name() -> None:
    assert Screen.parse("1080p") == Screen(1920, 1080, 30)
    assert Screen.parse("1280 × 720") == Screen(1280, 720, 30)
    assert Screen.parse("853x481", 25) == Screen(852, 480, 25)
