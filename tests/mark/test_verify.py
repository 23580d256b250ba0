from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.audio.provenance import Provenance
from descant.dsp.watermark import marked
from descant.errors import Cancelled, InputNotFound, InvalidAudio
from descant.mark.api import LOG10_P, verify, verify_file
from descant.progress import CancelToken, Progress

MARK = 0x0000ABCD


def breath(seconds: float, rate: int = 44_100, channels: int = 1) -> Clip:
    rng = np.random.default_rng(2)
    return Clip(rng.normal(0, 0.1, (channels, round(seconds * rate))).astype(np.float32), rate)


@pytest.mark.parametrize("rate", [22_050, 44_100, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_clips_of_any_rate_and_channels(rate: int, channels: int) -> None:
    verdict = verify(marked(breath(2.0, rate, channels), MARK))
    assert verdict.is_marked
    assert verdict.mark_text == "0000abcd"
    assert verdict.provenance is None


def test_what_is_not_marked() -> None:
    verdict = verify(breath(2.0))
    assert not verdict.is_marked
    assert verdict.log10_p > LOG10_P
    assert (verdict.mark, verdict.mark_text) == (None, "")


def test_a_file_is_the_clip_it_holds(tmp_path: Path) -> None:
    clip = marked(breath(12.0, 48_000, 2), MARK)
    stated = Provenance("Descant", "model", "voice", "consent", "0000abcd")
    path = write(tmp_path / "a.wav", clip, subtype="FLOAT", comment=stated.to_comment())
    of_file, of_clip = verify_file(path), verify(clip)
    assert of_file.provenance == stated
    assert (of_file.mark, of_file.speed) == (of_clip.mark, of_clip.speed) == (MARK, 1.0)
    assert of_file.log10_p == pytest.approx(of_clip.log10_p)


def test_progress_and_cancelling() -> None:
    events: list[Progress] = []
    verify(breath(11.0), progress=events.append)
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        verify(breath(11.0), cancel=token)


def test_nothing_to_verify(tmp_path: Path) -> None:
    with pytest.raises(InvalidAudio):
        verify(Clip.silence(0, 44_100))
    with pytest.raises(InputNotFound):
        verify_file(tmp_path / "no.wav")
    assert not verify(Clip.silence(1, 44_100)).is_marked
