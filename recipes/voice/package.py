"""Pack a run of the voice lesson into the folder of the card `descant-voice`.

    python recipes/voice/package.py --run RUN --out src/descant/hub/weights/descant-voice \
        --card src/descant/hub/cards/descant-voice.toml

writes the averaged weights in fp16 and config.json, and their digests into the card.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from descant.convert.content import LAYER
from descant.hub.card_writer import set_digest
from descant.hub.checkpoint import load_tensors, save_tensors
from descant.hub.files import sha256_of
from descant.train.checkpoint import CHECKPOINT, weights_file
from descant.train.voice import VoiceLessonConfig


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("run", "out", "card"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    described = json.loads((asked.run / "config.json").read_text(encoding="utf-8"))
    sizes = {name: described[described["lesson"]][name] for name in ("width", "blocks", "bottleneck")}
    config = VoiceLessonConfig(**sizes)
    weights = load_tensors(weights_file(asked.run / CHECKPOINT))
    save_tensors(asked.out / "weights.safetensors", {name: tensor.half() for name, tensor in weights.items()})
    text = json.dumps({"network": asdict(config.network()), "content": {"layer": LAYER}}, indent=1)
    (asked.out / "config.json").write_text(text + "\n", encoding="utf-8")
    for path in sorted(asked.out.iterdir()):
        print(f"{path.name} {path.stat().st_size} {sha256_of(path)}")
        set_digest(asked.card, path)


if __name__ == "__main__":
    main()
