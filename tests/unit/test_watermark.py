"""The watermark: 64 bits that survive what copies go through, seen by nobody, and read in no unmarked picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from provenance.credentials.watermark.contract import NoWatermark, Watermark, binding_value, watermark_at
from provenance.credentials.watermark.spread import SEEN_SIDE, SpreadWatermark
from tests.bench.marks import CHANGES, psnr, ssim, varied

ID = bytes.fromhex("0123456789abcdef")
LAID_AT_MOST = 104
"""Times that a whole read lays a picture on a grid: on each of two once in place, at 24 scales, at 27 places near."""


@pytest.fixture(scope="module")
def watermark() -> Watermark:
    """Return the watermark of our own."""
    return SpreadWatermark()


@pytest.fixture(scope="module")
def pictures() -> list[Any]:
    """Return four drawn pictures of 320 pixels."""
    return [varied(number, 320) for number in range(4)]


@pytest.fixture(scope="module")
def marked(watermark: Watermark, pictures: list[Any]) -> list[Any]:
    """Return the same pictures with an id in them."""
    return [watermark.embed(picture, id=ID) for picture in pictures]


SURVIVED = (
    "unchanged", "JPEG q90", "JPEG q75", "resize 0.5", "resize 2", "crop 10 %, corner", "brightness -30 %", "label box",
)  # fmt: skip


@pytest.mark.parametrize("change", SURVIVED)
def test_the_id_is_read_after_what_copies_go_through(watermark: Watermark, marked: list[Any], change: str) -> None:
    for picture in marked:
        found = watermark.read(CHANGES[change](picture))
        assert found is not None and found.id == ID, change


def test_a_marked_picture_looks_the_same(pictures: list[Any], marked: list[Any]) -> None:
    for before, after in zip(pictures, marked, strict=True):
        assert psnr(before, after) > 36
        assert ssim(before, after) > 0.95


@pytest.mark.parametrize("id", [bytes(8), b"\xff" * 8, b"\x80" + bytes(7), bytes(range(8))])
def test_every_id_is_read_as_it_was_written(watermark: Watermark, pictures: list[Any], id: bytes) -> None:
    found = watermark.read(watermark.embed(pictures[0], id=id))
    assert found is not None and (found.id, found.hex) == (id, id.hex())


def test_a_wide_picture_carries_it_as_well(watermark: Watermark, pictures: list[Any]) -> None:
    wide = np.hstack(pictures[:2])[:280]
    found = watermark.read(watermark.embed(wide, id=ID))
    assert found is not None and found.id == ID


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_flat_picture_carries_it_and_says_nothing_without_it(watermark: Watermark, level: int) -> None:
    flat = np.full((256, 256, 3), level, np.uint8)
    assert watermark.read(flat) is None
    found = watermark.read(watermark.embed(flat, id=ID))
    assert found is not None and found.id == ID


def test_nothing_is_read_in_pictures_that_carry_nothing(watermark: Watermark) -> None:
    assert [watermark.read(varied(number, 200)) for number in range(100, 106)] == [None] * 6


@pytest.mark.parametrize("shape", [(6000, 6000), (128, 300_000), (300_000, 128), (1023, 39_000)])
@pytest.mark.parametrize("is_thorough", [False, True])
def test_a_search_handles_no_more_pixels_however_large_or_narrow_the_picture(
    watermark: Watermark, monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int], is_thorough: bool
) -> None:
    handled: list[int] = []
    resize = Image.Image.resize

    def counted(image: Image.Image, *given: Any, **named: Any) -> Image.Image:
        made = resize(image, *given, **named)
        handled.append(max(image.width * image.height, made.width * made.height))
        return made

    monkeypatch.setattr(Image.Image, "resize", counted)
    assert watermark.read(np.full((*shape, 3), 200, np.uint8), thorough=is_thorough) is None
    assert 0 < max(handled) < (2 * SEEN_SIDE) ** 2
    assert len(handled) <= LAID_AT_MOST


def test_a_large_picture_s_crop_is_laid_back_as_well(watermark: Watermark) -> None:
    large = np.asarray(Image.fromarray(varied(2, 320)).resize((1301, 1750), Image.Resampling.BICUBIC))
    for change in ("unchanged", "JPEG q75", "crop 10 %, corner"):
        found = watermark.read(CHANGES[change](watermark.embed(large, id=ID)))
        assert found is not None and found.id == ID, change


def test_a_picture_too_small_to_hold_it_is_not_looked_at(watermark: Watermark) -> None:
    assert watermark.read(varied(1, 40)) is None


def test_the_operator_names_which_one_marks_and_one_that_marks_nothing() -> None:
    assert isinstance(watermark_at("provenance.credentials.watermark.spread.SpreadWatermark"), SpreadWatermark)
    none = watermark_at("provenance.credentials.watermark.contract.NoWatermark")
    picture = varied(1, 64)
    assert isinstance(none, NoWatermark) and none.embed(picture, id=ID) is picture and none.read(picture) is None


def test_a_soft_binding_states_the_eight_bytes_in_base64() -> None:
    assert binding_value(ID) == "ASNFZ4mrze8="
