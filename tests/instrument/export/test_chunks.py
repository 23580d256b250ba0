"""The chunks `smpl`, `inst` and `clm `, byte for byte."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from descant.instrument.export.chunks import Zone, clm_chunk, inst_chunk, smpl_chunk

ZONE = Zone(60, 0.0, (59, 61), (41, 80))


def test_clm_is_what_serum_reads() -> None:
    assert clm_chunk().to_bytes() == (
        bytes.fromhex("636c6d20 30000000")
        + bytes.fromhex("3c213e32303438203130303030303030 20776176657461626c65")
        + b" (www.xferrecords.com)"
    )
    assert len(clm_chunk().body) == 48


def test_smpl_with_a_loop() -> None:
    assert smpl_chunk(ZONE, 48_000, (1000, 5000)).to_bytes() == bytes.fromhex(
        "736d706c 3c000000"  # smpl, 60 bytes
        "00000000 00000000 61510000"  # no maker, no product, 20,833 ns
        "3c000000 00000000"  # key 60, nothing above it
        "00000000 00000000 01000000 00000000"  # one loop
        "00000000 00000000 e8030000 87130000 00000000 00000000"  # forwards, frames 1,000 to 4,999, for ever
    )


def test_smpl_without_a_loop() -> None:
    body = smpl_chunk(ZONE, 44_100, None).body
    assert struct.unpack("<IIIIIIIII", body) == (0, 0, 22_676, 60, 0, 0, 0, 0, 0)


@given(st.integers(1, 126), st.floats(-50, 50))
def test_the_fraction_counts_upwards(root: int, cents: float) -> None:
    note, fraction = struct.unpack_from("<II", smpl_chunk(Zone(root, cents, (0, 127), (1, 127)), 48_000, None).body, 12)
    assert abs(note + fraction / 2**32 - (root + cents / 100)) < 1e-6
    assert note == (root if cents >= 0 else root - 1) or abs(cents) < 1e-6


def test_what_lies_outside_the_keyboard_is_held_inside() -> None:
    for root, cents in ((0, -30.0), (127, 60.0)):
        body = smpl_chunk(Zone(root, cents, (0, 127), (1, 127)), 48_000, None).body
        assert struct.unpack_from("<I", body, 12)[0] in (0, 127)


def test_inst() -> None:
    assert inst_chunk(ZONE).to_bytes() == bytes.fromhex("696e7374 07000000 3c 00 00 3b 3d 29 50 00")
    sharp = inst_chunk(Zone(60, 12.4, (0, 127), (1, 127))).body
    assert struct.unpack("<BbbBBBB", sharp) == (60, -12, 0, 0, 127, 1, 127)  # played 12 cents lower
