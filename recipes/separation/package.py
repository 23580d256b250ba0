"""Pack the best weights of a separation run into the folder of a card.

    python recipes/separation/package.py --run RUN --rank 32 --out src/descant/hub/weights/descant-lead \
        --card src/descant/hub/cards/descant-lead.toml

writes the kernels in fp16, the large ones as products of that rank (`descant.separate.factored`), the rest in fp32 (the
deepest norm's variances pass what fp16 can hold), and config.json, and their digests into the card.
`--call lead_dry=dry` gives a stem another name.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from descant.hub.card_writer import set_digest
from descant.hub.checkpoint import load_tensors, save_tensors
from descant.hub.files import sha256_of
from descant.separate.factored import factor
from descant.separate.weights import CONFIG
from descant.train.best import best_weights
from descant.train.checkpoint import read_json, weights_file
from descant.train.recipe import build
from descant.train.separation import SeparationLessonConfig


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("run", "out", "card"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--rank", type=int, required=True)
    parser.add_argument("--call", action="append", default=[], metavar="STEM=NAME")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    described = read_json(asked.run / "config.json")
    config = build(SeparationLessonConfig, described["separation"], asked.run / "config.json", "separation")
    path = weights_file(best_weights(asked.run))
    names = dict(call.split("=") for call in asked.call)
    weights = {}
    for stem in config.names:
        for name, tensor in factor(load_tensors(path, prefix=f"{stem}."), asked.rank).items():
            weights[f"{names.get(stem, stem)}.{name}"] = tensor.half() if tensor.ndim > 1 else tensor
    save_tensors(asked.out / "weights.safetensors", weights)
    text = json.dumps({"width": config.width, "separation": asdict(config.spectrum)}, indent=1)
    (asked.out / CONFIG).write_text(text + "\n", encoding="utf-8")
    for packed in sorted(asked.out.iterdir()):
        print(f"{packed.name} {packed.stat().st_size} {sha256_of(packed)}")
        set_digest(asked.card, packed)


if __name__ == "__main__":
    main()
