"""The log as files: C2SP tlog-tiles paths and bytes, reading hashes from them, and what growth must write.

``tile/<L>/<N>[.p/<W>]``        W (or 256) hashes of 32 bytes: the roots of complete subtrees of 256**L entries
``tile/entries/<N>[.p/<W>]``    W (or 256) entries, each after its length as uint16, big-endian

``<N>`` is written in groups of three digits, all but the last with ``x``: 1234067 is ``x001/x234/067``.
A reader of files is a callable from a path to its bytes that raises FileNotFoundError where there is no such file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from provenance.audit_log.errors import BundleDamaged, LeafTooLarge, NotInTree, TileDamaged, TileMissing
from provenance.audit_log.tree import HASH_BYTES, leaf_hash, node_hash, root

HEIGHT = 8
"""Levels of the tree in one tile."""
WIDTH = 256
"""Hashes, or entries, in a full tile."""
LARGEST_ENTRY = 65_535
LARGEST_BUNDLE = WIDTH * (2 + LARGEST_ENTRY)
MOST_TILES_KEPT = 64
"""Tiles that a reader remembers, each some 40 kilobytes with the rows above it."""

ReadFile = Callable[[str], bytes]

_PATH = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)


# ---- names ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TileName:
    """Which tile a path names; level None is an entry bundle."""

    level: int | None
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Return the path, without a leading slash."""
        level = "entries" if self.level is None else str(self.level)
        end = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{_digits(self.index)}{end}"

    @classmethod
    def parse(cls, path: str) -> TileName | None:
        """Return what a path names; None for anything that is not spelt exactly as the format says."""
        match = _PATH.fullmatch(path)
        if match is None:
            return None
        level, digits, width = match.groups()
        name = cls(
            level=None if level == "entries" else int(level),
            index=int(digits.replace("x", "").replace("/", "")),
            width=int(width) if width else WIDTH,
        )
        # Leading groups of zeros, levels above 63 and widths above 255 are spelt by nobody.
        return name if name.path == path and (name.level or 0) <= 63 and name.width <= WIDTH else None


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """Return the path of a hash tile; a width below 256 names the partial one."""
    return TileName(level, index, width).path


def entries_path(index: int, width: int = WIDTH) -> str:
    """Return the path of an entry bundle; a width below 256 names the partial one."""
    return TileName(None, index, width).path


def _digits(index: int) -> str:
    text = f"{index % 1000:03}"
    while index := index // 1000:
        text = f"x{index % 1000:03}/{text}"
    return text


def tiles_of(size: int, *, level: int = 0) -> Iterator[tuple[int, int]]:
    """Yield index and width of every tile that a tree of ``size`` entries has at a level."""
    full, rest = divmod(size >> (HEIGHT * level), WIDTH)
    yield from ((index, WIDTH) for index in range(full))
    if rest:
        yield full, rest


# ---- entry bundles -------------------------------------------------------------------------------------------


def pack_entries(entries: Sequence[bytes]) -> bytes:
    """Return the bytes of a bundle; raises LeafTooLarge for an entry above 65,535 bytes."""
    parts = []
    for entry in entries:
        if len(entry) > LARGEST_ENTRY:
            raise LeafTooLarge(size=len(entry))
        parts.append(len(entry).to_bytes(2, "big"))
        parts.append(entry)
    return b"".join(parts)


def unpack_entries(data: bytes, *, name: TileName | None = None) -> list[bytes]:
    """Return the entries of a bundle; raises BundleDamaged where it ends inside one.

    With its name, also where it does not hold exactly as many entries as the name says.
    """
    entries: list[bytes] = []
    at, end = 0, len(data)
    while at < end:
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        if at > end:
            raise _damaged(name, len(entries))
        entries.append(data[start:at])
    if name is not None and len(entries) != name.width:
        raise _damaged(name, min(len(entries), name.width))
    return entries


def _damaged(name: TileName | None, place: int) -> BundleDamaged:
    if name is None:
        return BundleDamaged(path="?", width="?", index=place)
    return BundleDamaged(path=name.path, width=name.width, index=name.index * WIDTH + place)


# ---- reading -------------------------------------------------------------------------------------------------


def read_tile(name: TileName, read: ReadFile, *, size: int) -> bytes:
    """Return a hash tile's bytes; a partial one that is gone is cut from the full one that replaced it.

    Raises TileMissing and TileDamaged.
    """
    found, path = _read_or_full(name, read, size)
    expected = HASH_BYTES * (name.width if path == name.path else WIDTH)
    if len(found) != expected:
        raise TileDamaged(path=path, found=len(found), expected=expected)
    return found[: HASH_BYTES * name.width]


def read_bundle(name: TileName, read: ReadFile, *, size: int) -> list[bytes]:
    """Return a bundle's entries; a partial one that is gone is cut from the full one that replaced it.

    Raises TileMissing and BundleDamaged.
    """
    found, path = _read_or_full(name, read, size)
    whole = name if path == name.path else TileName(name.level, name.index)
    return unpack_entries(found, name=whole)[: name.width]


def _read_or_full(name: TileName, read: ReadFile, size: int) -> tuple[bytes, str]:
    for path in dict.fromkeys((name.path, TileName(name.level, name.index).path)):
        try:
            return read(path), path
        except FileNotFoundError:
            continue
    raise TileMissing(path=name.path, size=size)


class TileReader:
    """Hashes of complete subtrees of a tree of ``size`` entries, read from its tiles and remembered."""

    def __init__(self, read: ReadFile, *, size: int) -> None:
        self.read, self.size = read, size
        self._rows: dict[tuple[int, int], list[list[bytes]]] = {}

    def read_hash(self, level: int, index: int) -> bytes:
        """Return the hash of entries ``index * 2**level`` up to ``(index + 1) * 2**level``.

        Raises NotInTree for a subtree that the tree does not have whole, TileMissing and TileDamaged.
        """
        if not 0 <= index < self.size >> level:
            raise NotInTree(index=((index + 1) << level) - 1, size=self.size)
        tile_level, row = divmod(level, HEIGHT)
        tile_index = (index << row) // WIDTH
        place = index - ((tile_index * WIDTH) >> row)
        rows = self._rows_of(tile_level, tile_index)
        while len(rows) <= row:
            below = rows[-1]
            rows.append([node_hash(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)])
        return rows[row][place]

    def _rows_of(self, level: int, index: int) -> list[list[bytes]]:
        key = (level, index)
        if key not in self._rows:
            width = min(WIDTH, (self.size >> (HEIGHT * level)) - index * WIDTH)
            data = read_tile(TileName(level, index, width), self.read, size=self.size)
            while len(self._rows) >= MOST_TILES_KEPT:
                self._rows.pop(next(iter(self._rows)))
            self._rows[key] = [_cut(data)]
        return self._rows[key]


def _cut(data: bytes) -> list[bytes]:
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


# ---- growing -------------------------------------------------------------------------------------------------


def new_tiles(old_size: int, *, entries: Sequence[bytes], read: ReadFile) -> Iterator[tuple[str, bytes]]:
    """Yield path and bytes of every file that must be written when entries join a log of ``old_size``.

    Bundles come first, then the tiles from level 0 upward. Written again, every file is the same.
    Raises LeafTooLarge before anything is yielded.
    """
    yield from _new_bundles(old_size, entries, read)
    level, count, hashes = 0, old_size, [leaf_hash(entry) for entry in entries]
    while hashes:
        kept = _kept_hashes(level, count, read, old_size)
        row, first = kept + hashes, count // WIDTH
        above = []
        for at in range(0, len(row), WIDTH):
            tile = row[at : at + WIDTH]
            yield tile_path(level, first + at // WIDTH, len(tile)), b"".join(tile)
            if len(tile) == WIDTH:
                above.append(root(tile))
        level, count, hashes = level + 1, count // WIDTH, above


def _new_bundles(old_size: int, entries: Sequence[bytes], read: ReadFile) -> Iterator[tuple[str, bytes]]:
    for entry in entries:
        if len(entry) > LARGEST_ENTRY:
            raise LeafTooLarge(size=len(entry))
    first, kept = divmod(old_size, WIDTH)
    row = [*(read_bundle(TileName(None, first, kept), read, size=old_size) if kept and entries else []), *entries]
    for at in range(0, len(row), WIDTH):
        bundle = row[at : at + WIDTH]
        yield entries_path(first + at // WIDTH, len(bundle)), pack_entries(bundle)


def _kept_hashes(level: int, count: int, read: ReadFile, size: int) -> list[bytes]:
    index, width = divmod(count, WIDTH)
    return _cut(read_tile(TileName(level, index, width), read, size=size)) if width else []
