"""A SoundFont built from nothing: a looped sine, a decaying click for drums, two hi-hats of one exclusive class."""

from __future__ import annotations

import struct

import numpy as np

RATE = 22_050
SINE_PERIOD = 50  # frames: 441 Hz at the root key


def _name(text: str) -> bytes:
    return text.encode()[:20].ljust(20, b"\0")


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def build_soundfont(
    *,
    presets: tuple[tuple[int, int, str, int], ...] = (
        (0, 0, "Sine", 0),
        (0, 33, "Sine Bass", 0),
        (0, 89, "Filtered", 3),
        (128, 0, "Kit", 1),
    ),
    extra_generators: tuple[tuple[int, int], ...] = (),
) -> bytes:
    """An .sf2 file. Instruments: 0 the sine, 1 the drum kit, 2 unused, 3 the sine behind a moving filter."""
    sine = np.sin(2 * np.pi * np.arange(SINE_PERIOD * 20) / SINE_PERIOD) * 0.5
    click = np.exp(-np.arange(4000) / 800.0) * np.sin(np.arange(4000) * 0.7) * 0.9
    pool = np.concatenate([sine, np.zeros(46), click, np.zeros(46)])
    smpl = (pool * 32767).astype("<i2").tobytes()
    click_at = len(sine) + 46
    shdr = b"".join(
        struct.pack("<20sIIIIIBbHH", _name(n), a, b, la, lb, RATE, key, 0, 0, 1)
        for n, a, b, la, lb, key in (
            ("sine", 0, len(sine), SINE_PERIOD * 4, SINE_PERIOD * 16, 69),
            ("click", click_at, click_at + 4000, click_at, click_at + 100, 60),
            ("EOS", 0, 0, 0, 0, 0),
        )
    )
    keys = [
        [[(34, -12000), (36, -12000), (38, -1200), *extra_generators, (54, 1), (53, 0)]],
        [
            [(43, 36 | 36 << 8), (58, 36), (38, -2400), (53, 1)],
            [(43, 42 | 42 << 8), (58, 42), (57, 1), (38, -2400), (53, 1)],
            [(43, 46 | 46 << 8), (58, 46), (57, 1), (54, 1), (38, -2400), (53, 0)],
        ],
        [[(54, 1), (53, 0)]],
        [[(8, 6000), (11, 4000), (28, 0), (29, 1000), (54, 1), (53, 0)]],
    ]
    igen, ibag, inst = b"", b"", b""
    generators = bags = 0
    for number, zones in enumerate(keys):
        inst += _name(f"instrument {number}") + struct.pack("<H", bags)
        for zone in zones:
            ibag += struct.pack("<HH", generators, 0)
            igen += b"".join(struct.pack("<Hh", g, a) for g, a in zone)
            generators += len(zone)
            bags += 1
    inst += _name("EOI") + struct.pack("<H", bags)
    ibag += struct.pack("<HH", generators, 0)
    igen += struct.pack("<Hh", 0, 0)
    phdr, pbag, pgen = b"", b"", b""
    for number, (bank, program, name, instrument) in enumerate(presets):
        phdr += _name(name) + struct.pack("<HHHIII", program, bank, number, 0, 0, 0)
        pbag += struct.pack("<HH", number, 0)
        pgen += struct.pack("<Hh", 41, instrument)
    phdr += _name("EOP") + struct.pack("<HHHIII", 0, 0, len(presets), 0, 0, 0)
    pbag += struct.pack("<HH", len(presets), 0)
    pgen += struct.pack("<Hh", 0, 0)
    modulators = struct.pack("<HHhHH", 0, 0, 0, 0, 0)
    info = b"INFO" + _chunk(b"ifil", struct.pack("<HH", 2, 4)) + _chunk(b"INAM", b"tiny\0\0")
    pdta = b"pdta" + b"".join(
        _chunk(n, d)
        for n, d in (
            (b"phdr", phdr), (b"pbag", pbag), (b"pmod", modulators), (b"pgen", pgen), (b"inst", inst),
            (b"ibag", ibag), (b"imod", modulators), (b"igen", igen), (b"shdr", shdr),
        )
    )  # fmt: skip
    body = b"sfbk" + _chunk(b"LIST", info) + _chunk(b"LIST", b"sdta" + _chunk(b"smpl", smpl)) + _chunk(b"LIST", pdta)
    return _chunk(b"RIFF", body)
