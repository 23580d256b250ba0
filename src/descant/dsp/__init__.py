"""Pure functions on signals: spectra, chroma, pitch, onsets."""
