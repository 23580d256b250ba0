"""Music as values: notes, time, harmony; MIDI, MusicXML, chord files; rendering with a SoundFont."""
