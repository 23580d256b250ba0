"""How fast notes are made, and how large the nets are. Weights need not be trained for either."""

from __future__ import annotations

import time
from typing import Any

import torch

from descant.nets.sing import NOTE_SAMPLES, SAMPLE_RATE, NoteEncoder, Sing, SingConfig

_NOTE_S = NOTE_SAMPLES / SAMPLE_RATE
_PITCH = 60


@torch.no_grad()
def generation_speed(config: SingConfig, *, notes: int, repeats: int, threads: int) -> dict[str, Any]:
    """Seconds of audio made in a second, by a net with random weights.

    Args:
        config: Sizes.
        notes: Made at once.
        repeats: Timed passes, after one that warms up; the fastest counts, since machines are shared.
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    sing = Sing(config).eval()
    symbols = torch.tensor([[2, 0, _PITCH]]).repeat(notes, 1)
    sing.notes(symbols)
    wall, processor = [], []
    for _ in range(repeats):
        started, used = time.perf_counter(), time.process_time()
        sing.notes(symbols)
        wall.append(time.perf_counter() - started)
        processor.append(time.process_time() - used)
    made_s = notes * _NOTE_S
    return {
        "seconds_per_second": made_s / min(wall),
        "seconds_per_processor_second": made_s / min(processor),
        "notes_at_once": notes,
        **size(config),
    }


def size(config: SingConfig) -> dict[str, Any]:
    """Parameters of what makes notes and of the encoder, and what a note is said by."""
    with torch.device("meta"):
        counts = {
            "parameters": sum(p.numel() for p in Sing(config).parameters()),
            "encoder_parameters": sum(p.numel() for p in NoteEncoder(config).parameters()),
        }
    numbers = config.velocity_dim + config.instrument_dim + config.pitch_dim + config.time_dim
    return {
        **counts,
        "mebibytes": counts["parameters"] * 4 / 2**20,
        "numbers_of_a_note": numbers,
        "compression": NOTE_SAMPLES / numbers,
    }
