"""Put what `descant export` wrote into Descant's own card.

    descant export RUN -o exported --name mine --licence MIT --weights average
    python recipes/package.py --exported exported --card descant-instruments

copies the weights and their configuration to where the card's files ship, and writes their digests into the card.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from descant.hub.card import SHIPPED_CARDS, SHIPPED_WEIGHTS, load_card
from descant.hub.card_writer import set_digest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exported", type=Path, required=True)
    parser.add_argument("--card", required=True)
    asked = parser.parse_args()
    for file in load_card(asked.card).files:
        path = SHIPPED_WEIGHTS / asked.card / file.path
        shutil.copyfile(asked.exported / file.path, path)
        set_digest(SHIPPED_CARDS / f"{asked.card}.toml", path)


if __name__ == "__main__":
    main()
