"""Whisper's decoder in torch against the runtime that the weights were converted for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from descant.audio.io import read
from descant.audio.resample import resample
from descant.hub.ctranslate2 import read_tensors
from descant.hub.store import fetch
from descant.nets.whisper_decoder import WhisperDecoder, WhisperDecoderConfig

_WORDS = " It always seems like time stands still when I'm with you."
_MEDIAN = 7


def _token_starts(looks: np.ndarray) -> np.ndarray:
    """First frame of each row on the cheapest way from corner to corner (Sakoe and Chiba 1978)."""
    tokens, frames = looks.shape
    total = np.full((tokens + 1, frames + 1), np.inf)
    total[0, 0] = 0.0
    for token in range(tokens):
        for frame in range(frames):
            ways = (total[token, frame], total[token, frame + 1], total[token + 1, frame])
            total[token + 1, frame + 1] = min(ways) - looks[token, frame]
    starts = np.zeros(tokens, int)
    token, frame = tokens, frames
    while token and frame:
        starts[token - 1] = frame - 1
        ways = (total[token - 1, frame - 1], total[token - 1, frame], total[token, frame - 1])
        best = int(np.argmin(ways))
        token, frame = token - (best != 2), frame - (best != 1)
    return starts


@pytest.mark.weights
def test_looks_where_ctranslate2_looks() -> None:
    """Starts of tokens in a real song, from our attention and from the runtime's own alignment."""
    faster_whisper = pytest.importorskip("faster_whisper")
    folder = fetch("whisper-base")
    model = faster_whisper.WhisperModel(str(folder), device="cpu", compute_type="float32", local_files_only=True)
    clip = read(fetch("song-excerpt") / "song.mp3")
    mel = model.feature_extractor(resample(clip.to_mono(), 16_000).samples[0])
    states = model.encode(mel[:, :3000])
    tokenizer = model.hf_tokenizer
    text = tokenizer.encode(_WORDS, add_special_tokens=False).ids
    names = ("<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>", "<|endoftext|>")
    *prompt, silence, end = (tokenizer.token_to_id(name) for name in names)
    sung = round(clip.duration_s * 100)
    truth = model.model.align(states, prompt, [text], sung, median_filter_width=_MEDIAN)[0].alignments
    pairs = np.array(truth)
    expected = np.array([pairs[pairs[:, 0] == token, 1].min() for token in range(len(text))])

    heads = [(3, 1), (4, 2), (4, 3), (4, 7), (5, 1), (5, 2), (5, 4), (5, 6)]
    decoder = WhisperDecoder().eval()
    decoder.load_converted(read_tensors(folder / "model.bin", "decoder/"))
    with torch.inference_mode():
        scores = decoder(torch.tensor([*prompt, silence, *text, end]), torch.from_numpy(np.array(states))[0], heads)
        looks = scores.softmax(dim=-1)[..., : sung // 2]
        looks = (looks - looks.mean(dim=-2, keepdim=True)) / looks.std(dim=-2, keepdim=True, correction=0)
        around = torch.nn.functional.pad(looks, (_MEDIAN // 2, _MEDIAN // 2), mode="reflect")
        looks = around.unfold(-1, _MEDIAN, 1).median(dim=-1).values.mean(dim=0)
    found = _token_starts(looks[len(prompt) : -1].numpy())[: len(text)]
    off_s = np.abs(found - expected) / 50
    assert np.median(off_s) == 0.0
    assert np.mean(off_s <= 0.02) >= 0.9
    assert expected[-1] > 400  # the song's words were looked at, not its first second


@pytest.fixture(scope="module")
def small() -> WhisperDecoder:
    torch.manual_seed(3)
    net = WhisperDecoder(WhisperDecoderConfig(layers=3, width=32, heads=4, tokens=50, positions=20)).eval()
    return net.requires_grad_(requires_grad=False)


def test_later_tokens_change_nothing_before_them(small: WhisperDecoder) -> None:
    heard, heads = torch.randn(70, 32), [(layer, head) for layer in range(3) for head in range(4)]
    tokens = torch.arange(12)
    whole = small(tokens, heard, heads)
    assert whole.shape == (12, 12, 70)
    torch.testing.assert_close(small(tokens[:5], heard, heads), whole[:, :5])
    changed = tokens.clone()
    changed[5] = 40
    other = small(changed, heard, heads)
    torch.testing.assert_close(other[:, :5], whole[:, :5])
    assert (other[:, 5:] - whole[:, 5:]).abs().amax(dim=(0, 2)).min() > 1e-4


def test_heads_come_in_the_order_asked_for(small: WhisperDecoder) -> None:
    heard, tokens = torch.randn(30, 32), torch.arange(6)
    pair = small(tokens, heard, [(2, 1), (0, 3)])
    torch.testing.assert_close(pair[0], small(tokens, heard, [(2, 1)])[0])
    torch.testing.assert_close(pair[1], small(tokens, heard, [(0, 3)])[0])
    assert not torch.allclose(pair[0], pair[1])


def test_frames_in_another_order_are_looked_at_in_that_order(small: WhisperDecoder) -> None:
    """The audio has no positions of its own here: they are in the encoder's states."""
    heard, tokens = torch.randn(30, 32), torch.arange(6)
    order = torch.randperm(30)
    heads = [(2, 0), (2, 3)]
    torch.testing.assert_close(small(tokens, heard[order], heads), small(tokens, heard, heads)[..., order])


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(KeyError, match="embeddings/weight"):
        WhisperDecoder(WhisperDecoderConfig(layers=1, width=8, heads=1, tokens=9, positions=4)).load_converted({})
