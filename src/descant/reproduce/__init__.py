"""Published claims, measured again: what a paper says, what was trained for it, and whether it held."""
