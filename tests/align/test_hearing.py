"""Listening: windows that fade into each other, any length, the same sound wherever a window begins."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from descant.align.api import READER, Aligner
from descant.align.config import AlignOptions
from descant.align.hearing import Heard, hear
from descant.audio.clip import Clip
from descant.audio.io import read
from descant.audio.resample import resample
from descant.errors import Cancelled
from descant.hub.store import fetch
from descant.nets.phone_reader import PhoneReader, PhoneReaderConfig
from descant.progress import CancelToken, Monitor, Progress

_CLASSES = 5


class _Level(nn.Module):
    """An encoder whose states tell how loud each frame is, so that what comes out can be computed by hand."""

    def forward(self, mel: Tensor) -> tuple[Tensor, ...]:
        assert mel.shape[2] <= 3000, "more than Whisper takes"
        loud = mel.mean(dim=1)[:, ::2, None]
        return (torch.cat([loud, torch.ones_like(loud)], dim=2),)


class _Number(nn.Module):
    """A reader that knows which call this is: what it says is the same all through a window."""

    def __init__(self, calls: list[Tensor], *, is_constant: bool) -> None:
        super().__init__()
        self.config = PhoneReaderConfig(states=2, classes=_CLASSES, layers=(0,))
        self.register_buffer("log_prior", torch.zeros(_CLASSES))
        self.calls, self.is_constant = calls, is_constant

    def forward(self, states: Tensor) -> Tensor:
        self.calls.append(states)
        scores = torch.zeros(*states.shape[:2], _CLASSES)
        scores[..., 0 if self.is_constant else min(len(self.calls), _CLASSES) - 1] = 4.0
        return scores


def _heard(seconds: float, *, is_constant: bool = True) -> tuple[Heard, list[Tensor]]:
    calls: list[Tensor] = []
    noise = np.random.default_rng(0).normal(0.0, 0.1, round(seconds * 16_000)).astype(np.float32)
    return hear(noise, _Level(), _Number(calls, is_constant=is_constant), prior=0.6, monitor=Monitor()), calls


@pytest.mark.parametrize(
    ("seconds", "windows"),
    [
        (1 / 16_000, 1),
        (0.02, 1),
        (0.05, 1),
        (0.31, 1),
        (29.99, 1),
        (30.0, 1),
        (30.01, 2),
        (52.0, 2),
        (52.1, 3),
        (100, 5),
    ],
)
def test_windows_add_up_to_one_at_any_length(seconds: float, windows: int) -> None:
    """All windows say the same; so must the whole."""
    song, calls = _heard(seconds)
    assert song.frames == -(-round(seconds * 16_000) // 320)
    assert len(calls) == len(song.windows) == windows
    expected = np.log(torch.softmax(torch.tensor([4.0, 0, 0, 0, 0]), 0).numpy() + 1e-8)
    np.testing.assert_allclose(song.phones, np.tile(expected - expected.max(), (song.frames, 1)), atol=1e-5)


def test_windows_cover_the_song_and_share_eight_seconds() -> None:
    song, _ = _heard(100)
    firsts = [window.first for window in song.windows]
    assert firsts == [0, 1100, 2200, 3300, 4400]
    assert [len(window.states) for window in song.windows] == [1500, 1500, 1500, 1500, 600]
    assert song.windows[0].states.dtype == np.float16


def test_one_window_fades_into_the_next_in_the_middle_of_what_they_share() -> None:
    song, _ = _heard(52.0, is_constant=False)
    winner = song.phones.argmax(axis=1)
    assert winner[:1250].tolist() == [0] * 1250
    assert abs(int(np.argmax(winner == 1)) - 1300) <= 1
    assert winner[1350:].tolist() == [1] * (song.frames - 1350)
    assert song.phones[1101, 1] < -3.5  # what a window says first counts little
    assert song.phones[1499, 0] < -3.5  # and last
    assert (np.diff(song.phones[1220:1300, 1]) >= -1e-5).all()


def test_the_likeliest_is_zero_and_frequent_phones_are_divided_by_their_frequency() -> None:
    calls: list[Tensor] = []
    reader = _Number(calls, is_constant=True)
    reader.log_prior[:] = torch.tensor([0.96, 0.01, 0.01, 0.01, 0.01]).log()
    for prior, expected in ((0.0, -4.0), (0.6, -4.0 + 0.6 * np.log(96)), (1.0, 0.0)):
        song = hear(np.zeros(16_000, np.float32), _Level(), reader, prior=prior, monitor=Monitor())
        assert song.phones.max(axis=1) == pytest.approx(0.0)
        assert song.phones[:, 1] == pytest.approx(expected, abs=1e-5)


def test_progress_rises_and_cancel_stops() -> None:
    token, seen, calls = CancelToken(), [], []

    def stop_late(event: Progress) -> None:
        seen.append(event.fraction)
        if len(seen) == 3:
            token.cancel()

    silence, reader, monitor = (
        np.zeros(1_600_000, np.float32),
        _Number(calls, is_constant=True),
        Monitor(stop_late, token),
    )
    with pytest.raises(Cancelled):
        hear(silence, _Level(), reader, prior=0.6, monitor=monitor)
    assert seen == sorted(set(seen))
    assert len(calls) == 3


def test_a_reader_of_several_layers_gets_them_side_by_side() -> None:
    class Two(_Level):
        def forward(self, mel: Tensor) -> tuple[Tensor, ...]:
            (only,) = super().forward(mel)
            return (only, only + 1, only + 2)

    reader = PhoneReader(PhoneReaderConfig(states=4, width=8, classes=_CLASSES, layers=(0, 2))).eval()
    got: list[Tensor] = []
    reader.norm.register_forward_pre_hook(lambda _, inputs: got.append(inputs[0]))
    hear(np.ones(16_000, np.float32), Two(), reader, prior=0.0, monitor=Monitor())
    torch.testing.assert_close(got[0][..., 2:], got[0][..., :2] + 2, atol=0.05, rtol=0.01)


@pytest.mark.weights
def test_the_same_phones_wherever_a_window_begins() -> None:
    """Real singing after 4 s of silence, and after 19 s: then it lies across two windows."""
    aligner = Aligner.load(READER)
    voice = resample(read(fetch("song-excerpt") / "song.mp3").to_mono(), 16_000).samples[0]
    early, late = (
        hear(
            np.pad(voice, (seconds * 16_000, (41 - seconds) * 16_000 - len(voice))),
            aligner._encoder,
            aligner._reader,
            prior=0.6,
            monitor=Monitor(),
        ).phones[seconds * 50 :][: len(voice) // 320]
        for seconds in (4, 19)
    )
    sung = slice(150, 440)
    assert np.mean(early[sung].argmax(axis=1) == late[sung].argmax(axis=1)) > 0.8
    assert np.mean(np.abs(np.maximum(early, -4) - np.maximum(late, -4))[sung]) < 0.3
    elsewhere = np.roll(late, 50, axis=0)
    assert np.mean(early[sung].argmax(axis=1) == elsewhere[sung].argmax(axis=1)) < 0.5


class _Undecided(nn.Module):
    """A reader that gives a phone some share of what it gives another one that it saw ten times as often."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.config = PhoneReaderConfig(states=2, classes=2, layers=(0,))
        self.register_buffer("log_prior", torch.tensor([10 / 11, 1 / 11]).log())
        self.share = share

    def forward(self, states: Tensor) -> Tensor:
        return torch.tensor([1.0, self.share]).log().expand(*states.shape[:2], 2)


@pytest.mark.parametrize(("share", "likeliest"), [(1 / 3, 1), (1 / 6, 0)])
def test_how_rare_a_phone_is_counts_for_it_but_not_for_all(share: float, likeliest: int) -> None:
    """By Bayes' rule it would count in full, and a tenth would do; frames of a phone are no independent draws."""
    aligner = Aligner(_Level(), nn.Identity(), None, _Undecided(share))
    clip = Clip(np.full((1, 16_000), 0.1, np.float32), 16_000)
    found = aligner.hear(clip, AlignOptions(), Monitor())
    assert (found.phones.argmax(axis=1) == likeliest).all()
