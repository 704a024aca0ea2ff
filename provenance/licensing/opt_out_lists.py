"""Lists of opt-outs as others keep them: our own CSV, TDMRep files, and RSL documents; read from files alone.

CSV: ``kind,subject,digest`` and whatever else; a row names a listed style, work or party by id, or a picture by the
sha256 of its file. TDMRep (W3C TDM Reservation Protocol, 2024): a JSON array of ``location``, ``tdm-reservation``.
RSL 1.0: ``<content url>`` whose licences prohibit ``all``, ``ai-all``, ``ai-train`` or ``ai-input``.
"""

from __future__ import annotations

import csv
import fnmatch
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import UUID
from xml.etree import ElementTree

from provenance.canonical import is_digest
from provenance.licensing.errors import ListUnreadable

LARGEST_LIST = 20 * 2**20
MOST_LINES = 200_000
KINDS = ("style", "work", "party", "picture")
PROHIBITING = {"all", "ai-all", "ai-train", "ai-input"}


@dataclass(frozen=True)
class Line:
    """One reservation of a list; ``fault`` says in both languages why it cannot be taken."""

    number: int
    kind: str = ""
    subject: UUID | None = None
    digest: str = ""
    location: str = ""
    """An absolute address, or a pattern of addresses with ``*``."""
    fault: tuple[str, str] | None = None


def lines_of(data: bytes, *, site: str = "") -> Iterator[Line]:
    """Yield the reservations of a list in whatever format it is; raise ListUnreadable for one that is in none.

    A TDMRep file lies on the site that it speaks for, and does not say which: ``site`` does.
    """
    if len(data) > LARGEST_LIST:
        raise ListUnreadable(reason=f"{len(data) // 2**20} MB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ListUnreadable(reason="not UTF-8") from error
    start = text.lstrip()[:1]
    if start == "[":
        return _tdmrep(text, site=site)
    return _rsl(text) if start == "<" else _csv(text)


def is_within(address: str, location: str) -> bool:
    """Say whether an address is what a location or pattern names."""
    return address == location or ("*" in location and fnmatch.fnmatchcase(address, location))


def _csv(text: str) -> Iterator[Line]:
    reader = csv.DictReader(io.StringIO(text))
    if not {"kind", "subject"} <= set(reader.fieldnames or ()) and "digest" not in (reader.fieldnames or ()):
        raise ListUnreadable(reason="no column kind, subject or digest")
    for number, row in enumerate(reader, start=2):
        if number > MOST_LINES:
            raise ListUnreadable(reason=f"> {MOST_LINES:,}")
        yield _csv_line(number, row)


def _csv_line(number: int, row: dict[str, Any]) -> Line:
    kind, digest = (row.get("kind") or "picture").strip(), (row.get("digest") or "").strip()
    if kind not in KINDS:
        return Line(number, fault=(f"{kind[:20]!r} is none of {', '.join(KINDS)}", f"{kind[:20]!r} 不是可识别的类型"))
    if digest and not is_digest(digest):
        return Line(number, fault=("the digest is not sha256: and 64 hex digits", "摘要不是 sha256: 加 64 位十六进制"))
    if kind == "picture":
        missing = ("a picture needs its digest", "图片需要摘要")
        return Line(number, kind=kind, digest=digest, fault=None if digest else missing)
    try:
        return Line(number, kind=kind, subject=UUID((row.get("subject") or "").strip()), digest=digest)
    except ValueError:
        return Line(number, fault=("the subject is not an id", "subject 不是有效编号"))


def _tdmrep(text: str, *, site: str) -> Iterator[Line]:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ListUnreadable(reason=str(error)[:100]) from error
    if not urlsplit(site).netloc:
        raise ListUnreadable(reason="TDMRep: site?")
    for number, row in enumerate(rows[:MOST_LINES], start=1):
        location = row.get("location") if isinstance(row, dict) else None
        if not isinstance(location, str) or row.get("tdm-reservation") not in (0, 1):
            yield Line(number, fault=("no location and tdm-reservation", "缺少 location 与 tdm-reservation"))
        elif row["tdm-reservation"] == 1:
            yield Line(number, kind="work", location=urljoin(site, location))


def _rsl(text: str) -> Iterator[Line]:
    if "<!" in text.replace("<!--", ""):  # no document type, and so no entities that grow
        raise ListUnreadable(reason="DOCTYPE")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ListUnreadable(reason=str(error)[:100]) from error
    contents = [node for node in root.iter() if _name(node) == "content"]
    for number, content in enumerate(contents[:MOST_LINES], start=1):
        address = content.get("url") or ""
        if not urlsplit(address).netloc:
            yield Line(number, fault=("content has no absolute url", "content 缺少完整的 url"))
        elif _tokens(content) & PROHIBITING:
            yield Line(number, kind="work", location=address)


def _tokens(content: ElementTree.Element) -> set[str]:
    """Return the usages that any licence of a content prohibits."""
    found: set[str] = set()
    for node in content.iter():
        if _name(node) == "prohibits" and node.get("type", "usage") == "usage":
            found.update((node.text or "").replace(",", " ").split())
    return found


def _name(node: ElementTree.Element) -> str:
    return node.tag.rpartition("}")[2]
