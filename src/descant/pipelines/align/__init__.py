"""`align` for files: separation, evidence that is kept, corrections by hand, timed files."""
