"""One separator behind another: shapes, sums, streams, and wishes that cannot be met."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stand_ins import SMALL, Below, Restless, noise, rms_db, tone

from descant.audio.clip import Clip
from descant.audio.io import read, write
from descant.errors import Cancelled, InvalidAudio, InvalidOption
from descant.nets.u_net import UNet
from descant.progress import CancelToken
from descant.separate.api import Separator
from descant.separate.chain import BACKING, DRY, LEAD, ROOM, VOCALS, Chain, ChainSession, links_of, load_chain, stems_of
from descant.separate.config import SeparationConfig
from descant.separate.files import StemOptions, separate_file

BAND = "accompaniment"
OTHER = SeparationConfig(fft_size=2048, hop_samples=512, net_bins=512, block_frames=128, overlap_frames=32,
                         edge_frames=4, top_bins=64)  # fmt: skip
"""Windows and blocks of the second link are not those of the first."""


def _separator(stems: tuple[str, str], low: Below | Restless, high: Below | Restless, config: SeparationConfig = SMALL):
    return Separator(cast("tuple[UNet, ...]", (low, high)), stems, config)


def _chain() -> Chain:
    """Vocals below 4.3 kHz, of them the lead below 1.1 kHz."""
    first = _separator((VOCALS, BAND), Below(400), Below(400, inside=0.02, outside=0.98))
    then = _separator((LEAD, BACKING), Below(50), Below(50, inside=0.02, outside=0.98), OTHER)
    return Chain(first, VOCALS, then)


def test_each_tone_lands_in_its_stem() -> None:
    parts = {LEAD: tone(500.0, 90_000), BACKING: tone(2_000.0, 90_000), BAND: tone(8_000.0, 90_000)}
    mix = Clip(sum(part.samples for part in parts.values()), 44_100)
    found = _chain()(mix)
    assert list(found) == [LEAD, BACKING, BAND]
    for name, part in parts.items():
        assert rms_db(found[name].samples - part.samples) < rms_db(part.samples) - 25.0, name


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_stems_have_the_songs_shape_and_sum_to_it(rate: int, channels: int) -> None:
    clip = noise(rate * 2 + 7, rate, channels)
    found = _chain()(clip, residual=True)
    assert list(found) == [LEAD, BACKING, BAND, "residual"]
    assert {stem.samples.shape for stem in found.values()} == {clip.samples.shape}
    assert np.abs(sum(stem.samples for stem in found.values()) - clip.samples).max() < 1e-6


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 30_000), min_size=1, max_size=8), st.sampled_from([22_050, 44_100]))
def test_how_it_is_cut_into_blocks_makes_no_difference(sizes: list[int], rate: int) -> None:
    clip, chain = noise(max(sum(sizes), 1), rate), _chain()
    whole = chain(clip)
    session, at = chain.session(rate, 2), 0
    pieces: dict[str, list[np.ndarray]] = {name: [] for name in session.names}
    for size in [*sizes, clip.frames]:
        out = session.push(Clip(clip.samples[:, at : at + size], rate), last=at + size >= clip.frames)
        assert len({samples.shape for samples in out.values()}) == 1
        for name, samples in out.items():
            pieces[name].append(samples)
        at += size
        if at >= clip.frames:
            break
    for name, stem in whole.items():
        np.testing.assert_allclose(np.concatenate(pieces[name], axis=1), stem.samples, atol=1e-6)


def test_what_waits_stays_small_however_long_the_song() -> None:
    session = _chain().session(44_100, 2)
    waiting = []
    for number in range(12):
        session.push(noise(88_200, seed=number))
        waiting.append(session._waiting[BAND].shape[1])
    assert max(waiting[6:]) <= max(waiting[:6])


def test_borders_of_blocks_do_not_click() -> None:
    restless = _separator((LEAD, BACKING), Restless((0.9, 0.1)), Restless((0.1, 0.9)), OTHER)
    chain = Chain(_separator((VOCALS, BAND), Below(400), Below(400, inside=0.02, outside=0.98)), VOCALS, restless)
    lead = chain(tone(440.0, 300_000))[LEAD].samples[0, 4_000:-4_000]
    steepest = 0.3 * 2 * np.pi * 440.0 / 44_100
    assert np.abs(np.diff(lead)).max() < 1.1 * steepest


def test_silence_stays_silent_and_one_sample_is_enough() -> None:
    assert not any(stem.samples.any() for stem in _chain()(Clip.silence(50_000, 44_100, 2)).values())
    one = _chain()(noise(1))
    assert {stem.frames for stem in one.values()} == {1}
    with pytest.raises(InvalidAudio, match="length is zero"):
        _chain()(Clip.silence(0, 44_100, 2))


@pytest.mark.parametrize("remarks", [("", ""), ("memory ran short", ""), ("", "memory ran short")])
def test_what_either_link_remarks_is_said(remarks: tuple[str, str]) -> None:
    class Remarking:
        names = (VOCALS, BAND)

        def __init__(self, remark: str) -> None:
            self.remark = remark

        def push(self, mix: Clip, *, last: bool = False) -> dict[str, np.ndarray]:
            return dict.fromkeys(self.names, mix.samples)

    first, then = Remarking(remarks[0]), Remarking(remarks[1])
    then.names = (LEAD, BACKING)
    assert ChainSession(first, VOCALS, then, 44_100, 1).remark == "".join(remarks)


def test_three_links() -> None:
    third = _separator((DRY, ROOM), Below(20), Below(20, inside=0.02, outside=0.98), OTHER)
    clip = noise(60_000, channels=1)
    found = Chain(_chain(), LEAD, third)(clip)
    assert list(found) == [DRY, ROOM, BACKING, BAND]
    assert np.abs(sum(stem.samples for stem in found.values()) - clip.samples).max() < 1e-6


def test_a_file_is_streamed_into_a_file_for_each_stem(tmp_path: Path) -> None:
    clip = noise(150_000, 48_000)
    song = write(tmp_path / "song.wav", clip, subtype="FLOAT")
    made = separate_file(song, tmp_path / "out", StemOptions(stems=(BACKING, LEAD)), separator=_chain())
    assert (
        {path.name for path in (tmp_path / "out").iterdir()}
        == {"lead.wav", "backing.wav"}
        == {path.name for path in made.paths.values()}
    )
    np.testing.assert_allclose(read(made.paths[LEAD]).samples, _chain()(clip)[LEAD].samples, atol=1e-6)


def test_it_stops_when_asked(tmp_path: Path) -> None:
    token = CancelToken()
    with pytest.raises(Cancelled):
        _chain()(noise(900_000), progress=lambda event: token.cancel() if event.fraction > 0.2 else None, cancel=token)


@pytest.mark.parametrize(
    ("stems", "voices", "dry", "out"),
    [
        ((VOCALS, BAND), (), False, (VOCALS, BAND)),
        ((VOCALS, BAND), (BACKING, LEAD), False, (LEAD, BACKING, BAND)),
        ((VOCALS, BAND), (), True, (DRY, ROOM, BAND)),
        ((VOCALS, BAND), (LEAD, BACKING), True, (DRY, ROOM, BACKING, BAND)),
        ((LEAD, BACKING), (), True, (DRY, ROOM, BACKING)),
        (("drums", VOCALS, "bass"), (LEAD, BACKING), False, ("drums", LEAD, BACKING, "bass")),
    ],
)
def test_what_comes_out_is_known_before_anything_is_loaded(
    stems: tuple[str, ...], voices: tuple[str, ...], dry: bool, out: tuple[str, ...]
) -> None:
    assert stems_of(stems, links_of(stems, voices=voices, dry=dry)) == out


@pytest.mark.parametrize(
    ("stems", "voices", "dry", "said"),
    [
        ((VOCALS, BAND), ("lead",), False, "do not come apart into lead"),
        ((VOCALS, BAND), ("lead", "drums"), False, "lead, drums"),
        ((VOCALS, BAND), ("lead", "lead", "backing"), False, "lead, lead, backing"),
        ((LEAD, BACKING), ("lead", "backing"), False, "no vocals among lead, backing"),
        (("drums", "bass"), (), True, "no voice among drums, bass"),
        ((DRY, ROOM), (), True, "no voice among dry, room"),
        ((VOCALS, LEAD), ("lead", "backing"), False, "called alike"),
        ((VOCALS, ROOM), (), True, "called alike"),
    ],
)
def test_wishes_that_cannot_be_met_are_said(
    stems: tuple[str, ...], voices: tuple[str, ...], dry: bool, said: str
) -> None:
    with pytest.raises(InvalidOption, match=said):
        links_of(stems, voices=voices, dry=dry)


def test_a_chain_of_cards() -> None:
    links = links_of((LEAD, BACKING), dry=True)
    chain = load_chain("descant-lead", links)
    clip = noise(30_000)
    found = chain(clip)
    assert list(found) == [DRY, ROOM, BACKING]
    assert np.abs(sum(stem.samples for stem in found.values()) - clip.samples).max() < 1e-6
    assert isinstance(load_chain("descant-lead"), Separator)
