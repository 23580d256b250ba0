"""The command line: argument mapping and nothing else."""
