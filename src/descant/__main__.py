"""`python -m descant`."""

from descant.cli.app import main

if __name__ == "__main__":
    main()
