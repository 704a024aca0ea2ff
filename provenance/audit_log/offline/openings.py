"""Openings of entries: canonical JSON (RFC 8785) of details, and the commitments that they must give."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, NamedTuple

from provenance.audit_log.offline.findings import Findings

LARGEST_LINE = 2**20
_SORTED = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_MAY_BE_SPELT_OTHERWISE = re.compile(r'(?:":|\[|,)-?[0-9]+(?:[.eE]|[0-9]{15})')
"""A number with a fraction or exponent or of sixteen digits, or a text that holds the like."""
_WORDS = {None: "null", True: "true", False: "false"}


class Opened(NamedTuple):
    """Which entry an opening names, and the commitment that its details give under its salt."""

    id: str
    commitment: str
    manifest: str = ""
    store: str = ""
    """Of an entry that tells of a signed image: its manifest's urn, and the digest of the manifest store."""


class Watch:
    """Is told of every opening and every leaf while a log is checked; this one takes no notice."""

    def opening(self, index: int, details: Any) -> None:
        """Take notice of what an opening holds; whether it opens its entry is told by the findings."""

    def leaf(self, index: int, *, at: bytes, kind: bytes) -> None:
        """Take notice of a leaf's time and kind."""


def canonical(value: Any) -> bytes:
    """Return the RFC 8785 bytes of a JSON value; raises ValueError for what has none."""
    # ASCII sorts by code unit as by character; without fractions and long numbers, sorted JSON is the canonical one.
    text = _SORTED.encode(value)
    if text.isascii() and text[0] in '{["' and not _MAY_BE_SPELT_OTHERWISE.search(text):
        return text.encode()
    return _canonical(value).encode()


def _canonical(value: Any) -> str:
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, int):
        if abs(value) >= 2**53:
            raise ValueError("an integer from 2^53")
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, list):
        return "[" + ",".join(map(_canonical, value)) + "]"
    return "{" + ",".join([f"{encode_basestring(name)}:{_canonical(value[name])}" for name in _sorted(value)]) + "}"


def _sorted(names: Iterable[str]) -> list[str]:
    """Return names in the order of their UTF-16 code units."""
    found = sorted(names)
    return found if "".join(found).isascii() else sorted(found, key=lambda name: name.encode("utf-16-be"))


def _number(value: float) -> str:
    """Return a number as ECMAScript writes it (7.1.12.1 of its fifth edition and later)."""
    if not math.isfinite(value):
        raise ValueError("not a JSON number")
    if value == 0:
        return "0"
    minus = "-" if value < 0 else ""
    _, parts, exponent = Decimal(repr(abs(value))).normalize().as_tuple()
    digits = "".join(map(str, parts))
    point = len(digits) + int(exponent)
    if len(digits) <= point <= 21:
        return minus + digits.ljust(point, "0")
    if 0 < point <= 21:
        return f"{minus}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{minus}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if digits[1:] else ""
    return f"{minus}{digits[0]}{fraction}e{point - 1:+}"


def unambiguous_json(data: bytes) -> Any:
    """Return the JSON value of some bytes; raises ValueError for anything that two readers could read apart."""
    try:
        return _DECODER.decode(data.decode())
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(name)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)


def read_openings(
    lines: Iterable[bytes], *, path: str, findings: Findings, watch: Watch | None = None
) -> dict[int, Opened]:
    """Return what each opening says of its entry, by index; lines that are none are findings."""
    openings: dict[int, Opened] = {}
    for number, line in enumerate(lines, 1):
        try:
            index, opened, details = _read_opening(line)
        except (ValueError, TypeError, KeyError, RecursionError):
            findings.tell("opening-malformed", path=path, line=number)
            continue
        if index in openings:
            findings.tell("opening-twice", path=path, line=number, index=index)
        elif watch is not None:
            watch.opening(index, details)
        openings.setdefault(index, opened)
    return openings


def _read_opening(line: bytes) -> tuple[int, Opened, Any]:
    opening = unambiguous_json(line)
    index, entry, salt = opening["index"], opening["id"], bytes.fromhex(opening["salt"])
    if set(opening) != {"index", "id", "salt", "details"} or len(salt) != 32 or len(line) > LARGEST_LINE:
        raise ValueError("not an opening")
    if not isinstance(index, int) or isinstance(index, bool) or not isinstance(entry, str):
        raise ValueError("not an opening")
    details = opening["details"]
    signed = [details[name] for name in ("manifest", "store")] if "store" in details else ["", ""]
    if not all(isinstance(each, str) for each in signed):
        raise ValueError("not an opening")
    opened = Opened(entry, hashlib.sha256(salt + canonical(details)).hexdigest(), *signed)
    return index, opened, details
