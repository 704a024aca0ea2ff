"""The seam behind which watermarks stand: a 64-bit id goes into pixels, and is read out of copies of them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any, Protocol, cast

from provenance.errors import ProvenanceError

ID_BYTES = 8


class WatermarkUnavailable(ProvenanceError):
    """The watermark that the operator chose cannot be used here."""

    code = "watermark-unavailable"
    en = "The watermark {name} cannot be used: {said_en}"
    zh = "无法使用水印 {name}：{said_zh}"


@dataclass(frozen=True)
class WatermarkRead:
    """What was read out of a picture: an id, and how much of the code word had to be mended to get it."""

    id: bytes
    """Eight bytes."""
    mended_bits: int
    """Bits of the code word that were read otherwise."""
    code_bits: int
    was_searched: bool = False
    """Whether the picture had to be laid back into place, as a crop has to."""
    algorithm: str = ""
    """By which what was measured of the watermark is known; empty where nothing was."""

    @property
    def hex(self) -> str:
        """Return the id as records keep it: 16 hexadecimal digits."""
        return self.id.hex()


class Watermark(Protocol):
    """A way of hiding 64 bits in a picture."""

    @property
    def algorithm(self) -> str:
        """Return the name under which soft bindings state it; empty for none."""
        ...

    @property
    def reads_at_once(self) -> bool:
        """Say whether any process may read it, without torch and in milliseconds."""
        ...

    def embed(self, pixels: Any, *, id: bytes) -> Any:
        """Return a copy of uint8 RGB of shape (height, width, 3) that carries an id of eight bytes."""
        ...

    def read(self, pixels: Any, *, thorough: bool = True) -> WatermarkRead | None:
        """Return the id in a picture; None where none is found, which proves nothing.

        Without ``thorough`` only what takes some milliseconds is tried; a crop may then go unread.
        """
        ...


class NoWatermark:
    """Leaves every picture as it is, and reads nothing."""

    algorithm = ""
    reads_at_once = True

    def embed(self, pixels: Any, *, id: bytes) -> Any:
        """Return the picture itself."""
        return pixels

    def read(self, pixels: Any, *, thorough: bool = True) -> WatermarkRead | None:
        """Read nothing."""
        return None


@lru_cache(maxsize=4)
def watermark_at(path: str) -> Watermark:
    """Return the watermark at a dotted path, one for each process; raise WatermarkUnavailable with the reason."""
    module, _, name = path.rpartition(".")
    return cast(Watermark, getattr(import_module(module), name)())


def binding_value(id: bytes) -> str:
    """Return an id as a soft binding states it: base64 of its eight bytes."""
    return base64.b64encode(id).decode()
