"""Pack a run of the voice lesson into the folder of the card `descant-voice`.

    python recipes/voice/package.py --run RUN --out src/descant/hub/weights/descant-voice \
        --card src/descant/hub/cards/descant-voice.toml

writes the averaged weights in fp16 and config.json, and their digests into the card.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from dataclasses import asdict
from pathlib import Path

from descant.convert.content import LAYER
from descant.hub.checkpoint import load_tensors, save_tensors
from descant.train.checkpoint import CHECKPOINT, weights_file
from descant.train.voice import VoiceLessonConfig


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("run", "out", "card"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    described = json.loads((asked.run / "config.json").read_text(encoding="utf-8"))
    config = VoiceLessonConfig(**described["voice"])
    weights = load_tensors(weights_file(asked.run / CHECKPOINT))
    save_tensors(asked.out / "weights.safetensors", {name: tensor.half() for name, tensor in weights.items()})
    text = json.dumps({"network": asdict(config.network()), "content": {"layer": LAYER}}, indent=1)
    (asked.out / "config.json").write_text(text + "\n", encoding="utf-8")
    for path in sorted(asked.out.iterdir()):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        print(f"{path.name} {path.stat().st_size} {digest}")
        write_digest(asked.card, path.name, digest, path.stat().st_size)


def write_digest(card: Path, name: str, digest: str, size: int) -> None:
    text = card.read_text(encoding="utf-8")
    pattern = rf'(\[\[file\]\]\npath = "{re.escape(name)}"\n)sha256 = "\w*"\nsize = \d+'
    found, count = re.subn(pattern, rf'\g<1>sha256 = "{digest}"\nsize = {size}', text)
    if count != 1:
        raise SystemExit(f"{card} has no file {name}")
    card.write_text(found, encoding="utf-8")


if __name__ == "__main__":
    main()
