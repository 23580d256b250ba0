"""What `--rooms` takes for a room's impulse response: of folders of responses all, of any other recordings none.

    python benchmarks/rooms.py --rooms DATA/rooms \
        --others DATA/speech DATA/singing DATA/album

Prints for each folder how many files were taken and why the others were refused (a fixed sample of each folder).
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from pathlib import Path

from descant.data.rooms import read_response, room_files
from descant.errors import InvalidAudio

REASONS = ("lasts", "loudest", "decay", "louder again", "silent")


def judged(folder: Path, most: int) -> Counter[str]:
    """Of a sample of a folder: how many were taken, and how many refused for each reason."""
    files = room_files(folder)
    found: Counter[str] = Counter()
    for path in random.Random(1).sample(files, min(most, len(files))):
        try:
            read_response(path)
            found["taken"] += 1
        except InvalidAudio as error:
            found[next((reason for reason in REASONS if reason in error.message), "other")] += 1
    return found


def main() -> None:
    """Judge and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", type=Path, nargs="+", default=[])
    parser.add_argument("--others", type=Path, nargs="+", default=[])
    parser.add_argument("--most", type=int, default=200, help="files a folder")
    given = parser.parse_args()
    for kind, folders in (("room", given.rooms), ("other", given.others)):
        for folder in folders:
            print(f"{kind:6} {folder}: {dict(judged(folder, given.most))}")


if __name__ == "__main__":
    main()
