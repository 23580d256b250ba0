"""Stems to a mix that is true in loudness."""
