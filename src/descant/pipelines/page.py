"""The page a person opens: picture, players for every stem and the mix, and what was heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from descant.pipelines.picture import colour_of


@dataclass(frozen=True, slots=True)
class Part:
    """A row of the player.

    Attributes:
        name: "mix", "vocals", "bass", ...
        file: Path of its audio, relative to the page, with forward slashes.
        lufs: Integrated loudness; -inf for silence.
    """

    name: str
    file: str
    lufs: float


def write_page(
    title: str,
    *,
    facts: Mapping[str, str],
    picture: str,
    parts: Sequence[Part],
    downloads: Sequence[str] = (),
    notes: Sequence[str] = (),
    sections: Sequence[str] = (),
) -> str:
    """The page as HTML text; it needs no network and opens from the disk.

    Args:
        title: Heading.
        facts: Names and values for the line under it.
        picture: An SVG of `draw_song`.
        parts: Players; the one named "mix" is heard first.
        downloads: More files to link, relative to the page.
        notes: Sentences for people (what was assumed, what is unsure).
        sections: HTML that stands between players and notes.
    """
    template = Template(files("descant.pipelines").joinpath("page.html").read_text(encoding="utf-8"))
    links = "".join(f"<li><a href={quoteattr(quote(d))}>{escape(d)}</a></li>" for d in downloads)
    remarks = "".join(f"<li>{escape(note)}</li>" for note in notes)
    details = (f"<h2>Notes</h2><ul>{remarks}</ul>" if notes else "") + (
        f"<h2>Files</h2><ul>{links}</ul>" if links else ""
    )
    return template.substitute(
        title=escape(title),
        facts="".join(f"<li>{escape(name)} <b>{escape(value)}</b></li>" for name, value in facts.items()),
        picture=picture,
        rows="".join(_row(part) for part in parts),
        details="".join(sections) + details,
    )


def _row(part: Part) -> str:
    name, file = escape(part.name), quoteattr(quote(part.file))
    attribute = quoteattr(part.name)
    switches = (
        ""
        if part.name == "mix"
        else f'<button data-solo={attribute} aria-pressed="false" aria-label="solo {name}">S</button> '
        f'<button data-mute={attribute} aria-pressed="false" aria-label="mute {name}">M</button>'
    )
    loudness = "silent" if part.lufs == float("-inf") else f"{part.lufs:.1f}"
    return (
        f'<tr><td><span class="swatch" style="background:{colour_of(part.name)}"></span>{name}'
        f'<audio preload="auto" src={file} data-part={attribute}></audio></td><td>{switches}</td>'
        f'<td><input type="range" min="0" max="1" step="0.01" value="1" data-part={attribute} '
        f'aria-label="level of {name}"></td><td>{loudness}</td><td><a href={file}>{escape(part.file)}</a></td></tr>'
    )
