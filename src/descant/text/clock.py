"""Times as text: `01:02.34`, `00:01:02,345`, `0:01:02.34`.

A time is rounded once, as a whole, to the unit of its format, and only then taken apart: 59.995 s is `01:00.00`.
"""

from __future__ import annotations

import re

from descant.errors import TextReadError

# \d is any script's digit to a regular expression; a time has those of ASCII.
_CLOCK = re.compile(r"^(?:([0-9]{1,4}):)?([0-9]{1,6}):([0-9]{1,2})(?:[.,:]([0-9]{1,9}))?$")
_LONGEST_S = 10_000_000  # what `descant.text.lyrics` takes


def parse_clock(text: str) -> float:
    """Seconds of `[hours:]minutes:seconds[.fraction]`.

    Raises:
        TextReadError: It is no such time, or months away.
    """
    match = _CLOCK.match(text.strip())
    if match is None:
        raise TextReadError(f"{text.strip()[:40]!r} is not a time.", "Times look like 01:02.34 or 00:01:02,345.")
    hours, minutes, seconds, fraction = match.groups()
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    if whole >= _LONGEST_S:
        raise TextReadError(f"{text.strip()} is an impossible time.", "Times of songs are minutes.")
    return whole + (int(fraction) / 10 ** len(fraction) if fraction else 0.0)


def minutes_clock(seconds: float) -> str:
    """`mm:ss.xx`, as LRC files have it."""
    hundredths = in_units(seconds, 100)
    return f"{hundredths // 6000:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"


def hours_clock(seconds: float, *, point: str) -> str:
    """`hh:mm:ss,xxx` with the given decimal sign, as SRT and WebVTT have it."""
    thousandths = in_units(seconds, 1000)
    minutes = thousandths // 60_000
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{thousandths // 1000 % 60:02d}{point}{thousandths % 1000:03d}"


def centis_clock(hundredths: int) -> str:
    """`h:mm:ss.xx`, as ASS has it, from hundredths of a second."""
    minutes = hundredths // 6000
    return f"{minutes // 60}:{minutes % 60:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"


def in_units(seconds: float, per_second: float) -> int:
    """The nearest whole number of units (milliseconds, beats...); times before 0 are 0."""
    return round(max(seconds, 0.0) * per_second)
