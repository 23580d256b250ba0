"""Songs that the tests of formats share: one with everything in it, and strategies that make any."""

from __future__ import annotations

from hypothesis import strategies as st

from descant.text.lyrics import Line, Lyrics, SungNote, Syllable, Word

DUET = Lyrics(
    (
        Line(
            (
                Word(
                    "Halleluja,", 1.0, 3.0, 0.9,
                    (
                        Syllable("Hal", 1.0, 1.5, (SungNote(60, 1.0, 1.5),)),
                        Syllable("le", 1.5, 2.0, (SungNote(62, 1.5, 1.75), SungNote(64, 1.75, 2.0))),
                        Syllable("lu", 2.0, 2.5, (SungNote(65, 2.0, 2.5),)),
                        Syllable("ja,", 2.5, 3.0, (SungNote(67, 2.5, 3.0),)),
                    ),
                ),
                Word("<&>", 3.25, 3.5, 0.8, (Syllable("<&>", 3.25, 3.5, (SungNote(60, 3.25, 3.5),)),)),
            ),
            0.75, 3.75, "Ann", 0.85,
        ),
        Line((Word("naïve", 8.0, 8.5), Word("well-", 8.75, 9.25), Word('"q"', 9.25, 9.5)), singer="Bob"),
    ),
    "en", "Bog", "Trad.",
)  # fmt: skip
"""Two singers, a melisma, signs that formats use for themselves, a line longer than its words."""

texts = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="<>[]{}"), min_size=1, max_size=8)
"""Words without the brackets that LRC and SRT cannot write."""


@st.composite
def songs(draw: st.DrawFn, *, words: st.SearchStrategy[str] = texts, with_notes: bool = False) -> Lyrics:
    """Songs whose words do not overlap, in milliseconds; syllables have notes if asked."""
    lines, at = [], draw(st.integers(0, 5000))
    for _ in range(draw(st.integers(1, 4))):
        sung = []
        for _ in range(draw(st.integers(1, 4))):
            at += draw(st.integers(10, 3000))
            text = draw(words)
            cut = draw(st.integers(1, len(text)))
            parts = [text[:cut], text[cut:]] if cut < len(text) else [text]
            edges = [at]
            for _ in parts:
                edges.append(edges[-1] + draw(st.integers(40, 1500)))
            at = edges[-1]
            syllables = tuple(
                Syllable(part, a / 1000, b / 1000, _notes(draw, a, b) if with_notes else ())
                for part, a, b in zip(parts, edges, edges[1:], strict=False)
            )
            is_plain = len(parts) == 1 and not with_notes
            sung.append(Word(text, edges[0] / 1000, at / 1000, None, () if is_plain else syllables))
        lines.append(Line(tuple(sung)))
    return Lyrics(tuple(lines))


def _notes(draw: st.DrawFn, start: int, end: int) -> tuple[SungNote, ...]:
    """One note, or two that share the syllable."""
    pitches = draw(st.lists(st.integers(30, 90), min_size=1, max_size=2))
    middle = (start + end) // 2
    edges = [start, middle, end] if len(pitches) == 2 else [start, end]
    return tuple(SungNote(p, a / 1000, b / 1000) for p, a, b in zip(pitches, edges, edges[1:], strict=False))


def rows_of(lyrics: Lyrics) -> list[list[str]]:
    """The texts of words, by lines."""
    return [[word.text for word in line.words] for line in lyrics.lines]
