from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.audio.clip import Clip
from descant.audio.formats import OUTPUT_FORMATS
from descant.audio.io import read, write
from descant.audio.provenance import Provenance, read_provenance
from descant.errors import AudioReadError, InputNotFound

STATED = Provenance("Descant 0.1.0", "descant-voice", 'Zoë \U0001f3a4 "x"', "0123456789abcdef", "c0ffee42")
CLIP = Clip(np.random.default_rng(0).normal(0, 0.1, (2, 44_100)).astype(np.float32), 44_100)


@pytest.mark.parametrize("suffix", OUTPUT_FORMATS)
def test_every_format_but_wave64_keeps_it_and_the_sound(suffix: str, tmp_path: Path) -> None:
    plain = write(tmp_path / f"plain{suffix}", CLIP)
    path = write(tmp_path / f"stated{suffix}", CLIP, comment=STATED.to_comment())
    assert read_provenance(path) == (None if suffix == ".w64" else STATED)
    assert read_provenance(plain) is None
    assert np.array_equal(read(path).samples, read(plain).samples)


def test_other_readers_see_the_comment(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    for suffix in (".flac", ".mp3", ".ogg", ".opus", ".m4a", ".wav"):
        path = write(tmp_path / f"stated{suffix}", CLIP, comment=STATED.to_comment())
        with av.open(str(path)) as container:
            tags = {**container.metadata, **container.streams.audio[0].metadata}
        comment = next(value for key, value in tags.items() if key.lower() == "comment")
        assert json.loads(comment)["descant_provenance"] == asdict(STATED)


@given(st.text(max_size=40), st.text(max_size=40))
def test_it_is_found_among_other_words(before: str, after: str) -> None:
    assert STATED.to_comment().isascii()
    assert Provenance.from_comment(STATED.to_comment() + after) == STATED
    if "{" not in before:
        assert Provenance.from_comment(before + STATED.to_comment()) == STATED


@pytest.mark.parametrize(
    "comment",
    ["", "a song", '{"descant_provenance"', '{"descant_provenance": 3}', '{"descant_provenance": {}}',
     '{"descant_provenance": ' + "[" * 100_000],
)  # fmt: skip
def test_comments_about_something_else(comment: str) -> None:
    assert Provenance.from_comment(comment) is None


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound):
        read_provenance(tmp_path / "no.wav")
    (tmp_path / "empty.wav").touch()
    with pytest.raises(AudioReadError):
        read_provenance(tmp_path / "empty.wav")
