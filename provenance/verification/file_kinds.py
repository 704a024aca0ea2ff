"""What a file that is not read seems to be, by its own first bytes: so that a person is told what to do with it."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Family = Literal["picture", "other", "page", "credentials", "empty", "unknown"]
"""A picture of another kind, something that is none, a web page, credentials alone, nothing at all, or who knows."""
LOOKED_AT = 4096


@dataclass(frozen=True)
class FileKind:
    """A kind of file: its name in sentences, in English with its article and in Chinese."""

    code: str
    family: Family
    en: str = ""
    zh: str = ""


_EMPTY = FileKind("empty", "empty")
_UNKNOWN = FileKind("unknown", "unknown")
_CREDENTIALS = FileKind("c2pa", "credentials")
_PAGE = FileKind("html", "page")
_TIFF = FileKind("tiff", "picture", "a TIFF picture or a camera's raw file", "TIFF 图片或相机 RAW 文件")
_HEIF = FileKind("heif", "picture", "a HEIC or HEIF picture", "HEIC 或 HEIF 图片")
_JPEG_XL = FileKind("jpeg-xl", "picture", "a JPEG XL picture", "JPEG XL 图片")
_RAW = FileKind("camera-raw", "picture", "a camera's raw file", "相机 RAW 文件")
_SVG = FileKind("svg", "picture", "an SVG drawing", "SVG 矢量图")
_VIDEO = FileKind("video", "other", "a video", "视频")
_SOUND = FileKind("sound", "other", "a sound recording", "音频")
_TEXT = FileKind("text", "other", "a text file", "文本文件")
_BEGINNINGS: Mapping[bytes, FileKind] = {
    b"II*\0": _TIFF,
    b"MM\0*": _TIFF,
    b"II+\0": _TIFF,
    b"MM\0+": _TIFF,
    b"GIF87a": FileKind("gif", "picture", "a GIF picture", "GIF 图片"),
    b"GIF89a": FileKind("gif", "picture", "a GIF picture", "GIF 图片"),
    b"8BPS": FileKind("psd", "picture", "a Photoshop document", "Photoshop 文档"),
    b"\0\0\1\0": FileKind("ico", "picture", "an icon", "图标文件"),
    b"\xff\x0a": _JPEG_XL,
    b"\0\0\0\x0cJXL ": _JPEG_XL,
    b"\0\0\0\x0cjP  ": FileKind("jpeg-2000", "picture", "a JPEG 2000 picture", "JPEG 2000 图片"),
    b"%PDF-": FileKind("pdf", "other", "a PDF document", "PDF 文档"),
    b"PK\3\4": FileKind("zip", "other", "a ZIP archive or an office document", "ZIP 压缩包或办公文档"),
    b"\x1aE\xdf\xa3": _VIDEO,
    b"OggS": _SOUND,
    b"fLaC": _SOUND,
    b"ID3": _SOUND,
}
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
_BRANDS = {**dict.fromkeys(_HEIF_BRANDS, _HEIF), b"M4A ": _SOUND, b"M4B ": _SOUND, b"crx ": _RAW}
_RIFF = {b"AVI ": _VIDEO, b"WAVE": _SOUND}
_COMMENT = rb"<!--(?:(?!-->).)*-->\s*"  # which matches in one way alone, however many there are
_BEFORE = rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*|<!doctype svg[^>]*>\s*|" + _COMMENT + rb")*"
_DRAWING = re.compile(_BEFORE + rb"<svg[\s>]", re.DOTALL | re.IGNORECASE)
_WEB_PAGE = re.compile(_BEFORE + rb"<(?:!doctype )?html[\s>]", re.DOTALL | re.IGNORECASE)
_NO_TEXT = re.compile("[\0-\x08\x0e-\x1a\x1c-\x1f]")


def kind_of(data: bytes) -> FileKind:
    """Return what a file seems to be; it is a guess for a sentence, and nothing is read any further."""
    if not data:
        return _EMPTY
    for beginning, kind in _BEGINNINGS.items():
        if data.startswith(beginning):
            return kind
    return _by_inner_name(data) or _by_text(data[:LOOKED_AT])


def _by_inner_name(data: bytes) -> FileKind | None:
    """Return the kind of a file that names itself behind a length: ISO media, RIFF, JUMBF, and Windows bitmaps."""
    name, brand = data[4:8], data[8:12]
    if name == b"jumb":
        return _CREDENTIALS
    if name == b"ftyp":
        return _BRANDS.get(brand, _VIDEO)
    if data[:4] == b"RIFF":
        return _RIFF.get(brand)
    if data[:2] == b"BM" and data[6:10] == b"\0\0\0\0":
        return FileKind("bmp", "picture", "a Windows bitmap (BMP)", "BMP 位图")
    return None


def _by_text(start: bytes) -> FileKind:
    if _DRAWING.match(start):
        return _SVG
    if _WEB_PAGE.match(start):
        return _PAGE
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(start)  # which forgives a character that is cut in two
    except UnicodeDecodeError:
        return _UNKNOWN
    return _UNKNOWN if _NO_TEXT.search(text) else _TEXT
