"""A song as one picture: waveforms, chords over beats, and a piano roll of melody and band, as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from descant.audio.clip import Clip
from descant.score.notes import Score, Track

COLOURS = {
    "vocals": "#e4572e",
    "melody": "#e4572e",
    "piano": "#4c78a8",
    "guitar": "#4c78a8",
    "bass": "#3f8f4f",
    "drums": "#8c6d4f",
    "pad": "#a06bb0",
    "strings": "#a06bb0",
    "mix": "#5f6b7a",
}
"""Colours of the parts, readable on light and dark ground."""

_OTHER_COLOURS = ("#c08a1e", "#2a9d9d", "#b04a6e", "#6a7fd0")
_MARGIN = 64
_WAVE_HEIGHT = 72
_CHORD_HEIGHT = 34
_SEMITONE = 5
_DRUM_HEIGHT = 46
_GAP = 12


@dataclass(frozen=True, slots=True)
class Layout:
    """How seconds become pixels.

    Attributes:
        duration_s: Length of the picture.
        width: Width in pixels, margins included.
    """

    duration_s: float
    width: int

    def x(self, seconds: float) -> float:
        """Horizontal place of a time."""
        return _MARGIN + (self.width - _MARGIN - 8) * seconds / max(self.duration_s, 1e-6)


def colour_of(name: str) -> str:
    """The colour of a part, the same each time."""
    if name in COLOURS:
        return COLOURS[name]
    return _OTHER_COLOURS[sum(name.encode()) % len(_OTHER_COLOURS)]


def draw_song(
    score: Score,
    waves: Mapping[str, Clip],
    *,
    beats_s: Sequence[float],
    downbeats_s: Sequence[float],
    width: int = 1200,
) -> str:
    """The picture of a score with the audio that belongs to it.

    Args:
        score: Melody and band, with chords and tempo map.
        waves: Clips to draw as waveforms, top to bottom ("vocals", "mix").
        beats_s: Beat times in seconds.
        downbeats_s: Times of the first beats of bars.
        width: Width in pixels.

    Returns:
        A stand-alone SVG document.
    """
    longest = max([c.duration_s for c in waves.values()] + [score.duration_s, 1e-3])
    layout = Layout(longest, width)
    lanes: list[str] = []
    y = 8.0
    for name, clip in waves.items():
        lanes.append(_label(name, y + _WAVE_HEIGHT / 2) + _wave(layout, clip, y, colour_of(name)))
        y += _WAVE_HEIGHT + _GAP
    lanes.append(_label("chords", y + _CHORD_HEIGHT / 2) + _chords(layout, score, y))
    y += _CHORD_HEIGHT + _GAP
    roll, roll_height = _piano_roll(layout, score, y)
    lanes.append(_label("notes", y + roll_height / 2) + roll)
    y += roll_height + _GAP
    drums = [t for t in score.tracks if t.is_drum and t.notes]
    if drums:
        lanes.append(_label("drums", y + _DRUM_HEIGHT / 2) + _drums(layout, score, drums, y))
        y += _DRUM_HEIGHT + _GAP
    grid = _grid(layout, beats_s, downbeats_s, y)
    axis = _axis(layout, y)
    height = y + 20
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" font-family="system-ui, sans-serif" font-size="12" data-left="{_MARGIN}" '
        f'data-right="{layout.x(longest):.1f}" data-duration="{longest:.4f}">'
        f"<title>Waveforms, chords over beats, and a piano roll of melody and band</title>"
        f'<rect width="{width}" height="{height}" rx="8" fill="#f7f7f4"/>{grid}{"".join(lanes)}{axis}</svg>\n'
    )


def _label(text: str, y: float) -> str:
    return f'<text x="8" y="{y + 4:.1f}" fill="#444">{escape(text)}</text>'


def _grid(layout: Layout, beats_s: Sequence[float], downbeats_s: Sequence[float], bottom: float) -> str:
    strong = {round(t, 4) for t in downbeats_s}
    lines = []
    for time in beats_s:
        is_strong = round(time, 4) in strong
        colour, stroke = ("#9aa3ad", 1.2) if is_strong else ("#d9dce0", 0.7)
        x = layout.x(time)
        lines.append(f'<path d="M{x:.1f} 4V{bottom:.1f}" stroke="{colour}" stroke-width="{stroke}"/>')
    return f"<g>{''.join(lines)}</g>"


def _wave(layout: Layout, clip: Clip, y: float, colour: str) -> str:
    left, right = layout.x(0), layout.x(clip.duration_s)
    columns = max(1, int(right - left))
    mono = clip.to_mono().samples[0]
    if not len(mono):
        return ""
    edges = np.linspace(0, len(mono), columns + 1).astype(int)
    highs = np.maximum.reduceat(mono, np.minimum(edges[:-1], len(mono) - 1))
    lows = np.minimum.reduceat(mono, np.minimum(edges[:-1], len(mono) - 1))
    scale = (_WAVE_HEIGHT / 2) / max(clip.peak, 1e-3)
    middle = y + _WAVE_HEIGHT / 2
    top = [f"{left + i:.0f} {middle - max(h * scale, 0.4):.1f}" for i, h in enumerate(highs)]
    bottom = [f"{left + i:.0f} {middle - min(v * scale, -0.4):.1f}" for i, v in enumerate(lows)]
    return f'<path d="M{"L".join(top + bottom[::-1])}Z" fill="{colour}" opacity="0.85"/>'


def _chords(layout: Layout, score: Score, y: float) -> str:
    flats = score.key is not None and score.key.uses_flats
    parts = []
    last_text_end = 0.0
    for span in score.chords:
        left, right = (layout.x(s) for s in score.tempo.seconds_at([span.start, span.end]))
        symbol = span.chord.symbol(flats=flats)
        fill = "#e9e9e4" if span.chord.is_none else "#dfe8f2"
        parts.append(
            f'<rect x="{left:.1f}" y="{y}" width="{max(right - left - 1, 0.5):.1f}" height="{_CHORD_HEIGHT}" rx="3" '
            f'fill="{fill}"/>'
        )
        if symbol and left + 3 >= last_text_end:
            parts.append(f'<text x="{left + 4:.1f}" y="{y + 22}" fill="#1f3550" font-size="13">{escape(symbol)}</text>')
            last_text_end = left + 4 + 8.5 * len(symbol)
    return f"<g>{''.join(parts)}</g>"


def _piano_roll(layout: Layout, score: Score, y: float) -> tuple[str, float]:
    tracks = [t for t in score.tracks if not t.is_drum and t.notes]
    pitches = [n.pitch for t in tracks for n in t.notes]
    if not pitches:
        return "", 4 * _SEMITONE
    low, high = min(pitches) - 1, max(pitches) + 1
    height = (high - low + 1) * _SEMITONE
    # The melody is drawn last so that it lies on top.
    tracks.sort(key=lambda t: t.name == "melody")
    parts = [f'<rect x="{_MARGIN}" y="{y}" width="{layout.width - _MARGIN - 8}" height="{height}" fill="#ffffff88"/>']
    for track in tracks:
        spans = score.tempo.seconds_at([(n.start, n.end) for n in track.notes])
        notes = []
        for note, (start, end) in zip(track.notes, spans, strict=True):
            top = y + (high - note.pitch) * _SEMITONE
            x = layout.x(start)
            opacity = 0.35 + 0.6 * note.velocity / 127
            notes.append(
                f'<rect x="{x:.1f}" y="{top}" width="{max(layout.x(end) - x - 0.5, 1):.1f}" height="{_SEMITONE}" '
                f'rx="1" opacity="{opacity:.2f}"/>'
            )
        parts.append(
            f"<g fill={quoteattr(colour_of(track.name))}><title>{escape(track.name)}</title>{''.join(notes)}</g>"
        )
    return "".join(parts), height


def _drums(layout: Layout, score: Score, tracks: Sequence[Track], y: float) -> str:
    keys = sorted({n.pitch for t in tracks for n in t.notes})
    step = _DRUM_HEIGHT / max(len(keys), 1)
    marks = []
    for track in tracks:
        times = score.tempo.seconds_at([n.start for n in track.notes])
        for note, time in zip(track.notes, times, strict=True):
            top = y + _DRUM_HEIGHT - (keys.index(note.pitch) + 1) * step
            marks.append(
                f'<rect x="{layout.x(time):.1f}" y="{top:.1f}" width="3" height="{max(step - 1, 1.5):.1f}" '
                f'opacity="{0.25 + 0.7 * note.velocity / 127:.2f}"/>'
            )
    return f'<g fill="{COLOURS["drums"]}">{"".join(marks)}</g>'


def _axis(layout: Layout, y: float) -> str:
    pixels_per_second = (layout.width - _MARGIN - 8) / max(layout.duration_s, 1e-6)
    step = next((s for s in (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300) if s * pixels_per_second >= 55), 600)
    marks = []
    time = 0.0
    while time <= layout.duration_s:
        text = f"{int(time // 60)}:{time % 60:02.0f}" if step >= 1 else f"{time:.1f}"
        marks.append(f'<text x="{layout.x(time):.1f}" y="{y + 12:.1f}" fill="#666" font-size="11">{text}</text>')
        time += step
    return f"<g>{''.join(marks)}</g>"
