"""The architectures that this Descant can load: a card that names another one is from a newer version or mistaken."""

from __future__ import annotations

ARCHITECTURES = {
    "spleeter-u-net": "one U-Net per stem on STFT magnitudes, soft masks",
    "u-net": "the same, of any width and spectrogram, as `descant train recipes/separation` makes it",
    "swift-f0": "SwiftF0's ONNX graph: 16 kHz audio to pitch and confidence",
    "basic-pitch": "Basic Pitch's ONNX graph: 22.05 kHz audio to notes, onsets and contours",
    "whisper": "Whisper in CTranslate2's format",
    "voice-decoder": "content, pitch, level and a speaker to a source-filter voice",
    "vits-voice": "a voice that RVC or so-vits-svc trained: content and pitch to sound",
    "hubert": "HuBERT's base net, also ContentVec: 16 kHz audio to content, for voices of other programs",
    "cam-plus-plus": "densely connected time-delay layers with masks from their context: a voice to 192 dimensions",
    "perth": "convolutions over the spectrum below 2 kHz that write a mark, and others at three paces that hear it",
    "ge2e": "three LSTM layers on 40 mel bands: windows of 1.6 s to points on the unit sphere",
    "timbre-net": "timbre to a short code and back, for blending sounds",
    "soundfont-2": "a SoundFont 2 sound set",
    "recording": "an audio file, no model",
    "font": "TrueType letters, no model",
    "analysis-net": "Descant's own beat, chord and activity network",
    "neural-instrument": "an instrument, a pitch, a velocity and the time to partials and noise, at 48 kHz in stereo",
    "phone-reader": "states of Whisper's encoder to the phone that sounds in each frame",
    "relative-transformer": "Descant's own decoder with relative attention",
}
"""Name on the card -> what it is."""
