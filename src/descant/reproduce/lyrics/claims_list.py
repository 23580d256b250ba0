"""What the two publications claim, as rules; set before the first result. Sources are the project's sheet."""

from __future__ import annotations

from descant.reproduce.claims import Claim

WITHIN_S = 0.3
PARAMETERS = (1_150_000, 1_250_000)
REACH_FRAMES = 20
NO_WORSE = 1.02
"""A language that was not learned may cost this times as much before it counts as worse."""

SIZE = Claim(
    "1-size",
    "The contrastive system has 1.2 M parameters and hears 930 ms: 40 frames of 23.2 ms.",
    "D23, sheet 3.2",
    (),
    "parameters at the published sizes; frames to each side that a frame depends on",
    f"1.2 M when rounded, {REACH_FRAMES} frames to each side",
)
LENGTHS = Claim(
    "2-lengths",
    "352,243 samples are heard for what is sung in the 225,501 in their middle, a frame of every 1,024.",
    "S19, sheet 2, 3.1",
    (),
    "frames that come out of a window, and whether one sample less would give fewer",
    "the next whole number of frames above 225,501 / 1,024, and no sample is wasted",
)
CONTRASTIVE = Claim(
    "3-contrastive",
    "The contrastive loss beats CTC on the same audio encoder (published AAE 0.39 and 0.90 s, each with its own mask).",
    "D23, sheet 7: M3, M1",
    ("CTC",),
    "AAE over held-out songs, separated vocals, characters; both learn for as many updates",
    "less, and less than the even spread",
)
CONTEXT = Claim(
    "4-context",
    "A symbol read with its neighbours is better than one read alone (published 0.16 and 0.39 s).",
    "D23, sheet 7: M5, M3",
    ("C = 0",),
    "AAE over held-out songs, separated vocals",
    "less with C = 1",
)
MASK = Claim(
    "5-mask",
    "A second pass under the line mask is better than one pass (published 0.15 and 0.24 s).",
    "D23, sheet 7: M6, M7",
    ("one pass",),
    "AAE over held-out songs, separated vocals",
    "less with the mask",
)
MASK_ON_CTC = Claim(
    "6-mask-on-ctc",
    "The mask helps CTC posteriors, too (published 0.90 to 0.20 s, by a better model's mask; here by its own).",
    "D23, sheet 5.2, 7: M1, M2",
    ("one pass",),
    "AAE over held-out songs, separated vocals, CTC",
    "less with the mask",
)
SEPARATION = Claim(
    "7-separation",
    "Separated vocals are better than the mix (published S19 0.38 and 0.82 s).",
    "S19, sheet 6, 7",
    ("the mix",),
    "AAE over held-out songs, contrastive system",
    "less on what Spleeter separates than on the mix",
)
TRANSFER = Claim(
    "8-characters-transfer",
    "Learned from English alone, characters are better in other languages than phonemes (published 0.35 and 1.11 s).",
    "D23, sheet 7, 8.5",
    ("phonemes",),
    "AAE over held-out songs that are not English, separated vocals",
    "less with characters",
)
LANGUAGES = Claim(
    "9-more-languages",
    "Learning from several languages is better for songs in them than learning from English (published 0.18, 0.35 s).",
    "D23, sheet 7",
    ("English alone",),
    "AAE over held-out French and Spanish songs, separated vocals, characters",
    "less with all languages",
)
ORDER_FREE = Claim(
    "10-order-free",
    "A loss without order or times puts the best frame of a symbol inside its line.",
    "D23, sheet 8.6",
    ("chance: the line's share of the song",),
    "share of symbols whose most similar frame lies in a line that has the symbol in its context, vocals alone",
    "above the share of time that such lines take",
)
BIAS = Claim(
    "11-bias",
    "The signed median error, measured on other songs and taken off, makes times better (published: S19's 0.18 s).",
    "S19, sheet 5.1, 8.7",
    ("the times as found",),
    "AAE over held-out songs, separated vocals, before and after; the bias comes from validation songs",
    "not more after it",
)
FLOOR = Claim(
    "12-floor",
    "Words lie nearer to the truth than if the lines' true starts were known and letters spread to the next line.",
    "sheet 6, 8.8",
    ("even spread", "true line starts", "true lines"),
    "AAE over held-out songs, separated vocals, contrastive system",
    "less than with true line starts",
)
S19_LEARNS = Claim(
    "13-wave-u-net",
    "The Wave-U-Net on samples aligns songs (published AAE 0.35 s on Mauch, 0.82 s on Jamendo).",
    "S19, sheet 7",
    ("even spread",),
    "AAE over held-out songs, separated vocals",
    "less than the even spread",
)
BENCHMARK = Claim(
    "14-benchmark",
    "On Jamendo's 20 English songs AAE is 0.15 s with 92 % of words within 0.3 s.",
    "D23, sheet 7, 8.8",
    (),
    "AAE and PCO on JamendoLyrics",
    "AAE at most 0.25 s, PCO at least 92 %",
)

CLAIMS = (
    *(SIZE, LENGTHS, CONTRASTIVE, CONTEXT, MASK, MASK_ON_CTC, SEPARATION),
    *(TRANSFER, LANGUAGES, ORDER_FREE, BIAS, FLOOR, S19_LEARNS, BENCHMARK),
)
