"""Instruments as files that samplers and synthesizers load: WAV sets, SFZ, wavetables."""
