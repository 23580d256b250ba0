"""Network architectures, and nothing but architectures."""
