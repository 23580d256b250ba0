"""Seq-U-Net's claims (section 8 of the sheet `papers/seq_u_net.md`), with our rules.

`hindsight` says what was known of the results when a rule was set.
"""

from __future__ import annotations

from descant.reproduce.claims import Claim

EXACT = 1e-5
SAME_SIZE = 0.03
CHORALES_WITHIN = 0.05
TUNES_WITHIN = 0.10
BITS_WITHIN = 0.05
TIMES_FASTER = 2.0
FAST_GAP, SLOW_GAP = 0.1, 0.05

CAUSAL = Claim(
    "1-causal",
    "Changing the input at time t changes no output before t, for every phase.",
    "sheet 8.1",
    (),
    "largest change of earlier outputs for 24 positions over three periods; plain and residual nets, random weights",
    "exactly 0, while the output at t itself changes",
)
CACHED = Claim(
    "2-cached",
    "Cached generation equals full recomputation and is faster.",
    "sheet 8.2",
    ("full pass per sample",),
    "largest difference over two periods, all phases; processor time per generated sample",
    f"at most {EXACT:g} in float32 and float64, and less time",
)
CHORALES = Claim(
    "3a-chorales",
    "At equal parameters the test loss on Bach's chorales is within a few per cent of TCN's (published +0.2 %).",
    "sheet 8.3, 7a",
    ("tcn",),
    "nats per frame on test pieces, weights chosen by validation",
    f"at most {CHORALES_WITHIN:.0%} above TCN's median or better; parameters within {SAME_SIZE:.0%}",
    "reworded after the result; what is tested stayed the same",
)
TUNES = Claim(
    "3b-tunes",
    "At equal parameters the test loss on folk tunes is within a few per cent of TCN's (published +7 % on Nottingham).",
    "sheet 8.3, 7a",
    ("tcn",),
    "nats per frame on test pieces, weights chosen by validation",
    f"at most {TUNES_WITHIN:.0%} above TCN's median or better; parameters within {SAME_SIZE:.0%}",
    "reworded after the result; what is tested stayed the same",
)
TEXT = Claim(
    "3c-text",
    "On text Seq-U-Net is as good as TCN or better (1.30 against 1.31 bits per character).",
    "sheet 8.3, 7a",
    ("tcn",),
    "bits per character, perplexity",
    "not above TCN's",
)
MEMORY = Claim(
    "4a-memory",
    "A training step needs less peak memory than TCN's at equal parameters.",
    "sheet 8.4",
    ("tcn",),
    "most bytes of tensors at once in one step (PyTorch's allocator), by length",
    "less at every length, with the nets of the chorales and of the tunes",
)
TIME = Claim(
    "4b-time",
    "A training step takes less time than TCN's at equal parameters.",
    "sheet 8.4",
    ("tcn",),
    "processor time of one step on one thread, by length",
    "less at every length, with the nets of the chorales and of the tunes",
)
LONGER = Claim(
    "4c-length",
    "The savings grow with the length of the sequence.",
    "sheet 8.4",
    ("tcn",),
    "ratio TCN / Seq-U-Net of time and of memory, longest against shortest length, nets of the tunes",
    "both ratios larger at the longest length",
)
DEEPER = Claim(
    "4d-depth",
    "The savings grow with depth.",
    "sheet 8.4",
    ("tcn",),
    "ratio TCN / Seq-U-Net of time and of memory, most against fewest levels, parameters equal at each",
    "both ratios larger at the most levels",
)
AUDIO_TRAINING = Claim(
    "5a-audio-training",
    "At equal receptive field on audio, Seq-U-Net trains several times faster than WaveNet (published: over 4).",
    "sheet 8.5",
    ("wavenet",),
    "processor time of one step, by length; peak memory beside it",
    f"at least {TIMES_FASTER:g} times faster at every length",
)
AUDIO_GENERATION = Claim(
    "5b-audio-generation",
    "It generates audio several times faster than WaveNet, both cached (published: over 4).",
    "sheet 8.5",
    ("wavenet",),
    "processor milliseconds per generated sample",
    f"at least {TIMES_FASTER:g} times faster",
)
AUDIO_BITS = Claim(
    "5c-audio-bits",
    "At similar bits per sample.",
    "sheet 8.5",
    ("wavenet", "frequency of classes"),
    "bits per sample on test music after equally many steps",
    f"median at most {BITS_WITHIN:.0%} above WaveNet's, and both below the frequencies' own",
)
FAST = Claim(
    "6a-fast-content",
    "On data whose content changes at every step the U-Net loses its edge.",
    "sheet 8.6",
    ("tcn",),
    "nats per symbol on the copying task with a new symbol at every step, after equally many updates",
    f"at least {FAST_GAP:g} nats above TCN in every seed",
    "the threshold was set after one trial with seed 0",
)
SLOW = Claim(
    "6b-slow-content",
    "On slowly varying targets it does not.",
    "sheet 8.6",
    ("tcn",),
    "the same task with symbols that stay for several steps",
    f"at most {SLOW_GAP:g} nats above TCN in every seed",
    "the threshold was set after one trial with seed 0",
)

CLAIMS = (
    CAUSAL,
    CACHED,
    CHORALES,
    TUNES,
    TEXT,
    MEMORY,
    TIME,
    LONGER,
    DEEPER,
    AUDIO_TRAINING,
    AUDIO_GENERATION,
    AUDIO_BITS,
    FAST,
    SLOW,
)
