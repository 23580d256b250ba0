"""Writing cards as TOML: the inverse of `card.parse_card`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from descant.hub.card import CARD_FORMAT, Card, CardFile, Source, Wheel
from descant.hub.files import sha256_of

Value = str | int | tuple[str, ...] | None


def write_card(card: Card) -> str:
    """The card as TOML that `parse_card` reads back to the same card."""
    blocks = [
        write_table(
            "",
            {
                "format": CARD_FORMAT,
                **card.description(),
                "homepage": card.homepage,
            },
        ),
        write_table("[licence]", {"weights": card.licence, "credit": card.credit, "note": card.licence_note}),
        *(write_table("[[data]]", {"name": d.name, "licence": d.licence, "credit": d.credit}) for d in card.data),
        *(
            write_table("[[quality]]", {"metric": q.metric, "value": q.value, "command": q.command})
            for q in card.quality
        ),
        *(_source(source) for source in card.sources),
        write_files(card.files),
    ]
    return "\n".join(blocks)


def write_files(files: Iterable[CardFile]) -> str:
    """The `[[file]]` tables of a card."""
    return "\n".join(
        write_table("[[file]]", {"path": file.path, "sha256": file.sha256, "size": file.size}) for file in files
    )


def _source(source: Source) -> str:
    obtain_key = "original" if source.kind == "import" else "obtain"
    values: dict[str, Value] = {
        "kind": source.kind,
        "sha256": source.sha256,
        "convert": source.convert,
        obtain_key: source.obtain,
        "folders": source.folders,
    }
    if len(source.wheels) == 1:
        (wheel,) = source.wheels
        return write_table("[[source]]", {**values, **_wheel(wheel)}) + _members("source", wheel)
    block = write_table("[[source]]", values)
    for wheel in source.wheels:
        block += write_table("[[source.wheel]]", _wheel(wheel)) + _members("source.wheel", wheel)
    for item in source.downloads:
        block += write_table(
            "[[source.download]]", {"path": item.path, "url": item.url, "sha256": item.sha256, "size": item.size}
        )
    return block


def _wheel(wheel: Wheel) -> dict[str, Value]:
    return {
        "distribution": wheel.distribution,
        "version": wheel.version,
        "sha256": wheel.sha256,
        "size": wheel.size,
        "tags": wheel.tags,
    }


def _members(place: str, wheel: Wheel) -> str:
    return f"[{place}.members]\n" + "".join(f"{_text(a)} = {_text(b)}\n" for a, b in wheel.members)


def write_table(head: str, values: Mapping[str, Value]) -> str:
    """A TOML table; empty values are left out, as the reader takes them for absent ones."""
    lines = [head] if head else []
    for key, value in values.items():
        if isinstance(value, tuple) and value:
            lines.append(f"{key} = [{', '.join(_text(item) for item in value)}]")
        elif isinstance(value, str) and value:
            lines.append(f"{key} = {_text(value)}")
        elif isinstance(value, int) and value:
            lines.append(f"{key} = {value}")
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    # JSON's strings are TOML's basic strings, but for the one control character that JSON leaves bare.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def set_digest(card: Path, file: Path) -> None:
    """Write a file's digest and length into a card, in the place of older ones or at its end.

    Args:
        card: A card in TOML; whatever else it says stays as it is.
        file: One of its files, under the name that the card has for it.
    """
    text = card.read_text(encoding="utf-8")
    entry = f'[[file]]\npath = "{file.name}"\nsha256 = "{sha256_of(file)}"\nsize = {file.stat().st_size}\n'
    pattern = rf'\[\[file\]\]\npath = "{re.escape(file.name)}"\nsha256 = "[0-9a-f]*"\nsize = \d+\n'
    text = re.sub(pattern, entry, text) if re.search(pattern, text) else f"{text.rstrip()}\n\n{entry}"
    card.write_text(text, encoding="utf-8")
