"""Make the voices that come with Descant from openly licensed voice banks.

    python recipes/voice/bundle.py --data DATA

writes src/descant/convert/bundled/<name>/ with some ten seconds' content of each bank.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from descant.audio.clip import Clip
from descant.convert.content import ContentEncoder
from descant.convert.speaker import SpeakerEmbedder
from descant.convert.store import BUNDLED, Origin, VoiceStore
from descant.convert.voice import voice_of
from descant.data.voices import find_voices
from descant.nets.source_filter import SAMPLE_RATE
from descant.nets.swift_f0 import SwiftF0

BANKS = {
    "yuki": ("yuki", "Imagawa Yuki (voice: Adios)", "kgs233/UTAU-Yuki, version 2.0"),
    "robin": ("erithacus", "Erithacus (Erithacus Project)", "ErithacusProject/ErithacusVB"),
}
PIECES, POOL = 4, 600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    found = {voice.name: voice for voice in find_voices(parser.parse_args().data)}
    makers = ContentEncoder.load(), SwiftF0.load(), SpeakerEmbedder.load()
    for name, (bank, person, source) in BANKS.items():
        clips = islice(found[bank].pieces(sample_rate=SAMPLE_RATE), PIECES)
        clip = Clip(np.concatenate([one.samples for one in clips], axis=1), SAMPLE_RATE)
        digest = hashlib.sha256(clip.samples.tobytes()).hexdigest()
        with TemporaryDirectory() as folder:
            store = VoiceStore(Path(folder))
            voice = voice_of(clip, *makers)
            voice = replace(voice, pool=voice.pool[:: -(-len(voice.pool) // POOL)])
            made = store.add(f"new {name}", voice, Origin(person, digest, found[bank].licence, source))
            shutil.rmtree(BUNDLED / name, ignore_errors=True)
            shutil.copytree(made.folder, BUNDLED / name)
        print(name, f"{made.voice.middle:.1f}", len(made.voice.pool))


if __name__ == "__main__":
    main()
