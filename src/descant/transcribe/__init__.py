"""Audio to a score, or to the words that are sung."""
