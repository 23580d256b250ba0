"""A neural instrument played live."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from descant.errors import InvalidOption
from descant.instrument.live import LiveInstrument
from descant.instrument.neural_note import Event, render
from descant.instrument.neural_score import HEADROOM
from neural_instruments import tiny_instruments

HOP = 256
INSTRUMENTS = tiny_instruments()
Gesture = tuple[int, Callable[[LiveInstrument], None]]


def live(name: str = "grand-piano", voices: int = 16) -> LiveInstrument:
    return LiveInstrument(INSTRUMENTS.player(name), voices=voices)


def performed(gestures: Sequence[Gesture], samples: int, block: int, name: str = "violin") -> NDArray[np.float32]:
    """Gestures at samples that are multiples of the block."""
    player, blocks = live(name), []
    for start in range(0, samples, block):
        for at, gesture in gestures:
            if at == start:
                gesture(player)
        blocks.append(player.read(min(block, samples - start)))
    return np.concatenate(blocks, axis=1)


GESTURES: list[Gesture] = [
    (0, lambda p: p.note_on(60, 100)),
    (3072, lambda p: p.note_on(67, 70)),
    (6144, lambda p: p.bend(1.0)),
    (9216, lambda p: p.note_off(60)),
    (12288, lambda p: p.vibrato(2.0)),
    (15360, lambda p: p.all_off()),
]


@pytest.mark.parametrize("block", [64, 96, 512, 3072])
def test_the_sound_does_not_depend_on_the_block(block: int) -> None:
    assert np.array_equal(performed(GESTURES, 30_000, block), performed(GESTURES, 30_000, 1536))


@pytest.mark.parametrize("name", ["grand-piano", "violin"])
def test_a_live_note_is_the_note_of_a_score(name: str) -> None:
    """What a score plays is thinned out to one frame in four where little happens; the two are 34 dB apart or more."""
    player = live(name)
    player.note_on(64, 90)
    held = 60 * HOP
    first = player.read(held)
    player.note_off(64)
    sound = np.concatenate((first, player.read(48_000)), axis=1)
    event = Event(INSTRUMENTS.roster.row(name), 64, 90, held / 48_000)
    true = HEADROOM * render(INSTRUMENTS.net, [event])[0]
    frames = min(true.shape[1] - 480, sound.shape[1])  # the end is faded out in a score
    assert np.abs(sound[:, :frames] - true[:, :frames]).max() < 0.02 * np.abs(true).max()
    assert np.abs(sound[:, frames:]).max() < 1e-3


def test_the_first_block_sounds() -> None:
    player = live()
    player.read(1000)
    player.note_on(69, 100)
    block = player.read(512)
    # A key waits for the next frame, 256 samples at most.
    assert np.argmax(np.abs(block).max(axis=0) > 1e-4) <= HOP


def test_silence_before_and_after() -> None:
    player = live()
    assert not player.read(5000).any()
    player.note_on(60, 100)
    player.read(4800)
    player.all_off()
    player.read(5 * 48_000)
    assert player.sounding == 0
    assert not player.read(4800).any()


def test_the_pedal_holds_what_fingers_leave() -> None:
    def level(*, pedal: bool) -> float:
        player = live()
        if pedal:
            player.sustain(down=True)
        player.note_on(60, 100)
        player.read(4096)
        player.note_off(60)
        player.read(24_000)
        sound = float(np.abs(player.read(4800)).max())
        player.sustain(down=False)
        player.read(48_000)
        assert np.abs(player.read(4800)).max() < 0.1 * max(sound, 1e-3)
        return sound

    assert level(pedal=True) > 5 * level(pedal=False)


def test_the_softest_voice_gives_way_without_a_click() -> None:
    player = live(voices=4)
    for pitch, velocity in ((50, 110), (57, 100), (62, 90), (66, 80)):
        player.note_on(pitch, velocity)
    player.read(9600)
    before = player.read(9600)
    player.note_on(71, 100)
    after = player.read(4800)
    assert player.sounding == 4

    # A second difference shows a step that the smooth sound hides.
    def roughness(sound: NDArray[np.float32]) -> float:
        return float(np.abs(np.diff(sound, 2, axis=1)).max())

    alone = live(voices=4)
    alone.note_on(71, 100)
    struck = roughness(alone.read(4800))
    assert roughness(after) < 1.2 * (roughness(before) + struck)


@pytest.mark.parametrize("pitch", [40, 64, 88])
def test_no_click_when_a_key_is_let_go(pitch: int) -> None:
    player = live("nylon-guitar")
    player.note_on(pitch, 120)
    player.read(9600)
    held = np.abs(np.diff(player.read(9472), 2, axis=1)).max()
    player.note_off(pitch)
    assert np.abs(np.diff(player.read(9600), 2, axis=1)).max() < 1.1 * held


def test_sixteen_keys_and_more() -> None:
    player = live()
    for pitch in range(30, 80):
        player.note_on(pitch, 100)
    sound = player.read(4800)
    assert player.sounding == 16
    assert np.isfinite(sound).all()


def test_a_key_struck_again_and_velocity_nought() -> None:
    player = live()
    player.note_on(60, 100)
    player.read(2560)
    player.note_on(60, 100)
    player.read(256)
    assert player.sounding == 2  # the first one rings out
    player.note_on(60, 0)
    player.read(5 * 48_000)
    assert player.sounding == 0


def test_what_cannot_be_played() -> None:
    with pytest.raises(InvalidOption):
        live(voices=0)
    player = live()
    for wrong in (
        lambda: player.note_on(128, 100),
        lambda: player.note_on(60, 128),
        lambda: player.note_on(float("nan"), 100),
        lambda: player.bend(100.0),
        lambda: player.vibrato(-1.0),
        lambda: player.vibrato(float("nan")),
    ):
        with pytest.raises(InvalidOption):
            wrong()
    player.note_off(60)
    assert not player.read(512).any()
    assert player.read(0).shape == (2, 0)


def test_live_sound_stays_within_full_scale_and_soft_sound_is_untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = range(48, 64)

    def chord() -> NDArray[np.float32]:
        player = live()
        for key in keys:
            player.note_on(key, 127)
        return player.read(12_000)

    soft = chord()
    assert 0.0 < np.abs(soft).max() < 0.9
    factor = 4.0 / float(np.abs(soft).max())
    monkeypatch.setattr("descant.instrument.live.HEADROOM", HEADROOM * factor)
    loud = chord()
    assert 0.9 < np.abs(loud).max() <= 1.0
    # A gain, not a fold: away from the first attack the wave is that of the soft chord.
    part = slice(1024, 1280)
    assert float(np.corrcoef(loud[0, part], soft[0, part])[0, 1]) > 0.99
