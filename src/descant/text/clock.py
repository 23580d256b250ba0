"""Times as text: `01:02.34`, `00:01:02,345`."""

from __future__ import annotations

import re

from descant.errors import TextReadError

_CLOCK = re.compile(r"^(?:(\d{1,3}):)?(\d{1,3}):(\d{1,2})(?:[.,:](\d{1,3}))?$")


def parse_clock(text: str) -> float:
    """Seconds of `[hours:]minutes:seconds[.fraction]`.

    Raises:
        TextReadError: It is no such time.
    """
    match = _CLOCK.match(text.strip())
    if match is None:
        raise TextReadError(f"{text.strip()!r} is not a time.", "Times look like 01:02.34 or 00:01:02,345.")
    hours, minutes, seconds, fraction = match.groups()
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    return whole + (int(fraction) / 10 ** len(fraction) if fraction else 0.0)


def minutes_clock(seconds: float) -> str:
    """`mm:ss.xx`, as LRC files have it."""
    hundredths = round(max(seconds, 0.0) * 100)
    return f"{hundredths // 6000:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"


def hours_clock(seconds: float, *, point: str) -> str:
    """`hh:mm:ss,xxx` with the given decimal sign, as subtitles have it."""
    thousandths = round(max(seconds, 0.0) * 1000)
    minutes = thousandths // 60_000
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{thousandths // 1000 % 60:02d}{point}{thousandths % 1000:03d}"
