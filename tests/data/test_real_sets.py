"""Nottingham and the album of stems, proven on miniatures in the sets' own layout."""

from __future__ import annotations

import io
import json
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from descant.data.album import album_songs
from descant.data.nottingham import Nottingham
from descant.errors import InputNotFound, ScoreReadError
from descant.score.harmony import Chord, Key
from descant.score.tempo import TimeSignature


def _tune(meter: tuple[int, int], chords: list[tuple[int, ...]], *, key: str = "G") -> bytes:
    """A melody of quarters and one chord a bar, written with an independent library."""
    file = mido.MidiFile(ticks_per_beat=480)
    head = [
        mido.MetaMessage("time_signature", numerator=meter[0], denominator=meter[1]),
        mido.MetaMessage("key_signature", key=key),
    ]
    bar = 480 * 4 * meter[0] // meter[1]
    melody, harmony = mido.MidiTrack(), mido.MidiTrack()
    for chord in chords:
        for _ in range(bar // 480):
            melody.append(mido.Message("note_on", note=chord[0] + 12, velocity=80))
            melody.append(mido.Message("note_off", note=chord[0] + 12, time=480))
        harmony += [mido.Message("note_on", note=pitch, velocity=80) for pitch in chord]
        harmony += [mido.Message("note_off", note=p, time=0 if i else bar) for i, p in enumerate(chord)]
    file.tracks += [mido.MidiTrack(head), melody, harmony]
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


G, D7, C_OVER_E = (55, 59, 62), (50, 54, 57, 60), (52, 55, 60)


def test_nottingham_names_chords_joins_equal_ones_and_confirms_the_key(tmp_path: Path) -> None:
    folder = tmp_path / "nottingham" / "MIDI"
    folder.mkdir(parents=True)
    (folder / "reel.mid").write_bytes(_tune((4, 4), [G, G, C_OVER_E, D7, G]))
    (folder / "modal.mid").write_bytes(_tune((4, 4), [G, D7]))
    (folder / "jig.mid").write_bytes(_tune((6, 8), [G, G]))
    data = Nottingham(tmp_path / "nottingham")
    assert list(data.tunes()) == ["jig", "modal", "reel"]
    reel = data.load("reel")
    assert [(c.start, c.end, c.chord) for c in reel.chords] == [
        (0, 8, Chord(7)),
        (8, 12, Chord(0)),
        (12, 16, Chord(2, "7")),
        (16, 20, Chord(7)),
    ]
    assert reel.key == Key(7, "major")
    assert reel.time_signatures == (TimeSignature(0.0, 4, 4),)
    assert [(n.start, n.pitch) for n in reel.tracks[0].notes][:2] == [(0, 67), (1, 67)]
    assert data.load("modal").key is None  # ends on the dominant: the signature is not confirmed
    with pytest.raises(ScoreReadError, match="not a quarter"):
        data.load("jig")
    with pytest.raises(InputNotFound, match="no tune"):
        data.load("waltz")
    with pytest.raises(InputNotFound, match="no Nottingham"):
        Nottingham(folder)


def test_album_songs_carry_their_facts_and_stems(tmp_path: Path) -> None:
    for title, key in (("B side", "A minor"), ("A side", "C Major")):
        folder = tmp_path / title
        folder.mkdir()
        (folder / "song.json").write_text(json.dumps({"title": title, "bpm": 120, "key": key}))
        tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
        soundfile.write(folder / "bass.opus", np.stack([tone, tone], 1), 48_000, format="OGG", subtype="OPUS")
    songs = album_songs(tmp_path)
    assert [(s.title, s.bpm, s.key) for s in songs] == [
        ("A side", 120.0, Key(0, "major")),
        ("B side", 120.0, Key(9, "minor")),
    ]
    bass = songs[0].stem("bass", 22_050)
    assert bass.shape == (22_050,)
    spectrum = np.abs(np.fft.rfft(bass))
    assert spectrum.argmax() == 440  # one second: a bin a hertz
    with pytest.raises(InputNotFound, match="no album"):
        album_songs(tmp_path / "A side")
