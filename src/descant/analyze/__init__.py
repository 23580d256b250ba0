"""Audio to melody, beats, key, chords, sections, loudness, vocal activity."""
