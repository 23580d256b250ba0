"""Melody and chords to a band."""
