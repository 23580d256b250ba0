"""Continuation: a song's own notes in, as many bars more as are asked for out."""
