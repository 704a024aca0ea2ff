"""Files that are cut into more parts than any program writes are refused before any reader goes through them."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from provenance.credentials.reading import media_type_of
from provenance.parts import JPEG, PNG, has_more_parts
from provenance.picture import PictureTooLarge, TooManyParts, decode_picture
from provenance.verification.verify import verify
from tests.simulators.pictures import picture

KINDS = ("image/png", "image/jpeg", "image/webp", "image/avif")


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with(many: int) -> bytes:
    png = picture("image/png")
    return png[:33] + many * chunk(b"tEXt", b"a\0b") + png[33:]


def jpeg_with(many: int) -> bytes:
    jpeg = picture("image/jpeg")
    return jpeg[:2] + many * b"\xff\xeb\x00\x04ab" + jpeg[2:]


def webp_with(many: int) -> bytes:
    webp = picture("image/webp")
    body = webp[12:] + many * b"ABCD\x01\x00\x00\x00a\x00"
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def avif_with(many: int) -> bytes:
    return picture("image/avif") + many * (struct.pack(">I", 8) + b"free")


def avif_holding(many: int) -> bytes:
    """Return an AVIF whose own box of what it is about holds so many more."""
    avif = picture("image/avif")
    start = avif.index(b"meta") - 4
    (size,) = struct.unpack_from(">I", avif, start)
    more = many * (struct.pack(">I", 8) + b"free")
    held = struct.pack(">I", size + len(more)) + avif[start + 4 : start + size] + more
    return avif[:start] + held + avif[start + size :]


def film_with(many: int) -> bytes:
    return picture("image/avif") + struct.pack(">I", 8 + 8 * many) + b"moov" + many * (struct.pack(">I", 8) + b"trak")


def wide_film_with(many: int) -> bytes:
    """Return an AVIF with a box of a 64-bit size that holds so many more."""
    held = many * (struct.pack(">I", 8) + b"free")
    return picture("image/avif") + struct.pack(">I4sQ", 1, b"moov", 16 + len(held)) + held


def quicktime_with(many: int) -> bytes:
    """Return an AVIF with a box of what it is about that has no version, as QuickTime's."""
    held = struct.pack(">I4s", 8, b"hdlr") + many * (struct.pack(">I", 8) + b"free")
    return picture("image/avif") + struct.pack(">I4s", 8 + len(held), b"meta") + held


MAKERS = (png_with, jpeg_with, webp_with, avif_with, avif_holding, film_with, wide_film_with, quicktime_with)


@pytest.mark.parametrize("make", MAKERS)
def test_a_file_of_too_many_parts_is_read_by_nobody(make: object) -> None:
    few, many = make(100), make(20_001)  # type: ignore[operator]  # one of the four above
    assert media_type_of(few) in KINDS
    for read in (media_type_of, decode_picture):
        with pytest.raises(TooManyParts):
            read(many)
    verdict = verify(many)
    assert verdict.outcome == "unreadable"
    assert verdict.check("picture.readable").evidence == {"fault": "picture-too-many-parts"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_has_few_parts_whatever_hangs_behind_its_end(kind: str) -> None:
    data = picture(kind)
    assert has_more_parts(data, than=0) and not has_more_parts(data, than=50)
    assert not has_more_parts(data + bytes(400_000), than=60)


def test_what_is_cut_short_has_few_parts() -> None:
    for data in (b"", b"RIFF", PNG, JPEG, JPEG + b"\xff" * 9, b"x" * 40):
        assert not has_more_parts(data, than=10)


def test_a_picture_longer_than_any_camera_s_is_not_decoded() -> None:
    file = io.BytesIO()
    Image.new("RGB", (70_000, 1)).save(file, "PNG")
    with pytest.raises(PictureTooLarge, match="65,535 a side"):
        decode_picture(file.getvalue())
