"""The lesson of the next frame: given a piece so far as a piano roll, which keys sound in the frame that comes.

This is the polyphonic music benchmark of Bai, Kolter and Koltun (arXiv 1803.01271) that Seq-U-Net (arXiv 1911.06393)
is compared on; `descant reproduce seq_u_net` trains both nets on this lesson, and recipes/seq_u_net one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.data.arrange import arrange
from descant.data.invent import invent_song
from descant.data.music21_corpus import chorales, fiddle_tunes, find_corpus
from descant.data.piano_rolls import KEYS, PianoRoll, Splits, split
from descant.nets.causal import CausalNet
from descant.nets.seq_u_net import SeqUNet, SeqUNetConfig
from descant.nets.tcn import Tcn, TcnConfig
from descant.train.config import check_numbers
from descant.train.plan import Plan

CHORALE_FRAME, TUNE_FRAME = 1.0, 0.25  # quarters
SHORTEST_TUNE = 64  # frames
_INVENTED, _INVENTED_BARS, _INVENTED_FRAME = 300, 8, 0.5
_MEASURE = "nats_per_frame"


@dataclass(frozen=True, slots=True)
class NextFrameConfig:
    """Net and data of the lesson."""

    source: Literal["chorales", "tunes", "invented"] = "chorales"
    """Bach's chorales or fiddle tunes of music21's corpus; or songs invented by rules, which need no data."""
    net: Literal["seq_u_net", "tcn"] = "seq_u_net"
    """Which is trained."""
    levels: int = 2
    """Of the net; a level of Seq-U-Net runs at half the rate of the one above."""
    kernel: int = 3
    """Of its convolutions, in frames."""
    width: int = 175
    """Channels of each level."""
    dropout: float = 0.5
    """In training."""
    pieces: int = 0
    """At most that many pieces of each part; 0 takes all."""

    def __post_init__(self) -> None:
        check_numbers(self, at_least={"pieces": 0})

    def network(self) -> nn.Module:
        """The net, with random weights."""
        widths = (self.width,) * self.levels
        if self.net == "tcn":
            return Tcn(TcnConfig(KEYS, KEYS, widths, self.kernel, self.dropout))
        return SeqUNet(SeqUNetConfig(KEYS, KEYS, widths, self.kernel, self.dropout))


class NextFrameLesson:
    """The next frame of a whole piece.

    Args:
        model: A causal net of 88 keys.
        training: Pieces to learn from, one a step.
        validation: Pieces that choose the weights.
    """

    def __init__(self, model: nn.Module, training: Sequence[PianoRoll], validation: Sequence[PianoRoll]) -> None:
        self.model = model
        self._training = [roll_tensor(p) for p in training]
        self._validation = [roll_tensor(p) for p in validation]

    def batch(self, generator: np.random.Generator) -> tuple[Tensor, ...]:
        """One piece, [1, 88, frames]."""
        return (self._training[int(generator.integers(len(self._training)))],)

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Nats per frame."""
        return roll_loss(self.model, batch[0])

    def validate(self) -> Mapping[str, float]:
        """Nats per frame over the validation pieces."""
        return {_MEASURE: frame_nats(self.model, self._validation)}


def roll_loss(model: nn.Module, roll: Tensor) -> Tensor:
    """Nats per frame of the frames after the first, each given all before it; roll [1, 88, frames]."""
    logits = cast("CausalNet", model).whole(roll[..., :-1])
    return F.binary_cross_entropy_with_logits(logits.float(), roll[..., 1:], reduction="sum") / (roll.shape[-1] - 1)


def roll_tensor(piece: PianoRoll) -> Tensor:
    """[1, 88, frames] of 0 and 1."""
    return torch.from_numpy(piece.frames.T[None].astype(np.float32))


@torch.no_grad()
def frame_nats(model: nn.Module, rolls: Sequence[Tensor]) -> float:
    """Nats per frame over all frames that are predicted, in float32."""
    model.eval()
    frames = sum(r.shape[-1] - 1 for r in rolls)
    device = next(model.parameters()).device
    return sum(float(roll_loss(model, r.to(device))) * (r.shape[-1] - 1) for r in rolls) / frames


def frequency_nats(training: Sequence[PianoRoll], test: Sequence[PianoRoll]) -> float:
    """Nats per frame that a model would need which knows only how often each key sounds: the sceptic's baseline."""
    counts = np.sum([p.frames.sum(0) for p in training], axis=0)
    share = (counts + 0.5) / (sum(len(p.frames) for p in training) + 1.0)
    frames = np.concatenate([p.frames[1:] for p in test])
    return float(-(np.log(share) * frames + np.log1p(-share) * ~frames).sum(1).mean())


def persistence_nats(training: Sequence[PianoRoll], test: Sequence[PianoRoll]) -> float:
    """Nats per frame of a model that knows how likely each key is to go on, or to begin, given whether it sounds."""
    before, after = (np.concatenate([p.frames[part] for p in training]) for part in (slice(-1), slice(1, None)))
    goes_on = ((before & after).sum(0) + 0.5) / (before.sum(0) + 1.0)
    begins = ((~before & after).sum(0) + 0.5) / ((~before).sum(0) + 1.0)
    heard, wanted = (np.concatenate([p.frames[part] for p in test]) for part in (slice(-1), slice(1, None)))
    share = np.where(heard, goes_on, begins)
    return float(-(np.log(share) * wanted + np.log1p(-share) * ~wanted).sum(1).mean())


def read_splits(config: NextFrameConfig, data: Path | None, seed: int) -> Splits:
    """The collection, split by piece.

    Args:
        config: Which, and how many pieces.
        data: music21's corpus folder in place of the installed one.
        seed: Of what is invented.

    Raises:
        InputNotFound, MissingDependency: There is no corpus.
    """
    if config.source == "chorales":
        found = split(chorales(find_corpus(data)), CHORALE_FRAME)
    elif config.source == "tunes":
        found = split(fiddle_tunes(find_corpus(data)), TUNE_FRAME, fewest_frames=SHORTEST_TUNE)
    else:
        drawn = ((f"song{n:05d}", np.random.default_rng([seed, n])) for n in range(_INVENTED))
        songs = ((name, arrange(invent_song(rng, bars=_INVENTED_BARS), rng)) for name, rng in drawn)
        found = split(songs, _INVENTED_FRAME)
    most = config.pieces or None
    return Splits(found.training[:most], found.validation[:most], found.test[:most])


def build_lesson(config: NextFrameConfig, data: Path | None, seed: int) -> NextFrameLesson:
    """The lesson on a collection.

    Raises:
        InputNotFound, MissingDependency: There is no corpus.
    """
    splits = read_splits(config, data, seed)
    torch.manual_seed(seed)
    return NextFrameLesson(config.network(), splits.training, splits.validation)


PLAN = Plan(NextFrameConfig, build_lesson, None, None, lambda _config: (_MEASURE,))
