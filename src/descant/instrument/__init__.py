"""Score and instrument to audio."""
