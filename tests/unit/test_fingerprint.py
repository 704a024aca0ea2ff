"""What a picture is recognised by: known answers, other people's implementations, and what changed copies keep."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import iscc_core
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from provenance.attribution.flat_codes import WORTH_THREADS, FlatCodes
from provenance.fingerprint import (
    LEAST_QUALITY,
    PLAIN_BELOW,
    SHIFTED_WITHIN,
    SURE_WITHIN,
    Look,
    apart,
    distance,
    fingerprint_of,
    iscc_distance,
    iscc_stated,
    nearest,
)
from provenance.pdq import pdq_code

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "fingerprints.json").read_text())["pictures"]


def by_formula(*, width: int, height: int, variant: int, border: int) -> Any:
    """Return the picture of a vector, in whole numbers alone."""
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    red = (x * x * (variant + 1) // 7 + y * 3) // 4 % 256
    green = (x * (2 * variant + 1) + y * y // (variant + 2)) // 3 % 256
    blue = ((x // (8 + variant)) * 37 + (y // (5 + variant)) * 61) % 256
    pixels = np.stack([red, green, blue], axis=2).astype(np.uint8)
    if border:
        pixels[:border] = pixels[-border:] = pixels[:, :border] = pixels[:, -border:] = (250, 248, 246)
    return pixels


def a_scene(seed: int = 1, *, side: int = 256) -> Any:
    """Return a picture of soft patches with hard edges in it, the same for the same seed."""
    rng = np.random.default_rng(seed)
    patches = Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8))
    scene = np.array(patches.resize((side, side), Image.Resampling.BICUBIC))
    for _ in range(6):
        left, top = rng.integers(0, side * 3 // 4, 2)
        scene[top : top + side // 7, left : left + side // 5] = rng.integers(0, 256, 3)
    return scene


@pytest.mark.parametrize("vector", VECTORS, ids=lambda one: f"{one['width']}x{one['height']}")
def test_known_pictures_have_the_known_codes(vector: dict[str, Any]) -> None:
    names = ("width", "height", "variant", "border")
    found = fingerprint_of(by_formula(**{name: vector[name] for name in names}))
    assert found.iscc == vector["iscc"]
    assert [code.hex() for code in found.pdq] == vector["pdq"]
    assert found.quality == vector["quality"]


@given(st.integers(0, 2**32 - 1), st.integers(2, 70), st.integers(2, 70), st.sampled_from([2, 3, 40]))
@settings(max_examples=40, deadline=None)
def test_the_image_code_of_a_picture_without_borders_is_the_reference_implementation_s(
    seed: int, width: int, height: int, coarse: int
) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (coarse, coarse, 3), dtype=np.uint8)
    pixels = np.array(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))
    pixels[0, 0], pixels[0, -1], pixels[-1, 0], pixels[-1, -1] = 0, 255, 255, 255  # so that no edge is plain
    picture = Image.fromarray(pixels)
    grey = np.asarray(picture.convert("L").resize((32, 32), Image.Resampling.BICUBIC)).ravel().tolist()
    look = Look(pixels)
    assert look.iscc == iscc_core.gen_image_code_v0(grey)["iscc"]
    assert look.iscc_unit == iscc_core.encode_seq([iscc_core.gen_image_code_v0(grey, bits=256)["iscc"]])


def test_what_others_state_as_a_soft_binding_names_the_same_image_code() -> None:
    found = fingerprint_of(a_scene(1))
    image = iscc_core.decode_seq(found.iscc_unit)
    title = iscc_core.gen_meta_code_v0("Wave", bits=256)["iscc"]
    data = iscc_core.gen_data_code_v0(io.BytesIO(b"x"), bits=256)["iscc"]
    for value in (
        found.iscc_unit,
        found.iscc.encode(),
        iscc_core.encode_seq([title, *image]),
        iscc_core.encode_seq([*image, data]),
    ):
        assert iscc_stated(value) == found.iscc
    unit_as_text = b"ISCC:" + base64.b32encode(found.iscc_unit).rstrip(b"=")
    assert iscc_stated(unit_as_text) == iscc_stated(found.iscc.encode()) == found.iscc
    assert iscc_stated(b"ISCC:\xff") == iscc_stated(b"ISCC:1") == ""
    text = iscc_core.encode_seq([iscc_core.gen_text_code_v0("Wave", bits=256)["iscc"]])
    assert [iscc_stated(none) for none in (b"", b"!", text, b"\x21\x00abcd", found.iscc_unit[:5])] == [""] * 5


def test_a_plain_border_leaves_the_image_code_as_it_is() -> None:
    inner = Image.fromarray(by_formula(width=90, height=90, variant=3, border=0))
    framed = Image.new("RGB", (130, 120), (250, 250, 250))
    framed.paste(inner, (20, 15))
    assert Look(np.asarray(framed)).iscc_unit == Look(np.asarray(inner)).iscc_unit


def test_the_whole_comes_first_and_nine_windows_follow_by_rows() -> None:
    pixels = a_scene(side=200)
    found = fingerprint_of(pixels)
    assert len(found.pdq) == 10 and {len(code) for code in found.pdq} == {32}
    assert found.pdq[0] == pdq_code(pixels)[0]
    assert found.pdq[1] == pdq_code(pixels[:180, :180])[0]
    assert found.pdq[5] == pdq_code(pixels[10:190, 10:190])[0]
    assert found.pdq[9] == pdq_code(pixels[20:, 20:])[0]


def test_a_larger_picture_must_be_scaled_before_it_is_coded() -> None:
    with pytest.raises(ValueError, match="scale the picture"):
        pdq_code(a_scene(side=257))


@pytest.mark.parametrize("pixels", [np.full((64, 64, 3), 200, np.uint8), np.zeros((1, 1, 3), np.uint8)])
def test_a_picture_without_detail_has_no_codes(pixels: Any) -> None:
    found = fingerprint_of(pixels)
    assert found.pdq == () and found.quality < LEAST_QUALITY
    assert Look(pixels).shifted == ()


def test_a_plain_picture_has_codes_and_says_that_it_is_plain() -> None:
    pixels = np.full((128, 128, 3), 250, np.uint8)
    pixels[50:80, 40:80] = (200, 60, 40)
    found = fingerprint_of(pixels)
    assert LEAST_QUALITY <= found.quality < PLAIN_BELOW and len(found.pdq) == 10 and found.is_plain
    assert not fingerprint_of(a_scene()).is_plain


@pytest.mark.parametrize("cut", [(0.25, 0.25), (0.3, 0.8), (0.75, 0.2)])
def test_a_crop_between_two_windows_comes_near_one_when_it_is_moved(cut: tuple[float, float]) -> None:
    for seed in range(5):
        pixels = a_scene(seed)
        top, left = (round(26 * part) for part in cut)
        copy = Look(np.ascontiguousarray(pixels[top : top + 230, left : left + 230]))
        original = fingerprint_of(pixels)
        still, moved = apart(copy.pdq, original.pdq), apart(copy.pdq, original.pdq, shifted=copy.shifted)
        assert moved[0] <= SHIFTED_WITHIN and moved[0] < still[0] and moved[1] > 0


def test_moved_codes_count_for_nothing_where_they_stay_far() -> None:
    copy, original = Look(a_scene(1)), fingerprint_of(a_scene(2))
    assert apart(copy.pdq, original.pdq, shifted=copy.shifted) == apart(copy.pdq, original.pdq)


def test_many_codes_are_compared_side_by_side_to_the_same_answer() -> None:
    count = WORTH_THREADS + 3
    held = np.random.default_rng(4).bytes(320 * count)
    flat = FlatCodes()
    flat.add(range(count), held)
    wanted = [bytearray(held[320 * row + 32 * place :][:32]) for row, place in ((5, 0), (count - 1, 7))]
    for code in wanted:
        code[3] ^= 0b1011  # three bits apart
    asked = [(0, bytes(wanted[0])), (7, bytes(wanted[1])), (3, bytes(wanted[1]))]
    assert flat.rows_near(asked, within=3) == {5, count - 1}
    assert flat.rows_near(asked, within=2) == set()


def test_a_crop_of_ten_percent_is_near_one_of_the_windows_and_far_from_the_whole() -> None:
    for seed in range(5):
        pixels = a_scene(seed)
        copy = fingerprint_of(np.ascontiguousarray(pixels[13:243, 13:243]))
        apart, window = nearest(copy.pdq[0], fingerprint_of(pixels).pdq)
        assert window == 5 and apart <= SURE_WITHIN < distance(copy.pdq[0], fingerprint_of(pixels).pdq[0])


def test_a_covered_edge_leaves_a_window_as_it_was() -> None:
    pixels = a_scene()
    covered = pixels.copy()
    covered[232:] = 0
    copy, original = fingerprint_of(covered), fingerprint_of(pixels)
    assert distance(copy.pdq[0], original.pdq[0]) > 0
    assert apart(copy.pdq, original.pdq) == (0, 1)


def test_image_codes_that_are_missing_or_featureless_are_near_to_nothing() -> None:
    code, other = (fingerprint_of(a_scene(seed)).iscc for seed in (1, 2))
    assert iscc_distance(code, code) == 0 < iscc_distance(code, other) < 64
    for useless in ("", "ISCC:EEAYAAAAAAAAAAAA", "ISCC:not base 32"):
        assert iscc_distance(useless, useless) == iscc_distance(code, useless) == 64


def test_a_copy_encoded_again_at_half_the_size_is_near_the_whole() -> None:
    for seed in range(5):
        pixels = a_scene(seed, side=512)
        buffer = io.BytesIO()
        Image.fromarray(pixels).resize((256, 256)).save(buffer, "JPEG", quality=50)
        copy = fingerprint_of(np.asarray(Image.open(buffer)))
        assert distance(copy.pdq[0], fingerprint_of(pixels).pdq[0]) <= SURE_WITHIN


def nine_of(code: bytes) -> list[bytes]:
    return [code] * 9


codes = st.binary(min_size=32, max_size=32)


@given(st.lists(st.lists(codes, min_size=10, max_size=10), max_size=12), codes, st.integers(0, 255), st.data())
@settings(max_examples=60, deadline=None)
def test_the_flat_codes_find_what_looking_at_each_finds(
    pictures: list[list[bytes]], wanted: bytes, within: int, data: st.DataObject
) -> None:
    if pictures and data.draw(st.booleans()):  # random codes lie near 128 bits apart: plant some that are nearer
        near = bytearray(wanted)
        for bit in data.draw(st.sets(st.integers(0, 255), max_size=70)):
            near[bit // 8] ^= 1 << bit % 8
        pictures[0][data.draw(st.integers(0, 9))] = bytes(near)
    flat = FlatCodes()
    cut = data.draw(st.integers(0, len(pictures)))
    for rows in (range(cut), range(cut, len(pictures))):
        flat.add(list(rows), b"".join(code for row in rows for code in pictures[row]))
    assert len(flat) == len(pictures)
    looked_at = {row for row, ten in enumerate(pictures) if min(distance(wanted, code) for code in ten) <= within}
    assert flat.near(wanted, within=within) == looked_at
    in_place = {row for row in range(len(pictures)) if min(map(distance, nine_of(wanted), pictures[row][1:])) <= within}
    assert flat.rows_near([(place, wanted) for place in range(1, 10)], within=within) == in_place
    wholes = {row for row, ten in enumerate(pictures) if distance(wanted, ten[0]) <= within}
    assert flat.rows_near([(0, wanted)], within=within) == wholes
