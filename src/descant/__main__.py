"""`descant`, `python -m descant`: the way in, which hears Ctrl-C while the command line is still being loaded."""

import signal
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Entry point of the console script."""
    try:
        from descant.cli.app import main as start
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    start()


if __name__ == "__main__":
    main()
