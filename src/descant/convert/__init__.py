"""Convert: the melody, timing and words of one voice in the voice of another."""
