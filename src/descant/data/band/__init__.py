"""The synthetic band: multitrack songs rendered from scores, with labels that are true to the sample."""
