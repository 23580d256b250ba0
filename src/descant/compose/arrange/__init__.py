"""The arranger: bass, drums, pad and the voicing of the piano part, as readable rules over learned patterns."""
