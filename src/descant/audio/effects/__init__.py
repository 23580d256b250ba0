"""Effects: pure functions from clip to clip that keep length, rate and channel count unless they say otherwise."""

from descant.audio.effects.dynamics import compress, duck, ducking_gain
from descant.audio.effects.equalizer import high_pass, high_shelf, low_pass, low_shelf, peak
from descant.audio.effects.fades import fade
from descant.audio.effects.reverb import convolve, reverb, room_impulse
from descant.audio.effects.stereo import pan, width
from descant.audio.limiter import limit

__all__ = [
    "compress",
    "convolve",
    "duck",
    "ducking_gain",
    "fade",
    "high_pass",
    "high_shelf",
    "limit",
    "low_pass",
    "low_shelf",
    "pan",
    "peak",
    "reverb",
    "room_impulse",
    "width",
]
