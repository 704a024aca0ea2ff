"""A file that is not read is called what it is: nobody is told that a TIFF is no picture, or that a text is one."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from provenance.verification.file_kinds import kind_of
from provenance.verification.verdict import Verdict
from provenance.verification.verify import verify
from tests.simulators.pictures import picture


def saved_as(kind: str) -> bytes:
    """Return a picture in a format of Pillow's."""
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(picture())) as image:
        image.save(buffer, kind)
    return buffer.getvalue()


def boxed(name: bytes, brand: bytes) -> bytes:
    return b"\0\0\0\x18" + name + brand + b"\0" * 12


PICTURES = {
    "a TIFF picture": saved_as("TIFF"),
    "a GIF picture": saved_as("GIF"),
    "a Windows bitmap": saved_as("BMP"),
    "an icon": saved_as("ICO"),
    "a JPEG 2000 picture": saved_as("JPEG2000"),
    "a JPEG XL picture": b"\xff\x0a" + bytes(40),
    "a Photoshop document": b"8BPS\0\1" + bytes(40),
    "a HEIC or HEIF picture": boxed(b"ftyp", b"heic"),
    "a camera's raw file": boxed(b"ftyp", b"crx "),
    "an SVG drawing": b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"/>',
}
OTHERS = {
    "a PDF document": b"%PDF-1.7\n",
    "a video": boxed(b"ftyp", b"isom"),
    "a sound recording": boxed(b"ftyp", b"M4A "),
    "a ZIP archive": b"PK\3\4" + bytes(40),
    "a text file": "Sehr geehrte Frau Ågren, 您好".encode(),
    "a web page": b"<!-- saved -->\n<!DOCTYPE html><html><svg></svg></html>",
}


@pytest.mark.parametrize(("name", "data"), PICTURES.items(), ids=PICTURES)
def test_a_picture_of_another_kind_is_called_a_picture_and_what_is_read_is_said(name: str, data: bytes) -> None:
    verdict = verify(data)
    assert verdict.summary("en").startswith(f"This seems to be {name}")
    assert "not a picture" not in verdict.summary("en") and "不是图片" not in verdict.summary("zh-Hans")
    assert read_kinds_are_named(verdict)
    assert verdict.check("picture.readable").evidence["is_picture"] is True
    assert (verdict.outcome, verdict.exit_code) == ("unreadable", 3)


@pytest.mark.parametrize(("name", "data"), OTHERS.items(), ids=OTHERS)
def test_what_is_no_picture_is_called_what_it_is(name: str, data: bytes) -> None:
    verdict = verify(data)
    assert verdict.summary("en").startswith(f"This seems to be {name}")
    assert "not a picture" in verdict.summary("en") and "不是图片" in verdict.summary("zh-Hans")
    assert verdict.check("picture.readable").evidence["is_picture"] is False


def test_credentials_that_are_kept_apart_are_told_to_be_checked_with_their_picture() -> None:
    verdict = verify(b"\0\0\0\x20jumb" + bytes(40))
    assert "Check the picture itself, together" in verdict.summary("en") and "一并核验" in verdict.summary("zh-Hans")


def test_an_empty_file_is_called_empty() -> None:
    assert verify(b"").summary("en").startswith("This file is empty.")
    assert verify(b"").summary("zh-Hans").startswith("此文件是空的。")


def test_a_file_of_no_known_kind_is_called_nothing_but_unread() -> None:
    verdict = verify(bytes(range(128, 256)))
    assert read_kinds_are_named(verdict) and "seems" not in verdict.summary("en")


def test_half_a_picture_is_called_damaged_and_one_is_told_to_get_it_again() -> None:
    whole = picture("image/jpeg")
    verdict = verify(whole[: len(whole) // 2])
    assert "damaged or incomplete" in verdict.summary("en") and "Get it again" in verdict.summary("en")
    assert "已损坏或不完整" in verdict.summary("zh-Hans")


def test_a_file_too_large_to_be_read_is_called_too_large() -> None:
    buffer = io.BytesIO()
    Image.new("1", (20_000, 10_001)).save(buffer, "PNG")
    verdict = verify(buffer.getvalue())
    assert "too large to be read here" in verdict.summary("en") and "过大" in verdict.summary("zh-Hans")


@given(data=st.binary(max_size=64), beginning=st.sampled_from([*PICTURES.values(), *OTHERS.values(), b""]))
def test_any_bytes_are_of_some_kind(data: bytes, beginning: bytes) -> None:
    assert kind_of(beginning[:16] + data).code


def test_ten_thousand_comments_before_nothing_are_not_taken_for_a_drawing() -> None:
    assert kind_of(b"<!-- -->" * 10_000).family == "other"


def test_a_character_that_is_cut_in_two_where_the_look_ends_leaves_a_text_a_text() -> None:
    assert kind_of(("a" * 4095 + "字").encode()).code == "text"


def read_kinds_are_named(verdict: Verdict) -> bool:
    said = (verdict.summary("en"), verdict.summary("zh-Hans"))
    return all(kind in sentence for sentence in said for kind in ("PNG", "JPEG", "WebP", "AVIF"))
