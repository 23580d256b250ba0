"""By how much the lengths of Kokoro's sounds lag behind what is heard: where voicing should be, and where it is.

    python recipes/phones/lag.py --wheels WHEELS

Prints for each voice the lag of the sounds' times, as `kokoro.py` gives them, that agrees best with the voicing of the
vocoder, over sentences in which voiced and unvoiced sounds alternate.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from kokoro import VOICES, Speaker, pronounced
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.resample import resample
from descant.data.band import vocoder
from descant.data.sung_speech import VOWELS, Speech

SENTENCES = {
    "de": ("das schloss steht still im schatten der tannen", "ich sah das fass auf dem tisch", "sie hassen es"),
    "en": ("the fish is in the sea so they say", "she sells sea shells for cash", "it is just a step across the path"),
    "fr": ("six chasseurs sachant chasser sans ses chiens", "ce soir je chante pour toi"),
}  # fmt: skip
VOICED = VOWELS | set("mnŋlɹrbdɡvzðʒjw")
LAGS = range(-30, 11)


def agreement(speech: Speech) -> NDArray[np.float64]:
    """How well voicing agrees with the sounds at each of `LAGS`, -1 to 1."""
    high = resample(Clip(speech.samples[np.newaxis], speech.sample_rate), vocoder.SAMPLE_RATE).samples[0]
    _, strength = vocoder.fundamental(high, lowest_hz=75.0, highest_hz=600.0)
    heard = 2.0 * np.clip((strength - 0.35) / 0.25, 0.0, 1.0) - 1.0
    told = np.zeros(len(heard))
    for sound in speech.sounds:
        first, last = (int(at / vocoder.HOP_S) for at in (sound.start_s, sound.end_s))
        told[first:last] = 1.0 if sound.symbol in VOICED else -1.0
    return np.array([(np.roll(told, lag) * heard).sum() for lag in LAGS]) / np.abs(told).sum()


def main() -> None:
    """Print the best lag of each voice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheels", type=Path, required=True)
    speaker = Speaker(parser.parse_args().wheels)
    for voice in VOICES:
        style = speaker.style({voice: 1.0})
        found = np.mean(
            [
                agreement(speaker.say(pronounced(text.split(), language), style, speed=0.9))
                for language, texts in SENTENCES.items()
                for text in texts
            ],
            axis=0,
        )
        best = int(found.argmax())
        print(f"{voice}: {-1000.0 * LAGS[best] * vocoder.HOP_S:.0f} ms late, agreement {found[best]:.2f}", flush=True)


if __name__ == "__main__":
    main()
