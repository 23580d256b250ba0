"""`Painter`: the frame of a time, made out of the frame before by changing what has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from descant.pipelines.karaoke.artist import Artist, Element, seconds_left
from descant.pipelines.karaoke.background import Background
from descant.pipelines.karaoke.pixels import Planes
from descant.pipelines.karaoke.plan import Break, CountIn, PlacedRow, ScreenPlan

Key = tuple[str, int]
_SOON_S = 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """An element that a moment shows.

    Attributes:
        key: Tells it from all others.
        draw: Draws it.
        edge: How far it is wiped, from the drawn element.
    """

    key: Key
    draw: Callable[[], Element]
    edge: Callable[[Element], int]


@dataclass(slots=True, eq=False)
class _Shown:
    """An element that is on the screen, with its two looks over a still background."""

    element: Element
    rest: Planes | None
    sung: Planes | None
    edge: int


class Painter:
    """Paints the frames of a plan, in order of time.

    Args:
        plan: What is shown when.
        artist: Draws it.
        background: What lies behind.
        title: Of the song.
        by: Its artist.
    """

    def __init__(
        self, plan: ScreenPlan, artist: Artist, background: Background, *, title: str = "", by: str = ""
    ) -> None:
        self._plan = plan
        self._artist = artist
        self._background = background
        self._names = (title, by)
        self._shown: dict[Key, _Shown] = {}
        self._near: list[Callable[[float], Wanted | None]] = []
        self._near_until_s = 0.0
        self._is_blank = True

    def paint(self, frame: Planes, time_s: float) -> None:
        """Bring a frame, which must be the one of the call before, to a time, which must not be earlier."""
        wanted = {each.key: each for each in self._wanted(time_s)}
        gone = {key: self._shown.pop(key) for key in [*self._shown] if key not in wanted}
        if self._background.is_still:
            self._paint_changes(frame, wanted, gone, time_s)
        else:
            self._paint_all(frame, wanted, time_s)

    def _paint_changes(self, frame: Planes, wanted: dict[Key, Wanted], gone: dict[Key, _Shown], time_s: float) -> None:
        ground = self._background.at(time_s)
        if self._is_blank:
            frame.copy_from(ground)
            self._is_blank = False
        for each in gone.values():
            _box(frame, each.element).copy_from(_box(ground, each.element))
        for key, want in wanted.items():
            shown = self._shown.get(key)
            if shown is None:
                element = want.draw()
                under = _box(ground, element)
                rest = element.rest.over(under)
                shown = _Shown(element, rest, None if element.sung is None else element.sung.over(under), 0)
                _box(frame, element).copy_from(rest)
                self._shown[key] = shown
            edge = want.edge(shown.element)
            if edge != shown.edge:
                look = shown.sung if edge > shown.edge else shown.rest
                assert look is not None
                _copy_columns(frame, shown.element, look, *sorted((edge, shown.edge)))
                shown.edge = edge

    def _paint_all(self, frame: Planes, wanted: dict[Key, Wanted], time_s: float) -> None:
        frame.copy_from(self._background.at(time_s))
        for key, want in wanted.items():
            if key not in self._shown:
                self._shown[key] = _Shown(want.draw(), None, None, 0)
            element = self._shown[key].element
            edge = want.edge(element)
            under = _box(frame, element)
            for sprite, first, stop in ((element.sung, 0, edge), (element.rest, edge, element.rest.width)):
                if sprite is not None and first < stop:
                    part = under.box(first, 0, stop - first, sprite.height)
                    part.copy_from(sprite.over(part, first, stop))

    def _wanted(self, time_s: float) -> Iterator[Wanted]:
        if time_s >= self._near_until_s:  # only what is shown within the next second is looked at in each frame
            self._near_until_s = time_s + _SOON_S
            self._near = list(self._coming(time_s, self._near_until_s))
        for ask in self._near:
            want = ask(time_s)
            if want is not None:
                yield want

    def _coming(self, start_s: float, stop_s: float) -> Iterator[Callable[[float], Wanted | None]]:
        plan = self._plan
        if start_s < plan.title_until_s:
            yield self._title
        for index, each in enumerate(plan.rows):
            if each.shows_s < stop_s and each.hides_s > start_s:
                yield _row(self._artist, index, each)
        for index, count in enumerate(plan.count_ins):
            if count.ticks_s[0] < stop_s and count.ends_s > start_s:
                yield _dots(self._artist, index, count, plan.rows[count.index])
        for index, pause in enumerate(plan.breaks):
            if pause.starts_s < stop_s and pause.ends_s > start_s:
                yield _bar(self._artist, index, pause)
                yield _seconds(self._artist, pause)

    def _title(self, time_s: float) -> Wanted | None:
        if time_s >= self._plan.title_until_s:
            return None
        return Wanted(("title", 0), lambda: self._artist.title(*self._names), lambda _: 0)


def _row(artist: Artist, index: int, placed: PlacedRow) -> Callable[[float], Wanted | None]:
    def at(time_s: float) -> Wanted | None:
        if not placed.shows_s <= time_s < placed.hides_s:
            return None
        done, share = placed.row.sung_at(time_s)
        return Wanted(
            ("row", index), lambda: artist.row(placed.row, placed.slot), lambda element: element.edge(done, share)
        )

    return at


def _dots(artist: Artist, index: int, count: CountIn, placed: PlacedRow) -> Callable[[float], Wanted | None]:
    def at(time_s: float) -> Wanted | None:
        if not count.ticks_s[0] <= time_s < count.ends_s:
            return None
        out = sum(tick <= time_s for tick in count.ticks_s) - 1

        def draw() -> Element:
            return artist.dots(len(count.ticks_s), artist.row(placed.row, placed.slot))

        return Wanted(("dots", index), draw, lambda element: element.edge(out, 0.0))

    return at


def _bar(artist: Artist, index: int, pause: Break) -> Callable[[float], Wanted | None]:
    def at(time_s: float) -> Wanted | None:
        if not pause.starts_s <= time_s < pause.ends_s:
            return None
        share = (time_s - pause.starts_s) / (pause.ends_s - pause.starts_s)
        return Wanted(("bar", index), artist.bar, lambda element: element.edge(0, share))

    return at


def _seconds(artist: Artist, pause: Break) -> Callable[[float], Wanted | None]:
    def at(time_s: float) -> Wanted | None:
        if not pause.starts_s <= time_s < pause.ends_s:
            return None
        left = seconds_left(pause.ends_s, time_s)
        return Wanted(("seconds", left), lambda: artist.seconds(left), lambda _: 0)

    return at


def _box(picture: Planes, element: Element) -> Planes:
    return picture.box(element.x, element.y, element.rest.width, element.rest.height)


def _copy_columns(frame: Planes, element: Element, look: Planes, first: int, stop: int) -> None:
    height = element.rest.height
    target = frame.box(element.x + first, element.y, stop - first, height)
    target.copy_from(look.box(first, 0, stop - first, height))
