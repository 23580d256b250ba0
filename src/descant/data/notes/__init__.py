"""Single notes in NSynth's form: made from sample sets and SoundFonts, read, and split."""
