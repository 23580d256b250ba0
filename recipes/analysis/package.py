"""Put a trained net into the package: half-precision weights, its config, and its card with their digests.

python recipes/analysis/package.py RUN --level level.safetensors --meter METER_RUN
"""

import argparse
import hashlib
import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from descant.analyze.level import FILE as LEVEL_FILE
from descant.analyze.meter import CONFIG as METER_CONFIG
from descant.analyze.meter import WEIGHTS as METER_WEIGHTS
from descant.hub.card import SHIPPED_CARDS, SHIPPED_WEIGHTS
from descant.hub.checkpoint import save_tensors

NAME = "descant-analysis"
ARGUMENTS = ("pulse_channels", "pulse_layers", "harmony_channels", "harmony_layers")
METER_ARGUMENTS = ("width", "layers", "heads")
CARD = """format = 1
name = "descant-analysis"
title = "Descant's listener"
task = "analyze"
summary = "Beats, downbeats and singing 50 times a second, chords, bass and key 10 times a second, of any music."
architecture = "analysis-net"
sample_rate = 22050
channels = 1

[licence]
weights = "Apache-2.0"
credit = "The Descant authors"

[[data]]
name = "POP909 (train split), arranged and rendered"
licence = "MIT; arrangements of commercial songs whose melodies belong to their owners"
credit = "Ziyu Wang et al.: POP909, ISMIR 2020"

[[data]]
name = "Groove MIDI Dataset (train split)"
licence = "CC-BY-4.0"
credit = "Jon Gillick, Adam Roberts, Jesse Engel, Douglas Eck, David Bamman: ICML 2019"

[[data]]
name = "Everything is Free (five of six songs, as stems)"
licence = "CC0-1.0"
credit = "Software-Entwicklungskit"

[[data]]
name = "UTAU voice bank Imagawa Yuki"
licence = "public-domain waiver (V3.2)"
credit = "kgs233"

[[data]]
name = "OpenEWLD (melodies, for the metres of voices)"
licence = "public domain scores"
credit = "Federico Simonetta and others"

[[data]]
name = "OpenScore Lieder (melodies, for the metres of voices)"
licence = "CC0-1.0"
credit = "OpenScore"

[[data]]
name = "FluidR3 GM (renders the songs)"
licence = "MIT"
credit = "Frank Wen and others"

[[source]]
kind = "package"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, nargs="?", help="of train.py; its net in the package is kept when left out")
    parser.add_argument("--level", type=Path, help="from level.py; the one in the package is kept when left out")
    parser.add_argument("--meter", type=Path, help="run of meter.py; the one in the package is kept when left out")
    args = parser.parse_args()
    folder = SHIPPED_WEIGHTS / NAME
    folder.mkdir(parents=True, exist_ok=True)
    if args.run is not None:
        put(args.run, "listening", ARGUMENTS, folder / "weights.safetensors", folder / "config.json")
    if args.meter is not None:
        put(args.meter, "meter", METER_ARGUMENTS, folder / METER_WEIGHTS, folder / METER_CONFIG)
    if args.level is not None:
        save_tensors(folder / LEVEL_FILE, load_file(args.level))
    card = CARD
    for name in ("config.json", LEVEL_FILE, METER_CONFIG, METER_WEIGHTS, "weights.safetensors"):
        data = (folder / name).read_bytes()
        card += f'\n[[file]]\npath = "{name}"\nsha256 = "{hashlib.sha256(data).hexdigest()}"\nsize = {len(data)}\n'
    (SHIPPED_CARDS / f"{NAME}.toml").write_text(card, encoding="utf-8")


def put(run: Path, table: str, arguments: tuple[str, ...], weights: Path, config: Path) -> None:
    """Half-precision weights of a run, and what makes the net that they fit."""
    tensors = load_file(run / "checkpoint" / "weights.safetensors")
    save_tensors(weights, {name: t.to(torch.float16) for name, t in tensors.items()})
    described = json.loads((run / "config.json").read_text(encoding="utf-8"))
    chosen = {"arguments": {name: described[table][name] for name in arguments}, "recipe": described}
    config.write_text(json.dumps(chosen, indent=1) + "\n", encoding="utf-8")
    print(f"{weights}: {sum(t.numel() for t in tensors.values()):,} parameters")


if __name__ == "__main__":
    main()
