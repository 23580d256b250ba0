"""Where weights and assets come from: cards, sources, the cache."""
