"""Words on a recording: where each word, syllable and note of known lyrics is sung."""
