"""Audio as values: clips, files, rates, loudness, chunks, effects."""
