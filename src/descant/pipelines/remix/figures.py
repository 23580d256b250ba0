"""The pictures of the report: spectrograms before and after, correlation matrices, correlation against lag."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from descant.pipelines.heatmap import GLOW, TWO_SIDED, coloured, document, image, minutes, text, ticks
from descant.pipelines.remix.judging import Judged

WIDTH = 1_200
_LEFT, _RIGHT, _TOP = 64, 16, 30
_SPECTROGRAM_HEIGHT, _BETWEEN = 150, 46
_FLOOR_DB = -70.0
_MATRIX = 400
_LAG_HEIGHT = 220
_SONG, _OTHER = "#e4572e", "#7a8691"


def draw_spectrograms(judged: Judged) -> str:
    """Mel spectrograms of song and remix under one time axis."""
    longest = max(judged.duration_s, judged.after_s)
    inner = WIDTH - _LEFT - _RIGHT
    parts = []
    y = float(_TOP)
    for title, levels, length in (
        ("before: the song", judged.before, judged.duration_s),
        ("after: the remix", judged.after, judged.after_s),
    ):
        pixels = coloured(levels[::-1], _FLOOR_DB, 0.0, GLOW)
        parts.append(text(title, _LEFT, y - 8, size=13))
        parts.append(image(pixels, _LEFT, y, inner * length / longest, _SPECTROGRAM_HEIGHT))
        parts.append(text("5.5 kHz", _LEFT - 6, y + 10, anchor="end", size=11))
        parts.append(text("40 Hz", _LEFT - 6, y + _SPECTROGRAM_HEIGHT, anchor="end", size=11))
        y += _SPECTROGRAM_HEIGHT
        parts.append(_time_axis(longest, _LEFT, inner, y + 14, 12))
        y += _BETWEEN
    return document("".join(parts), WIDTH, y - 10, "Mel spectrograms of the song and of the remix")


def _time_axis(longest: float, x: float, width: float, y: float, wanted: int) -> str:
    return "".join(
        text(minutes(at), x + width * at / longest, y, anchor="middle", size=11) for at in ticks(longest, wanted)
    )


def draw_matrices(judged: Judged) -> str:
    """Correlation of spectra, moments of the song by moments of the remix, and the same for another song."""
    parts = []
    for number, (title, matrix) in enumerate(
        (("the remix", judged.matrix), ("another song (baseline)", judged.other_matrix))
    ):
        x = _LEFT + number * (_MATRIX + 2 * _LEFT)
        parts.append(text(f"song against {title}", x, _TOP - 10, size=13))
        parts.append(image(coloured(matrix, -1.0, 1.0, TWO_SIDED), x, _TOP, _MATRIX, _MATRIX))
        parts.append(_time_axis(min(judged.duration_s, judged.after_s), x, _MATRIX, _TOP + _MATRIX + 14, 6))
        parts.append(text(f"time in {title.split(' (')[0]}", x + _MATRIX / 2, _TOP + _MATRIX + 32, anchor="middle"))
        parts.append(text("time in the song", x - 14, _TOP + _MATRIX / 2, anchor="middle", turned=True))
    parts.append(_scale(WIDTH - 130, _TOP, _MATRIX))
    return document("".join(parts), WIDTH, _TOP + _MATRIX + 46, "Correlation matrices of spectra")


def _scale(x: float, y: float, height: float) -> str:
    bar = coloured(np.linspace(1.0, -1.0, 101)[:, np.newaxis], -1.0, 1.0, TWO_SIDED)
    marks = [text(f"{v:+.1f}", x + 26, y + 4 + (1 - v) / 2 * height, size=11) for v in (1.0, 0.5, 0.0, -0.5, -1.0)]
    return image(bar, x, y, 20, height) + "".join(marks) + text("correlation", x, y - 10, size=11)


def draw_lags(judged: Judged) -> str:
    """FFT cross-correlation of the waveforms against lag."""
    inner = WIDTH - _LEFT - _RIGHT
    longest = float(np.abs(judged.lags_s).max())
    highest = float(max(np.abs(judged.song_lags).max(), np.abs(judged.other_lags).max(), 0.05)) * 1.1
    middle = _TOP + _LAG_HEIGHT / 2
    parts = [f'<path d="M{_LEFT} {middle:g}h{inner}" stroke="#c4c8cc"/>']
    for value in (-highest, 0.0, highest):
        y = middle - value / highest * _LAG_HEIGHT / 2
        parts.append(text(f"{value:+.2f}" if value else "0", _LEFT - 6, y + 4, anchor="end", size=11))
    for at in np.linspace(-longest, longest, 9):
        x = _LEFT + inner * (at + longest) / (2 * longest)
        parts.append(f'<path d="M{x:.1f} {_TOP}v{_LAG_HEIGHT}" stroke="#e2e4e6"/>')
        parts.append(text(f"{at:+.1f} s" if at else "0", x, _TOP + _LAG_HEIGHT + 16, anchor="middle", size=11))
    for values, colour in ((judged.other_lags, _OTHER), (judged.song_lags, _SONG)):
        xs = _LEFT + inner * (judged.lags_s + longest) / (2 * longest)
        ys = middle - values / highest * _LAG_HEIGHT / 2
        parts.append(_line(xs.tolist(), ys.tolist(), colour))
    parts.append(_key((("the remix", _SONG), ("another song (baseline)", _OTHER))))
    return document(
        "".join(parts), WIDTH, _TOP + _LAG_HEIGHT + 28, "FFT cross-correlation of the waveforms against lag"
    )


def _line(xs: Sequence[float], ys: Sequence[float], colour: str) -> str:
    points = "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(xs, ys, strict=True))
    return f'<path d="M{points}" fill="none" stroke="{colour}" stroke-width="1.2"/>'


def _key(entries: Sequence[tuple[str, str]]) -> str:
    return "".join(
        f'<rect x="{_LEFT + 190 * i}" y="{_TOP - 18}" width="12" height="4" fill="{colour}"/>'
        + text(name, _LEFT + 190 * i + 18, _TOP - 12, size=12)
        for i, (name, colour) in enumerate(entries)
    )
