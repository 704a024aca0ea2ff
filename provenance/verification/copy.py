"""The copy of a picture that is looked at: its digests at once, its pixels only when somebody asks for them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from provenance.canonical import Digest, pixel_digest, sha256_digest
from provenance.picture import Picture, PictureError, decode_picture


class Copy:
    """A file's bytes with what records may know it by; decoding waits, for a file known byte for byte needs none."""

    def __init__(self, data: bytes, *, manifest_id: str | None = None, is_picture: bool = True) -> None:
        """Keep the bytes; nothing is decoded yet, and never where the file is no picture."""
        self._data = data
        self._is_picture = is_picture
        self.manifest_id = manifest_id
        self.file_digest: Digest = sha256_digest(data)

    @property
    def pixels(self) -> Any:
        """Return the picture as uint8 of shape (height, width, 3), upright; None where it cannot be decoded."""
        found = self._decoded
        return found.pixels if isinstance(found, Picture) else None

    @cached_property
    def pixel_digest(self) -> Digest | None:
        """Return the digest of the pixels; None where they cannot be decoded."""
        return None if self.pixels is None else pixel_digest(self.pixels)

    @property
    def fault(self) -> PictureError | None:
        """Return why the picture cannot be decoded; None where it can."""
        found = self._decoded
        return found if isinstance(found, PictureError) else None

    @cached_property
    def _decoded(self) -> Picture | PictureError | None:
        if not self._is_picture:
            return None
        try:
            return decode_picture(self._data)
        except PictureError as error:
            return error
