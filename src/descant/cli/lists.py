"""Options that hold several values: "lead,backing", "25,50,127", "21:108"."""

from __future__ import annotations

from descant.errors import InvalidOption


def names_in(text: str) -> tuple[str, ...]:
    """Names separated by commas; empty ones are left out."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def whole_numbers(text: str, option: str) -> tuple[int, ...]:
    """Whole numbers separated by commas.

    Args:
        text: What the user wrote.
        option: The option, for the message.

    Raises:
        InvalidOption: One is none.
    """
    try:
        return tuple(int(number) for number in names_in(text))
    except ValueError as error:
        raise InvalidOption(f"{option} {text!r} is no list of whole numbers.", "Write it like 25,50,127.") from error


def span_of(text: str, option: str) -> tuple[int, int]:
    """Two whole numbers with a colon between them; raises as `whole_numbers`."""
    first, colon, last = text.partition(":")
    try:
        return int(first), int(last if colon else first)
    except ValueError as error:
        raise InvalidOption(f"{option} {text!r} is no span of whole numbers.", "Write it like 21:108.") from error


def key_of(text: str, option: str) -> int:
    """A key by its name ("C4", middle C) or MIDI number.

    Args:
        text: What the user wrote.
        option: The option, for the message.

    Raises:
        InvalidOption: It is none.
    """
    from descant.score.wav_folder import key_of_name

    key = key_of_name(text)
    if key is None:
        raise InvalidOption(f"{option} {text!r} is no key.", "Write it like C4, F#3 or 60.")
    return key


def key_span(text: str, option: str) -> tuple[int, int]:
    """Two keys with a colon between them; raises as `key_of`."""
    first, colon, last = text.partition(":")
    return key_of(first, option), key_of(last if colon else first, option)
