"""The pieces of the experiments: what is learned from, and the held-out songs in their three mixes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from descant.data.lyrics_set import LyricsSet, Mix, Piece
from descant.errors import InputNotFound
from descant.train.lyrics_invented import invented_pieces
from descant.train.plan import required

MIXES: tuple[Mix, ...] = ("vocals", "separated", "mixture")
_SET = "a folder that recipes/lyrics_contrastive/build.py filled"
_SEED = 0


class Material:
    """Pieces with words.

    Args:
        data: The folder with `train` and `test`; None where the scale invents songs.
        source: "set" or "invented".
        songs: Held-out songs, at most; 0 takes all.
    """

    def __init__(self, data: Path | None, source: str, songs: int) -> None:
        self._data, self._songs = data, songs
        self._is_made = source == "invented"

    def require(self) -> None:
        """Say before the work what is missing.

        Raises:
            InputNotFound: There is no set, or no song in it is held out.
        """
        if not self.songs:
            raise InputNotFound(f"{self._data} holds no held-out songs.", "Build the set again.")

    @cached_property
    def learned(self) -> Sequence[Piece]:
        """Voices and bands to learn from, and validation songs."""
        return invented_pieces(_SEED) if self._is_made else self._part("train").pieces

    @cached_property
    def songs(self) -> Sequence[Mapping[Mix, Piece]]:
        """Held-out songs with a known word, each by its mixes."""
        found: dict[str, dict[Mix, Piece]] = {}
        held = invented_pieces(_SEED + 1, songs=3) if self._is_made else self._part("test").pieces
        for piece in held:
            if any(word.start_s is not None for word in piece.lyrics.words):
                found.setdefault(piece.song, {})[piece.mix] = piece
        return list(found.values())[: self._songs or None]

    @cached_property
    def validation(self) -> Sequence[Piece]:
        """Songs that biases are measured on."""
        return [piece for piece in self.learned if piece.split == "validation"]

    @cached_property
    def digest(self) -> str:
        """Of everything. Empty where there is no set: `require` says so later."""
        if self._is_made:
            return f"invented {_SEED}"
        if self._data is None or not self._data.exists():
            return ""
        return f"{self._part('train').digest} {self._part('test').digest}"

    @property
    def described(self) -> str:
        """For a report."""
        if self._is_made:
            return "Songs of tones that spell letters."
        heard = sum(p.duration_s for p in self.learned if p.mix == "vocals" and p.split == "train") / 60.0
        languages: dict[str, int] = {}
        for song in self.songs:
            code = next(iter(song.values())).lyrics.language
            languages[code] = languages.get(code, 0) + 1
        counts = ", ".join(f"{count} {code}" for code, count in sorted(languages.items()))
        return (
            f"{heard:.0f} minutes of voices to learn from (prompts and words in English, French and Spanish strung "
            "to songs, the synthetic band's singers in English and Japanese, scores in English, French and German "
            "that a speaker sings); held out: "
            f"{len(self.songs)} songs ({counts}), with a band at -3 dB or the band's own mix, and as Spleeter "
            "separates them. Texts, scores, bands, the band's singers and the scores' voice are held out, the prompts' "
            "voices in English, French and Spanish are not; Italian, Portuguese and the voices "
            "that speak them are in no training."
        )

    def _part(self, name: str) -> LyricsSet:
        return LyricsSet(required(required(self._data, _SET) / name, _SET))
