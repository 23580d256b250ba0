"""Spoken consent: a random phrase to read aloud, and whether a recording has its words and the voice's speaker.

That the words are random, and asked for only now, keeps old recordings from passing as consent.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher
from textwrap import shorten

from descant.audio.clip import Clip
from descant.convert.consent import SAME_SPEAKER, Evidence
from descant.convert.speaker import SpeakerEmbedder, likeness
from descant.convert.voice import Floats
from descant.errors import ConsentExpired, ConsentInvalid, ConsentRefused

Listener = Callable[[Clip], str]
"""Hears a recording and writes down its words; the command line gives it Whisper."""

_WORDS = """
apple arrow autumn basket beach bicycle bird blanket bottle branch bread bridge bright brother bucket butter
camera candle carpet castle chair cherry circle cloud coffee corner cotton cousin dancer desert dinner doctor
dragon eagle early eleven engine evening farmer father feather finger flower forest friday friend garden golden
grandmother grass green guitar hammer harbor heavy honey horse island jacket january kitchen ladder lemon letter
library little machine market mirror monday money monkey morning mother mountain museum music needle november
number ocean orange paper pencil people pepper picture pillow planet pocket potato prince purple question rabbit
rainbow river rocket sailor salad saturday school seven shadow silver simple sister sleep spider spring station
stone street sugar summer sunday table teacher thunder ticket tiger tomato tower travel tree turtle twenty
umbrella valley velvet village violin water weather wednesday welcome whisper window winter wonder yellow
yesterday zebra
"""
WORDS = tuple(_WORDS.split())
ASKED = 8
"""Random words of a phrase: of 143, that is one chance in 10^17 to guess them."""

FRESH = timedelta(minutes=30)
"""How long a phrase may be read after it was shown."""

LEAST_HEARD = 0.74
"""Share of the words that must be heard in their order: six of eight, as recognisers stumble over single words."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that were asked for.

    Attributes:
        words: In their order, between blanks.
        shown: When, in UTC.
    """

    words: str
    shown: datetime

    @classmethod
    def new(cls, now: datetime | None = None) -> Phrase:
        """Eight random words, each once."""
        return cls(" ".join(secrets.SystemRandom().sample(WORDS, ASKED)), now or datetime.now(UTC))

    def to_json(self) -> str:
        """As the text of a file."""
        return json.dumps({"words": self.words, "shown": self.shown.isoformat(timespec="seconds")}) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Phrase:
        """Read back.

        Raises:
            ConsentInvalid: It is none.
        """
        try:
            stated = json.loads(text)
            words, shown = str(stated["words"]), datetime.fromisoformat(stated["shown"])
            if not words.split() or shown.tzinfo is None:
                raise ValueError("it is not whole")
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise ConsentInvalid(
                f"The phrase cannot be read: {error}.", "Ask for a new one: `descant voice consent NAME`."
            ) from error
        return cls(words, shown)


def check_recording(
    clip: Clip,
    phrase: Phrase,
    speaker: Floats,
    embedder: SpeakerEmbedder,
    listen: Listener,
    *,
    now: datetime | None = None,
) -> Evidence:
    """What a recording proves, if it proves it.

    Args:
        clip: Someone reading the phrase.
        phrase: That was shown.
        speaker: Embedding of the voice's own recordings, [256].
        embedder: That made it.
        listen: For the words.
        now: In UTC; None is this moment.

    Raises:
        ConsentExpired: The phrase was shown too long ago.
        ConsentRefused: The words or the speaker are others.
        InvalidAudio: There is hardly any sound.
    """
    if not timedelta(0) <= (now or datetime.now(UTC)) - phrase.shown <= FRESH:
        raise ConsentExpired(
            f"The phrase was shown more than {FRESH.seconds // 60} minutes ago.",
            "Ask for a new one, and record it right away.",
        )
    cosine = likeness(embedder(clip), speaker)
    heard = listen(clip)
    share = share_heard(phrase.words, heard)
    if share < LEAST_HEARD:
        instead = shorten(heard, 100) or "nothing"
        raise ConsentRefused(
            f'{share:.0%} of the words are heard in their order; what is heard is "{instead}".',
            f'Read aloud, slowly, near the microphone: "{phrase.words}"',
        )
    if cosine < SAME_SPEAKER:
        raise ConsentRefused(
            f"The speaker is not the one of the voice's recordings: likeness {cosine:.2f}, needed {SAME_SPEAKER:.2f}.",
            "The person whose voice it is must read the phrase, with the voice and microphone of the recordings.",
        )
    digest = hashlib.sha256(clip.samples.tobytes()).hexdigest()
    return Evidence(phrase.words, heard, round(cosine, 4), digest)


def share_heard(words: str, heard: str) -> float:
    """Share of the words that are heard, in their order; written apart or together does not matter."""
    wanted, found = _plain(words), _plain(heard)
    if not wanted:
        return 0.0
    matcher = SequenceMatcher(None, wanted, found, autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks()) / len(wanted)


def _plain(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower().replace("'", ""))
