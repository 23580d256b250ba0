"""A converter whose nets are small and untrained: what it keeps does not depend on what it has learned."""

from __future__ import annotations

import pytest
import torch

from descant.convert.api import Converter
from descant.convert.content import ContentEncoder
from descant.convert.speaker import SpeakerEmbedder
from descant.nets.speaker_encoder import SpeakerEncoder
from descant.nets.swift_f0 import SwiftF0
from descant.nets.voice_decoder import VoiceDecoder, VoiceDecoderConfig
from descant.nets.whisper_encoder import WhisperEncoder, WhisperEncoderConfig


@pytest.fixture(scope="session")
def converter() -> Converter:
    torch.manual_seed(0)
    encoder = ContentEncoder(WhisperEncoder(WhisperEncoderConfig(layers=2, width=24, heads=2)), layer=1)
    decoder = VoiceDecoder(VoiceDecoderConfig(content=24, width=32, blocks=2, bottleneck=8))
    return Converter(decoder, encoder, SwiftF0.load(), SpeakerEmbedder(SpeakerEncoder()))
