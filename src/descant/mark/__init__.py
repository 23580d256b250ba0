"""Mark: whether a recording carries our mark, which one, and what its file says about where it comes from."""
