"""A voice that belongs to nobody, and a converter whose nets are real but untrained."""

from __future__ import annotations

import numpy as np
import torch

from descant.audio.clip import Clip
from descant.convert.api import Converter
from descant.convert.consent import Subject, embedding_text
from descant.convert.content import ContentEncoder
from descant.convert.speaker import SpeakerEmbedder
from descant.convert.voice import Voice
from descant.dsp.pitch import PitchTrack
from descant.nets.speaker_encoder import SpeakerEncoder
from descant.nets.swift_f0 import HOP, SwiftF0
from descant.nets.voice_decoder import VoiceDecoder, VoiceDecoderConfig
from descant.nets.whisper_encoder import WhisperEncoder, WhisperEncoderConfig

WIDTH = 24


class SteadyPitch(SwiftF0):
    """220 Hz wherever it is asked."""

    def __init__(self) -> None:
        pass

    def __call__(self, clip: Clip, **_: float) -> PitchTrack:
        frames = max(1, clip.frames // HOP)
        ones = np.ones(frames)
        return PitchTrack(np.arange(frames) * HOP / clip.sample_rate, 220.0 * ones, ones, ones.astype(np.bool_))


def voice_of_nobody(seed: int = 0) -> Voice:
    rng = np.random.default_rng(seed)
    speaker = np.abs(rng.normal(size=256)).astype(np.float32)
    pool = rng.normal(size=(50, WIDTH)).astype(np.float16)
    return Voice(speaker / np.linalg.norm(speaker), pool, 57.0, 50.0, 64.0, is_sung=True)


def subject_of(voice: Voice, name: str = "nobody") -> Subject:
    return Subject(name, "Nobody at all", "ab" * 32, embedding_text(voice.speaker))


def untrained_converter() -> Converter:
    torch.manual_seed(0)
    encoder = ContentEncoder(WhisperEncoder(WhisperEncoderConfig(layers=1, width=WIDTH, heads=2)), layer=1)
    config = VoiceDecoderConfig(content=WIDTH, width=16, blocks=1, bottleneck=8)
    embedder = SpeakerEmbedder(SpeakerEncoder())
    return Converter(VoiceDecoder(config), encoder, SteadyPitch(), embedder, model="untrained")
