"""What a marked picture says of itself: its digests are those of the file that everybody gets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.canonical import pixel_digest
from provenance.credentials.label import VisibleLabel
from provenance.credentials.marking import ENCODINGS, mark
from provenance.fingerprint import fingerprint_of
from provenance.picture import decode_picture


def pixels_of(seed: int, *, width: int, height: int, coarse: int = 1) -> Any:
    noise = np.random.default_rng(seed).integers(0, 256, (-(-height // coarse), -(-width // coarse), 3), dtype=np.uint8)
    return np.ascontiguousarray(np.kron(noise, np.ones((coarse, coarse, 1), np.uint8))[:height, :width])


@given(st.integers(0, 2**32 - 1), st.integers(1, 70), st.integers(1, 70), st.sampled_from([1, 2, 9, 70]))
@settings(max_examples=60, deadline=None)
def test_a_png_gives_back_the_pixels_that_it_was_given(seed: int, width: int, height: int, coarse: int) -> None:
    pixels = pixels_of(seed, width=width, height=height, coarse=coarse)
    marked = mark(pixels, media_type="image/png", packet=b"<x/>")
    given_back = decode_picture(marked.data).pixels
    assert np.array_equal(given_back, pixels)
    assert marked.delivered_pixels == marked.raw_pixels == pixel_digest(given_back)


@pytest.mark.parametrize("media_type", ENCODINGS)
@pytest.mark.parametrize("changed", ["not at all", "labelled", "watermarked", "both"])
def test_the_delivered_digest_and_fingerprint_are_those_of_the_file(media_type: str, changed: str) -> None:
    pixels = pixels_of(4, width=160, height=130, coarse=13)
    label = VisibleLabel() if changed in {"labelled", "both"} else None
    watermarked = (
        np.clip(pixels.astype(int) + 3, 0, 255).astype(np.uint8) if changed in {"watermarked", "both"} else None
    )
    marked = mark(pixels, media_type=media_type, label=label, watermarked=watermarked)
    shown = decode_picture(marked.data).pixels
    assert marked.delivered_pixels == pixel_digest(shown)
    assert marked.delivered_fingerprint == fingerprint_of(shown)
    assert (marked.raw_pixels, marked.raw_fingerprint) == (pixel_digest(pixels), fingerprint_of(pixels))
    is_unchanged = media_type == "image/png" and changed == "not at all"
    assert (marked.delivered_pixels == marked.raw_pixels) == is_unchanged
