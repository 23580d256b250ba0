"""A song to a new song: the graph of steps, what each of them does, and the page that judges the result."""
