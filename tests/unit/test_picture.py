"""Strangers' pictures: read as plain upright RGB, or refused in a sentence before they cost anything."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from provenance.picture import NotAPicture, PictureError, PictureTooLarge, decode_picture
from tests.factories.pictures import PAGE, a_picture, a_png, a_png_bomb, a_zip, an_animated, an_svg, encoded, polyglots
from tests.services import REPOSITORY

KINDS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "AVIF": "image/avif"}


def with_exif(kind: str) -> bytes:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a note"
    return encoded(a_picture(), kind, exif=exif)


FILES = {kind: with_exif(kind) for kind in KINDS}


@pytest.mark.parametrize(("kind", "media_type"), KINDS.items())
def test_every_kind_is_read_by_its_content(kind: str, media_type: str) -> None:
    picture = decode_picture(encoded(a_picture(), kind))
    assert (picture.width, picture.height, picture.media_type) == (40, 24, media_type)
    assert picture.pixels.dtype == np.uint8 and picture.pixels.shape == (24, 40, 3)


def test_a_lossless_picture_keeps_every_pixel() -> None:
    assert np.array_equal(decode_picture(a_png()).pixels, np.asarray(a_picture()))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"hello",
        PAGE.encode(),
        PAGE.encode() + a_png(),
        a_zip() + a_png(),
        an_svg(),
        b"%PDF-1.7\n",
        b"GIF89a" + bytes(64),
        encoded(a_picture(), "GIF"),
        encoded(a_picture(), "BMP"),
        encoded(a_picture(), "TIFF"),
        bytes(1000),
    ],
    ids=["empty", "magic", "text", "html", "html+png", "zip+png", "svg", "pdf", "gifar", "gif", "bmp", "tiff", "zeros"],
)
def test_what_is_no_picture_of_a_known_kind_is_refused(data: bytes) -> None:
    with pytest.raises(NotAPicture, match="PNG, JPEG, WebP or AVIF"):
        decode_picture(data)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_truncated_picture_is_refused(kind: str, share: float) -> None:
    data = encoded(a_picture(), kind)
    with pytest.raises(NotAPicture):
        decode_picture(data[: int(len(data) * share)])


@pytest.mark.parametrize("name", polyglots())
def test_of_a_polyglot_only_the_picture_is_read(name: str) -> None:
    picture = decode_picture(polyglots()[name])
    assert picture.media_type == "image/png"
    assert np.array_equal(picture.pixels, np.asarray(a_picture()))


def test_a_huge_picture_in_a_small_file_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(a_png_bomb())
    assert bomb.stat().st_size <= 1_000_000
    # In 1.5 GB of address space: decoded, this picture takes at least 2.5 GB.
    code = (
        "import pathlib, resource, sys; resource.setrlimit(resource.RLIMIT_AS, (3 << 29, 3 << 29))\n"
        "from provenance.picture import PictureTooLarge, decode_picture\n"
        "data = pathlib.Path(sys.argv[1]).read_bytes()\n"
        "try: decode_picture(data)\n"
        "except PictureTooLarge as fault: print(fault.code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, bomb], cwd=REPOSITORY, text=True, capture_output=True, check=False
    )
    assert done.stdout.split() == ["picture-too-large"], done.stderr


def test_more_pixels_than_are_decoded_are_refused_in_both_languages() -> None:
    with pytest.raises(PictureTooLarge) as caught:
        decode_picture(encoded(Image.new("1", (8_001, 5_000))))
    assert "8001 × 5000" in caught.value.said("en") and "8001 × 5000" in caught.value.said("zh-Hans")


def test_a_file_over_twenty_megabytes_is_refused() -> None:
    with pytest.raises(PictureTooLarge, match="20 MB"):
        decode_picture(a_png() + bytes(20 * 2**20))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_a_moving_picture_the_first_frame_is_read(kind: str) -> None:
    pixels = decode_picture(an_animated(kind)).pixels
    assert pixels.shape == (16, 16, 3) and (pixels == [255, 0, 0]).all()


def test_a_cmyk_jpeg_becomes_rgb() -> None:
    data = encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95)
    red, green, blue = decode_picture(data).pixels[8, 8]
    assert red > 200 and green < 80 and blue < 80


def test_sixteen_bits_of_grey_become_eight_without_turning_white() -> None:
    ramp = np.linspace(0, 65_535, 256).astype(np.uint16)
    data = encoded(Image.fromarray(np.tile(ramp, (8, 1))))
    pixels = decode_picture(data).pixels
    assert np.abs(pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1
    assert (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 0] == pixels[..., 2]).all()


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_is_transparent_lies_on_white(kind: str) -> None:
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    image.putpixel((0, 0), (0, 0, 255, 255))
    pixels = decode_picture(encoded(image, kind, lossless=True, exact=True)).pixels
    assert tuple(pixels[0, 0]) == (0, 0, 255) and tuple(pixels[4, 4]) == (255, 255, 255)


def test_a_transparent_palette_colour_lies_on_white_as_well() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((0, 0), 0)
    pixels = decode_picture(encoded(image, transparency=1)).pixels
    assert tuple(pixels[0, 0]) == (255, 0, 0) and tuple(pixels[2, 2]) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_of_png_becomes_rgb(mode: str) -> None:
    assert decode_picture(encoded(Image.new(mode, (9, 5)))).pixels.shape == (5, 9, 3)


def test_a_picture_taken_sideways_is_turned_upright() -> None:
    picture = decode_picture(FILES["JPEG"])
    assert (picture.width, picture.height) == (24, 40)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(KINDS)),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=4)), min_size=1, max_size=6),
)
def test_damaged_files_are_read_or_refused_and_nothing_else(kind: str, damage: list[tuple[float, bytes]]) -> None:
    data = bytearray(FILES[kind])
    for place, found in damage:
        start = int(place * len(data))
        data[start : start + len(found)] = found
    with contextlib.suppress(PictureError):
        assert decode_picture(bytes(data)).pixels.ndim == 3
