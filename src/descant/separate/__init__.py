"""Song to stems that sum to the song."""
