"""What the publication claims, as rules; set before the first run at the scale cpu. Sources are the project's sheet."""

from __future__ import annotations

from descant.reproduce.claims import Claim

TIMES_MSE = 2.0
GAP_WITHIN = 0.5
FASTER_THAN_REAL_TIME = 1.0
PUBLISHED_MIB = 243.2
PUBLISHED_NUMBERS = 30

LOSS = Claim(
    "1-spectral-loss",
    "Trained on the spectral loss it is nearer by that loss than trained on the waveform (published 0.051 and 0.084).",
    "sheet 9.1, addendum",
    ("generator trained on the waveform",),
    "spectral L1 on held-out pairs of instrument and pitch",
    "less, and below silence",
)
WAVE = Claim(
    "2-wave-generalises-badly",
    "Trained on the waveform it generalises badly in squared error (published 0.006 on training notes, else 0.039).",
    "sheet 9.1",
    (),
    "mean squared error of samples, training notes and held-out pairs",
    f"at least {TIMES_MSE:g} times as much on held-out pairs, and less than silence on training notes",
)
TIME = Claim(
    "3-time-table",
    "The time table helps (published 0.051 with it, 0.063 without).",
    "sheet 9.1, 10.3",
    ("generator without time table",),
    "spectral L1 on held-out pairs",
    "less with it, and below silence",
)
AUTOENCODER = Claim(
    "4-autoencoder",
    "The autoencoder, which hears the note, is below the generator, which does not (published 0.032 against 0.051).",
    "sheet 9.1",
    ("generator",),
    "spectral L1 on held-out pairs, trained on the spectral loss",
    "less, and below silence",
)
UNSEEN = Claim(
    "5-unseen-pairs",
    "It completes the pitches of instruments: the loss on held-out pairs is near that on training notes (published "
    "0.051 and 0.039: 31 % above).",
    "sheet 1, 9.1",
    ("silence",),
    "spectral L1 on training notes and on held-out pairs",
    f"at most {GAP_WITHIN:.0%} above, and below silence",
)
SAMPLER = Claim(
    "6-nearest-pitch",
    "It is nearer to a held-out note than what a sampler does: playing the nearest recorded pitch faster or slower.",
    "sheet 8 (not in the paper)",
    ("nearest-pitch sampler",),
    "spectral L1 on held-out pairs",
    "less, and below silence",
)
SPEED = Claim(
    "7-speed",
    "It makes notes faster than they sound, on a laptop's processor too (published: 512 s of audio a second on a GPU).",
    "sheet 9.2, 10.4",
    (),
    "seconds of audio made in a second of processor time at the published size, random weights",
    f"at least {FASTER_THAN_REAL_TIME:g}",
)
SIZE = Claim(
    "8-size",
    "243 MB of weights make all notes, each said by 30 numbers (compression 2,133).",
    "sheet 3.4, 9.2, 10.6",
    (),
    "float32 weights at the published size and its 1,006 instruments; numbers of a note",
    f"{PUBLISHED_MIB} MiB to the nearest tenth, {PUBLISHED_NUMBERS} numbers",
)
LISTENERS = Claim(
    "9-listeners",
    "Listeners rate it above NSynth's WaveNet autoencoder (published MOS 3.55 and 2.85; 69.7 % of choices).",
    "sheet 9.2, 10.1",
    ("NSynth WaveNet autoencoder",),
    "mean opinion score and ABX on 100 held-out notes",
    "MOS higher by 0.5, or 60 % of the choices",
)
TRAINING = Claim(
    "10-training-cost",
    "It trains in 120 GPU-hours, 32 times faster than the WaveNet autoencoder.",
    "sheet 9.2, 10.5",
    ("NSynth WaveNet autoencoder",),
    "GPU-hours at the published size on NSynth",
    "at most 120",
)

CLAIMS = (LOSS, WAVE, TIME, AUTOENCODER, UNSEEN, SAMPLER, SPEED, SIZE, LISTENERS, TRAINING)
