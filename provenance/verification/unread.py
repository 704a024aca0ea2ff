"""What is said of a file that was not read as a picture: what it seems to be, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provenance.picture import NotAPicture, PictureError, PictureTooLarge
from provenance.verification.file_kinds import Family, kind_of
from provenance.verification.verdict import Check

Sentence = tuple[str, str]
DAMAGED: Sentence = (
    "This file is damaged or incomplete, so it could not be read as a picture. Get it again, and check that copy.",
    "此文件已损坏或不完整，无法作为图片读取。请重新获取后再核验。",
)
_TOO_LARGE: Sentence = (
    "This file is too large to be read here, so nothing in it was checked: at most 64 MB and 200 million pixels are "
    "read.",
    "此文件过大，无法读取，其内容未予核验：最多读取 64 MB、2 亿像素。",
)
_TOO_MANY_PARTS: Sentence = (
    "This file is cut into thousands of parts, which no picture needs, so nothing in it was checked.",
    "此文件被切分成数以千计的部分，图片并不需要如此，其内容未予核验。",
)
_BY_FAMILY: Mapping[Family, Sentence] = {
    "picture": (
        "This seems to be {en}. Only PNG, JPEG, WebP and AVIF pictures are read here, so nothing in it was checked.",
        "此文件似乎是{zh}。此处只读取 PNG、JPEG、WebP 和 AVIF 图片，其内容未予核验。",
    ),
    "other": (
        "This seems to be {en}, not a picture. Only PNG, JPEG, WebP and AVIF pictures are read here, so nothing in it "
        "was checked.",
        "此文件似乎是{zh}，不是图片。此处只读取 PNG、JPEG、WebP 和 AVIF 图片，其内容未予核验。",
    ),
    "page": (
        "This seems to be a web page, not a picture. Save the picture itself from the page, and check that.",
        "此文件似乎是网页，不是图片。请从网页中保存图片本身，再行核验。",
    ),
    "credentials": (
        "This file holds content credentials alone, without the picture that they are about. Check the picture itself, "
        "together with this file.",
        "此文件只有内容凭证，没有其所属的图片。请将图片本身与此文件一并核验。",
    ),
    "empty": (
        "This file is empty. Get it again, and check that copy.",
        "此文件是空的。请重新获取后再核验。",
    ),
    "unknown": (
        "This file is no PNG, JPEG, WebP or AVIF picture that can be read, so nothing in it was checked.",
        "此文件不是可读取的 PNG、JPEG、WebP 或 AVIF 图片，其内容未予核验。",
    ),
}


def not_read(data: bytes, fault: PictureError) -> Check:
    """Return the check of a file that was not taken for a picture that is read, with what it seems to be."""
    evidence: dict[str, Any] = {"fault": fault.code}
    if isinstance(fault, PictureTooLarge):
        return Check("picture.readable", "failed", fault.said("en"), fault.said("zh-Hans"), evidence)
    if not isinstance(fault, NotAPicture):
        return Check("picture.readable", "failed", *_TOO_MANY_PARTS, evidence)
    kind = kind_of(data)
    en, zh = _BY_FAMILY[kind.family]
    told = evidence | {"file_kind": kind.code, "is_picture": kind.family == "picture"}
    return Check("picture.readable", "failed", en.format(en=kind.en), zh.format(zh=_spaced(kind.zh)), told)


def about_unread(readable: Check) -> Sentence:
    """Return the one sentence about a file that was not read, from the check that says why."""
    fault = readable.evidence.get("fault")
    if fault == "damaged":
        return DAMAGED
    return _TOO_LARGE if fault == "file-too-large" else (readable.en, readable.zh)


def _spaced(name: str) -> str:
    return f" {name}" if name[:1].isascii() else name
