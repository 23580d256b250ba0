"""Karaoke: a song and its timed words to a backing track, a guide melody and a video with wiping syllables."""
