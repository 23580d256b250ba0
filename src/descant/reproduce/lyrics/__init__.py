"""Two published systems that time lyrics, measured on the same held-out songs: see `claims_list`."""
