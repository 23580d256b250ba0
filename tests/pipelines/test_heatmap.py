"""Pictures that are written here, read by another program's decoder."""

from __future__ import annotations

import io
from xml.etree import ElementTree as ET

import matplotlib.image
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.pipelines.heatmap import GLOW, TWO_SIDED, coloured, document, image, minutes, png_of, text, ticks


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 9))
def test_pixels_come_back_from_the_png(rows: int, columns: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (rows, columns, 3), dtype=np.uint8)
    decoded = matplotlib.image.imread(io.BytesIO(png_of(pixels)), format="png")
    np.testing.assert_array_equal(np.round(decoded[..., :3] * 255).astype(np.uint8), pixels)


def test_colours_run_from_the_first_to_the_last_and_stop_there() -> None:
    found = coloured(np.array([-9.0, -1.0, 0.0, 1.0, 9.0]), -1.0, 1.0, TWO_SIDED)
    assert ["#" + bytes(one).hex() for one in found] == ["#2166ac", "#2166ac", "#f7f7f7", "#b2182b", "#b2182b"]
    brightness = coloured(np.linspace(0, 1, 50), 0.0, 1.0, GLOW).astype(int).sum(axis=1)
    assert (np.diff(brightness) >= 0).all()


def test_a_document_is_well_formed_whatever_a_title_says() -> None:
    body = image(np.zeros((2, 2, 3), np.uint8), 0, 0, 9, 9) + text("<&> ü", 1, 2, turned=True)
    root = ET.fromstring(document(body, 10, 10, '"<script>"'))
    assert [child.tag.split("}")[1] for child in root] == ["title", "rect", "image", "text"]


@pytest.mark.parametrize(("longest", "last"), [(0.4, 0.4), (10.9, 10), (180.0, 180), (601.0, 600)])
def test_ticks_are_round_and_few(longest: float, last: float) -> None:
    found = ticks(longest)
    assert found[-1] == pytest.approx(last)
    assert 2 <= len(found) <= 7
    assert minutes(65.0) == "1:05"
