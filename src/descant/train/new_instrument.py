"""From a folder of recordings to an instrument in the store: `descant instrument train`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from descant.files import PathLike
from descant.hub.card_writer import write_table
from descant.hub.checkpoint import save_tensors
from descant.instrument.neural import CONFIG, ROSTER, WEIGHTS, NeuralInstruments
from descant.instrument.own.recordings import Recordings, Tracker, read_recordings
from descant.instrument.own.store import CARD_FILE, InstrumentStore, OwnInstrument
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.train.own_instrument import Learned, LearningOptions, learn_instrument

_FORMAT = 1
_LISTENING = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What came of it.

    Attributes:
        instrument: As it is kept.
        recordings: What it was learned from.
        learned: How it went.
    """

    instrument: OwnInstrument
    recordings: Recordings
    learned: Learned


def train_instrument(
    name: str,
    source: PathLike,
    store: InstrumentStore,
    start: NeuralInstruments,
    tracker: Tracker,
    options: LearningOptions | None = None,
    *,
    replace: bool = False,
    check: bool = True,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Trained:
    """Learn an instrument from recordings and keep it; until the very end nothing is written.

    Args:
        name: To keep it under.
        source: Folder of recordings, or one recording.
        store: Where it is kept.
        start: The net to begin from.
        tracker: Hears pitches.
        options: How much is learned.
        replace: Put it in the place of another of the same name.
        check: Whether a pitch is left out first, to see how well it is guessed.
        progress: Receives the share that is done.
        cancel: Stops the work.

    Raises:
        InvalidOption: The name is taken, or cannot be one.
        InputNotFound: There are no recordings.
        NothingHeard: None of them can be learned from; all faults are said.
        OutputError, PermissionRefused: It cannot be written.
        Cancelled: `cancel` was raised.
    """
    options = options or LearningOptions()
    wanted = store.place_for(name, replace=replace)
    monitor = Monitor(progress, cancel)
    recordings = read_recordings(
        source, tracker, progress=monitor.part("listening", 0.0, _LISTENING).sink, cancel=cancel
    )
    learned = learn_instrument(
        recordings.notes,
        start,
        wanted,
        options,
        check=check,
        progress=monitor.part("learning", _LISTENING, 1.0).sink,
        cancel=cancel,
    )
    monitor.report(1.0)
    kept = store.add(wanted, packed(recordings, learned, options), replace=replace)
    return Trained(kept, recordings, learned)


def packed(recordings: Recordings, learned: Learned, options: LearningOptions) -> dict[str, bytes]:
    """The files of an instrument, as `InstrumentStore.add` keeps them: weights in half precision, but for tables."""
    own = learned.instruments
    tables = {key for key, _ in own.net.named_buffers()}
    tensors = {key: value if key in tables else value.to(torch.float16) for key, value in own.net.state_dict().items()}
    tensors[ROSTER] = own.roster.packed()
    with TemporaryDirectory(prefix="descant-instrument-") as folder:
        weights = save_tensors(Path(folder) / WEIGHTS, tensors).read_bytes()
    config = json.dumps(asdict(own.net.config), indent=1) + "\n"
    return {CARD_FILE: _card(recordings, learned, options).encode(), CONFIG: config.encode(), WEIGHTS: weights}


def _card(recordings: Recordings, learned: Learned, options: LearningOptions) -> str:
    player = learned.instruments.roster.players[0]
    digest = hashlib.sha256()
    for note in recordings.notes:
        digest.update(note.samples.tobytes())
    facts: dict[str, str | int | tuple[str, ...] | None] = {
        "format": _FORMAT,
        "name": player.name,
        "family": player.family,
        "notes": len(recordings.notes),
        "lowest": player.lowest,
        "highest": player.highest,
        "began_from": learned.nearest,
        "recordings_sha256": digest.hexdigest(),
        "distance": f"{learned.distance:.4f}",
        "seed": options.seed,
    }
    if learned.check is not None:
        facts["left_out"] = learned.check.pitch
        facts["left_out_distance"] = f"{learned.check.learned:.5f}"
        facts["left_out_sampler"] = f"{learned.check.sampled:.5f}"
    return write_table("", facts)
