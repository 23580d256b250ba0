"""Pack a run of the timbre lesson into the folder of the card `descant-timbre`.

    python recipes/timbre/package.py --run RUN --out src/descant/hub/weights/descant-timbre \
        --card src/descant/hub/cards/descant-timbre.toml

writes the averaged weights in fp16 and config.json, and their digests into the card.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from descant.hub.card_writer import set_digest
from descant.hub.checkpoint import load_tensors, save_tensors
from descant.hub.files import sha256_of
from descant.train.checkpoint import CHECKPOINT, weights_file
from descant.train.timbre import TimbreLessonConfig


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("run", "out", "card"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    described = json.loads((asked.run / "config.json").read_text(encoding="utf-8"))
    sizes = {name: described[described["lesson"]][name] for name in ("embedding", "width", "blocks")}
    config = TimbreLessonConfig(**sizes)
    weights = load_tensors(weights_file(asked.run / CHECKPOINT))
    save_tensors(asked.out / "weights.safetensors", {name: tensor.half() for name, tensor in weights.items()})
    text = json.dumps({"network": asdict(config.network())}, indent=1)
    (asked.out / "config.json").write_text(text + "\n", encoding="utf-8")
    for path in sorted(asked.out.iterdir()):
        print(f"{path.name} {path.stat().st_size} {sha256_of(path)}")
        set_digest(asked.card, path)


if __name__ == "__main__":
    main()
