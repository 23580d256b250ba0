"""A copying task whose content changes at every step or slowly, all else equal.

A stream of random symbols, and at each step the symbol of `lag` steps ago is asked for. With `hold` 1 every step
brings a new symbol; with a longer hold each symbol stays for that many steps on average, so that the same task has
slowly varying content.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SYMBOLS = 8

Symbols = NDArray[np.int64]


def lagged_symbols(
    generator: np.random.Generator, *, batch: int, steps: int, lag: int, hold: int
) -> tuple[Symbols, Symbols]:
    """Draw sequences.

    Args:
        generator: Source of all choices.
        batch: Sequences.
        steps: Length of the questions' answers.
        lag: How long ago the answer was heard.
        hold: Mean steps for which a symbol stays; durations vary by half of it either way.

    Returns:
        What is heard, [batch, steps + lag], and the answers at its last `steps` steps, [batch, steps].
    """
    length = steps + lag
    least, most = max(1, hold - hold // 2), hold + hold // 2
    durations = generator.integers(least, most + 1, (batch, length))
    symbols = generator.integers(0, SYMBOLS, (batch, length))
    heard = np.stack([np.repeat(s, d)[:length] for s, d in zip(symbols, durations, strict=True)])
    return heard, heard[:, :steps]
