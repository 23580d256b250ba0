"""Writing cards as TOML: the inverse of `card.parse_card`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from descant.hub.card import CARD_FORMAT, Card, CardFile, Source

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
        "distribution": source.distribution,
        "version": source.version,
        "sha256": source.sha256,
        "size": source.size,
        "convert": source.convert,
        obtain_key: source.obtain,
        "folders": source.folders,
    }
    block = write_table("[[source]]", values)
    if source.members:
        block += "[source.members]\n" + "".join(f"{_text(a)} = {_text(b)}\n" for a, b in source.members)
    for item in source.downloads:
        block += write_table(
            "[[source.download]]", {"path": item.path, "url": item.url, "sha256": item.sha256, "size": item.size}
        )
    return block


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
