"""How fast voices of other programs sing, and whether memory stays: `python benchmarks/foreign_voice.py`.

Nets of the published sizes (RVC v2 at 40 kHz, so-vits-svc 4.1, HuBERT base) with random numbers in them are imported,
bound to a voice made by arithmetic, and a hummed tune goes through the real command line in fresh processes. What a net
learned changes neither time nor memory.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.convert.consent import Terms, give_consent
from descant.convert.foreign import bind
from descant.convert.signing import Authority
from descant.convert.store import Origin, VoiceStore
from descant.convert.voice import Voice
from descant.evaluate.child import measure_child
from descant.nets.hubert import Hubert
from descant.nets.source_filter import SAMPLE_RATE
from descant.nets.vits_voice import VitsVoice, VitsVoiceConfig
from descant.train.hums import hum

_SHARED: dict[str, Any] = {
    "content": 768, "channels": 192, "hidden": 192, "inner": 768, "heads": 2, "layers": 6, "kernel": 3, "flows": 4,
    "first": 512, "residual_kernels": (3, 7, 11), "dilations": ((1, 3, 5),) * 3, "is_paired": True,
}  # fmt: skip
RVC = VitsVoiceConfig(
    program="rvc", sample_rate=40_000, window=10, flow_layers=3, rates=(10, 10, 2, 2), kernels=(16, 16, 4, 4),
    speakers=109, speaker=256, harmonics=1, **_SHARED,
)  # fmt: skip
SO_VITS = VitsVoiceConfig(
    program="so-vits-svc", sample_rate=44_100, window=4, flow_layers=4, rates=(8, 8, 2, 2, 2),
    kernels=(16, 16, 4, 4, 4), speakers=200, speaker=768, harmonics=9, **_SHARED,
)  # fmt: skip
_TO_SO_VITS = {
    "enc_p.pre.": "pre.",
    "enc_p.emb_uv.": "emb_uv.",
    "enc_p.emb_pitch.": "enc_p.f0_emb.",
    "enc_p.encoder.": "enc_p.enc_.",
}


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", default="20,80")
    parser.add_argument("--voices", default="rvc,so-vits")
    asked_for = parser.parse_args()
    seconds = [float(text) for text in asked_for.seconds.split(",")]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start\n")
    print("| voice | audio s | wall s | processor s | peak MiB |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        prepare(home)
        tune = hum(np.random.default_rng(0), 180.0, 1.0, 20.0).samples
        for voice in asked_for.voices.split(","):
            for length in seconds:
                write(home / "in.wav", Clip(np.tile(tune, (1, round(length / 20.0))), SAMPLE_RATE))
                asked = ["convert", str(home / "in.wav"), "--voice", voice, "-o", str(home / "out.wav"), "-q"]
                used = measure_child([sys.executable, "-m", "descant", *asked])
                print(
                    f"| {voice} | {length:.0f} | {used.wall_s:.1f} | {used.processor_s:.1f} | {used.peak_mib:.0f} |",
                    flush=True,
                )


def prepare(home: Path) -> None:
    """Import the nets into folders of the benchmark's own, and bind them to a voice."""
    for variable in ("DESCANT_CACHE", "DESCANT_CONFIG", "DESCANT_DATA"):
        os.environ[variable] = str(home / variable)
    torch.manual_seed(0)
    sizes = [
        1025, 32, 192, 192, 768, 2, 6, 3, 0, "1", [3, 7, 11], [[1, 3, 5]] * 3,
        list(RVC.rates), 512, list(RVC.kernels), 109, 256, 40_000,
    ]  # fmt: skip
    weight = {key: value.half() for key, value in VitsVoice(RVC).state_dict().items()}
    torch.save({"weight": weight, "config": sizes, "sr": "40k", "f0": 1, "version": "v2"}, home / "rvc.pth")
    model = {}
    for key, value in VitsVoice(SO_VITS).state_dict().items():
        start = next((own for own in _TO_SO_VITS if key.startswith(own)), "")
        model[_TO_SO_VITS.get(start, "") + key.removeprefix(start)] = value
    torch.save({"model": model}, home / "so-vits.pth")
    stated = {
        "inter_channels": 192, "hidden_channels": 192, "filter_channels": 768, "n_heads": 2, "n_layers": 6,
        "kernel_size": 3, "resblock": "1", "resblock_kernel_sizes": [3, 7, 11],
        "resblock_dilation_sizes": [[1, 3, 5]] * 3, "upsample_rates": list(SO_VITS.rates),
        "upsample_initial_channel": 512, "upsample_kernel_sizes": list(SO_VITS.kernels), "gin_channels": 768,
        "ssl_dim": 768, "speech_encoder": "vec768l12",
    }  # fmt: skip
    config = {"data": {"sampling_rate": 44_100, "hop_length": 512}, "model": stated, "spk": {"nobody": 0}}
    (home / "config.json").write_text(json.dumps(config), encoding="utf-8")
    torch.save({"model": Hubert().state_dict()}, home / "contentvec.pt")
    for file in ("rvc.pth", "so-vits.pth", "contentvec.pt"):
        about = ["--name", Path(file).stem, "--licence", "random numbers", "--quiet"]
        ask = [sys.executable, "-m", "descant", "models", "import", str(home / file), *about]
        subprocess.run(ask, check=True, stdout=subprocess.DEVNULL)
    speaker = np.full(256, 1.0 / 16.0, np.float32)
    nobody = Voice(speaker, np.zeros((8, 384), np.float16), 57.0, 50.0, 64.0, is_sung=True)
    store, authority = VoiceStore.load(), Authority.load()
    for name in ("rvc", "so-vits"):
        digest = bind(name, "", "00" * 32, home / f"bound-{name}")
        stored = store.add(name, nobody, Origin("nobody", digest), decoder=home / f"bound-{name}")
        store.set_consent(name, give_consent(authority, stored.subject, Terms("synthetic", source="random numbers")))


if __name__ == "__main__":
    main()
