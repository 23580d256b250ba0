"""Untrained nets that listen to a voice, and pieces of three voices made by arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from descant.convert.content import ContentEncoder
from descant.convert.speaker import SpeakerEmbedder
from descant.nets.speaker_encoder import SpeakerEncoder
from descant.nets.swift_f0 import SwiftF0
from descant.nets.whisper_encoder import WhisperEncoder, WhisperEncoderConfig
from descant.train.voice_pieces import Analyst, Piece
from humming import hum


@pytest.fixture(scope="module")
def analyst() -> Analyst:
    torch.manual_seed(0)
    net = WhisperEncoder(WhisperEncoderConfig(layers=2, width=384, heads=2))
    return Analyst(ContentEncoder(net, layer=1), SwiftF0.load(), SpeakerEmbedder(SpeakerEncoder()))


@pytest.fixture(scope="module")
def pieces(analyst: Analyst) -> list[Piece]:
    rng = np.random.default_rng(0)
    return [analyst(hum(2.0, f0), rng, is_sung=n % 2 == 0) for n, f0 in enumerate((130.0, 220.0, 330.0))]
