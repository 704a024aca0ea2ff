"""Canonical JSON (RFC 8785), digests and times: the one spelling that everything signed or logged uses."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

import rfc8785

from provenance.errors import NotCanonical

Digest = str
"""``sha256:`` followed by 64 lower-case hex digits."""


def canonical_json(value: Any) -> bytes:
    """Return the RFC 8785 bytes of a JSON value.

    Integers from 2^53 have no canonical form: write seeds and money as decimal strings.
    Raises NotCanonical for those and for anything that JSON does not have.
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, RecursionError, UnicodeEncodeError) as error:
        raise NotCanonical(reason=str(error)) from error


def sha256_digest(data: bytes) -> Digest:
    """Return ``sha256:`` and the hex SHA-256 of some bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def is_digest(text: object) -> bool:
    """Say whether a text is a digest in Colophon's spelling."""
    return (
        isinstance(text, str)
        and len(text) == 71
        and text.startswith("sha256:")
        and all(character in "0123456789abcdef" for character in text[7:])
    )


def pixel_digest(rgb: Any) -> Digest:
    """Return the digest of an RGB picture, an array of shape (height, width, 3) and dtype uint8.

    Bytes hashed: ``rgb8\\0``, width and height as uint32 big-endian, then the rows.
    """
    height, width, channels = rgb.shape
    if channels != 3 or str(rgb.dtype) != "uint8":
        raise NotCanonical(reason=f"pixels must be uint8 RGB, not {rgb.dtype} with {channels} channels")
    header = b"rgb8\0" + width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return sha256_digest(header + rgb.tobytes())


def timestamp(moment: datetime) -> str:
    """Return an aware time as UTC RFC 3339 with microseconds and ``Z``."""
    if moment.tzinfo is None:
        raise NotCanonical(reason="a time without a time zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_timestamp(text: str) -> datetime:
    """Return the UTC time that ``timestamp`` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
