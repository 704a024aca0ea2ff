"""Entries, hash tiles and signed root of a log, compared so that whatever differs is named.

Two trees are built side by side: one from the entries, one from the tiles as they are read. Where both give the signed
root all is well. Else the one that gives it tells the other's faults; where each has some, the tiles on the right
edge are tried in every combination until one gives the root, and each tile below is then held against its parent.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from provenance.audit_log.offline.findings import MOST_FINDINGS, Findings
from provenance.audit_log.offline.openings import Opened, Watch

WIDE = 256
HASH = 32
LARGEST_TILE, LARGEST_ENTRIES = WIDE * HASH, WIDE * 65_537
LEAF = re.compile(
    rb'\{"at":"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z)","commitment":"sha256:([0-9a-f]{64})",'
    rb'"id":"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})",'
    rb'"kind":"([A-Za-z_][A-Za-z0-9_]{0,63})","v":1\}'
)
Read = Callable[[str, int], bytes]
"""Returns a file's bytes, at most so many and one more; FileNotFoundError where there is none."""
Row = list[bytes]


def row_root(row: Sequence[bytes]) -> bytes:
    """Return the RFC 9162 root over hashes of subtrees of one size, the last of which may be smaller."""
    sha256, hashes = hashlib.sha256, list(row)
    while len(hashes) > 1:
        last = hashes[-1:] if len(hashes) % 2 else []
        hashes = [sha256(b"\1" + hashes[at] + hashes[at + 1]).digest() for at in range(0, len(hashes) - 1, 2)] + last
    return hashes[0] if hashes else sha256(b"").digest()


def edge_root(rows: Sequence[Row]) -> bytes:
    """Return the root over the rows of a tree's right edge, level 0 first."""
    below: Row = []
    for row in rows:
        if row:
            below = [row_root(row + below)]
    return row_root(below)


def log_path(level: int | str, index: int, width: int = WIDE) -> str:
    """Return the path of a tile, or of a bundle for level ``entries``."""
    digits = f"{index % 1000:03}"
    while index := index // 1000:
        digits = f"x{index % 1000:03}/{digits}"
    return f"tile/{level}/{digits}" + (f".p/{width}" if width < WIDE else "")


class _GivenUp(Exception):
    """So much is missing that reading on would only take time: a size costs its signer nothing."""


class LogCheck:
    """One log of ``size`` entries: what its entries and its tiles say, and where they differ."""

    def __init__(
        self,
        read: Read,
        *,
        size: int,
        findings: Findings,
        openings: Mapping[int, Opened],
        keep: Sequence[int] = (),
        watch: Watch | None = None,
    ) -> None:
        self.watch = watch
        self.read, self.size, self.findings, self.openings = read, size, findings, openings
        # For each level, hashes as the entries give them, and rows of the tiles that say otherwise.
        self.given: list[Row] = [[]]
        self.stated: list[dict[int, Row]] = [{}]
        self.leaves: dict[int, Row] = {}
        self._kept = {size // WIDE, *(each // WIDE for each in keep)}
        self._ids: set[bytes] = set()
        self._unread: set[str] = set()
        self._missing = 0
        self._below: dict[tuple[int, int], Row] = {}

    def run(self, root: bytes) -> None:
        """Compare everything with the signed root; what differs lands in the findings."""
        for index in self.openings:
            if not 0 <= index < self.size:
                self.findings.tell("opening-nowhere", index=index)
        try:
            self._read_entries()
            while self.size >> (8 * (len(self.given) - 1)):
                self._read_level(len(self.given) - 1)
        except _GivenUp:
            return
        if self.root_at(self.size) == root:
            self._tell_changed_tiles()
        else:
            self._search(root)

    def root_at(self, size: int) -> bytes:
        """Return the root of the first ``size`` entries, as the entries give it; a size that was to be kept."""
        rows = [self.leaves.get(size // WIDE, [])[: size % WIDE]]
        for level in range(1, len(self.given)):
            count = size >> (8 * level)
            rows.append(self.given[level][count // WIDE * WIDE : count])
        return edge_root(rows)

    def leaf_hash_at(self, index: int) -> bytes:
        """Return the hash of one entry, as the entries give it; empty where it was not to be kept or not reached."""
        return self.leaves.get(index // WIDE, [b""] * WIDE)[index % WIDE]

    def compare_held(self, path: str, *, size: int, root: bytes, newer: bytes) -> None:
        """Tell whether a checkpoint of this log that somebody holds is no beginning of it."""
        if size > self.size:
            self.findings.tell("held-shrunk", path=path, held=size, size=self.size)
        elif size == self.size:
            if root != newer:
                self.findings.tell("held-forked", path=path, size=size)
        elif self._missing <= MOST_FINDINGS and self.root_at(size) != root:
            self.findings.tell("held-rewritten", path=path, held=size)

    # ---- reading -----------------------------------------------------------------------------------------

    def _tiles(self, level: int) -> Iterator[tuple[int, int]]:
        full, rest = divmod(self.size >> (8 * level), WIDE)
        yield from ((index, WIDE) for index in range(full))
        if rest:
            yield full, rest

    def _read_entries(self) -> None:
        above: Row = []
        for index, width in self._tiles(0):
            tile, entries = self._tile(0, index, width), self._entries(index, width)
            hashes = [hashlib.sha256(b"\0" + entry).digest() for entry in entries or ()] or tile or [b"?"] * width
            if tile is not None and tile != hashes:
                self.stated[0][index], self.leaves[index] = tile, hashes
            if index in self._kept:
                self.leaves[index] = hashes
            if width == WIDE:
                above.append(row_root(hashes))
            for place, entry in enumerate(entries or ()):
                self._check_leaf(index * WIDE + place, entry)
        self.given.append(above)

    def _read_level(self, level: int) -> None:
        above: Row = []
        self.stated.append({})
        for index, width in self._tiles(level):
            hashes = self.given[level][index * WIDE : index * WIDE + width]
            # Where a tile cannot be read, the tiles below it say what it said.
            below = self._stated_below(level, index * WIDE, hashes)
            tile = self._tile(level, index, width) or below
            if tile != hashes:
                self.stated[level][index] = tile
                self._below[level, index] = below
            if width == WIDE:
                above.append(row_root(hashes))
        self.given.append(above)

    def _stated_below(self, level: int, first: int, hashes: Row) -> Row:
        below = self.stated[level - 1]
        return [row_root(below[at]) if at in below else each for at, each in enumerate(hashes, first)]

    def _tile(self, level: int, index: int, width: int) -> Row | None:
        data, path, whole = self._file(level, index, width, LARGEST_TILE)
        if data is None:
            return None
        if len(data) != whole * HASH:
            self.findings.tell("tile-damaged", path=path, found=len(data), expected=whole * HASH)
            self._unread.add(log_path(level, index, width))
            return None
        return [data[at : at + HASH] for at in range(0, width * HASH, HASH)]

    def _entries(self, index: int, width: int) -> list[bytes] | None:
        data, path, whole = self._file("entries", index, width, LARGEST_ENTRIES)
        if data is None:
            return None
        entries: list[bytes] = []
        at = 0
        while at < len(data) and len(entries) < whole:
            start = at + 2
            at = start + int.from_bytes(data[at:start], "big")
            if at > len(data):
                break
            entries.append(data[start:at])
        if at != len(data) or len(entries) != whole:
            self.findings.tell("bundle-damaged", path=path, index=index * WIDE + min(len(entries), whole - 1))
            self._unread.add(log_path("entries", index, width))
            return None
        return entries[:width]

    def _file(self, level: int | str, index: int, width: int, most: int) -> tuple[bytes | None, str, int]:
        """Return a file, its path and its width; a partial one may have given way to the full one."""
        for whole in (width, WIDE):
            path = log_path(level, index, whole)
            try:
                return self.read(path, most), path, whole
            except FileNotFoundError:
                continue
        path = log_path(level, index, width)
        self.findings.tell("file-missing", path=path)
        self._unread.add(path)
        self._missing += 1
        if self._missing > MOST_FINDINGS:
            raise _GivenUp
        return None, path, width

    def _check_leaf(self, index: int, entry: bytes) -> None:
        match = LEAF.fullmatch(entry)
        if match is None:
            self.findings.tell("leaf-malformed", index=index, path=self._bundle_of(index))
            return
        at, commitment, identity, kind = match.groups()
        if self.watch is not None:
            self.watch.leaf(index, at=at, kind=kind)
        if identity in self._ids:
            self.findings.tell("leaf-twice", index=index)
        self._ids.add(identity)
        opening = self.openings.get(index)
        if opening is None:
            return
        if opening.id != identity.decode():
            self.findings.tell("opening-of-other", index=index)
        elif opening.commitment != commitment.decode():
            self.findings.tell("opening-fails", index=index)

    def _bundle_of(self, index: int) -> str:
        return log_path("entries", index // WIDE, self._width(0, index // WIDE))

    def _width(self, level: int, tile: int) -> int:
        return min(WIDE, (self.size >> (8 * level)) - tile * WIDE)

    # ---- naming what differs -----------------------------------------------------------------------------

    def _tell_changed_tiles(self) -> None:
        """Name every tile that is not as the entries, which give the signed root, make it."""
        for level, tiles in enumerate(self.stated):
            for index, tile in tiles.items():
                self._tell_tile("tile-changed", level, index, tile, self._given(level, index))

    def _given(self, level: int, index: int) -> Row:
        if level == 0:
            return self.leaves[index]
        return self.given[level][index * WIDE : index * WIDE + self._width(level, index)]

    def _tell_tile(self, code: str, level: int, index: int, tile: Row, right: Row) -> None:
        path = log_path(level, index, len(tile))
        if path not in self._unread:
            place = next(at for at, (one, other) in enumerate(zip(tile, right, strict=True)) if one != other)
            self.findings.tell(code, path=path, place=place)

    def _search(self, root: bytes) -> None:
        """Name what was changed where the entries do not give the signed root."""
        edges = self._edges(root)
        if edges is None:
            self._tell_doubts(root)
            return
        believed: Row = []
        for level in range(len(self.stated) - 1, 0, -1):
            believed = self._believed(level, believed, edges[level])
        last = self.size // WIDE
        changed: list[tuple[int, Row, Row]] = []
        for index in range(last + bool(self.size % WIDE)):
            is_edge = index == last
            right = edges[0] if is_edge else self._right_leaves(index, believed[index])
            if right and index in self.stated[0]:
                self._tell_stated(0, index, right)
                changed.append((index, self.leaves[index], right))
        self._tell_entries(changed)

    def _edges(self, root: bytes) -> list[Row] | None:
        """Return the right edge's rows, each from the tile or from below, that together give the signed root."""
        choices: list[list[Row]] = []
        for level in range(len(self.stated)):
            index, width = divmod(self.size >> (8 * level), WIDE)
            choices.append(self._candidates(level, index) if width else [[]])
        return next((list(rows) for rows in itertools.product(*choices) if edge_root(rows) == root), None)

    def _candidates(self, level: int, index: int) -> list[Row]:
        """Return what a tile may have held: what it states, what entries give, what two of three sources agree on."""
        given, stated = self._given(level, index), self.stated[level].get(index)
        if stated is None:
            return [given]
        below = self._below.get((level, index), given)
        agreed = [one if one == two else three for one, two, three in zip(given, below, stated, strict=True)]
        return [stated, given, agreed]

    def _believed(self, level: int, above: Row, edge: Row) -> Row:
        """Return one level's hashes as the signed root vouches for them; empty ones where nothing fits."""
        rows: Row = []
        last = (self.size >> (8 * level)) // WIDE
        for index in range(last):
            right = next((row for row in self._candidates(level, index) if row_root(row) == above[index]), None)
            if right is not None:
                self._tell_stated(level, index, right)
            elif above[index]:
                self._tell_unfit(level, index)
            rows += right or [b""] * WIDE
        self._tell_stated(level, last, edge)
        return rows + edge

    def _tell_stated(self, level: int, index: int, right: Row) -> None:
        stated = self.stated[level].get(index)
        if stated is not None and stated != right:
            self._tell_tile("tile-changed", level, index, stated, right)

    def _tell_unfit(self, level: int, index: int) -> None:
        path, stated = log_path(level, index), self.stated[level].get(index)
        if stated is not None:
            self._tell_tile("tiles-disagree", level, index, stated, self._given(level, index))
        elif path not in self._unread:
            self.findings.tell("file-unfit", path=path)

    def _right_leaves(self, index: int, believed: bytes) -> Row:
        """Return a full bundle's leaf hashes as the tree vouches for them; none where nothing fits or all is well."""
        if not believed or (believed == self.given[1][index] and index not in self.stated[0]):
            return []
        for row in (self.stated[0].get(index), self.leaves.get(index)):
            if row is not None and row_root(row) == believed:
                return row
        self._tell_unfit_leaves(index)
        return []

    def _tell_unfit_leaves(self, index: int) -> None:
        stated, bundle, tile = self.stated[0].get(index), log_path("entries", index), log_path(0, index)
        readable = [path for path in (bundle, tile) if path not in self._unread]
        if stated is None and len(readable) == 2:
            self.findings.tell("changed-together", path=bundle, tile=tile)
        elif stated is None:
            for path in readable:
                self.findings.tell("file-unfit", path=path)
        for place, (one, other) in enumerate(zip(stated, self.leaves[index], strict=True) if stated else ()):
            if one != other:
                self.findings.tell("disagree", index=index * WIDE + place, path=bundle, tile=tile)

    def _tell_entries(self, changed: Sequence[tuple[int, Row, Row]]) -> None:
        wrong: list[tuple[int, bytes]] = []
        places: dict[bytes, int] = {}
        for index, given, right in changed:
            for place, (one, other) in enumerate(zip(given, right, strict=True)):
                if one != other:
                    wrong.append((index * WIDE + place, one))
                    places[other] = index * WIDE + place
        for index, found in wrong:
            values: dict[str, Any] = {"index": index, "path": self._bundle_of(index)}
            if found in places:
                self.findings.tell("entry-moved", **values, place=places[found])
            else:
                self.findings.tell("entry-changed", **values)

    def _tell_doubts(self, root: bytes) -> None:
        """Say where entries and tiles differ although neither gives the signed root, and what they give."""
        for level, tiles in enumerate(self.stated):
            for index, tile in tiles.items():
                if level:
                    self._tell_tile("tiles-disagree", level, index, tile, self._given(level, index))
                elif index < self.size // WIDE:
                    self._tell_unfit_leaves(index)
                else:
                    self._tell_edge_leaves(index, tile)
        found = self.root_at(self.size)
        self.findings.tell("root-differs", size=self.size, found=found.hex(), signed=root.hex())

    def _tell_edge_leaves(self, index: int, tile: Row) -> None:
        path, hashes = log_path("entries", index, len(tile)), log_path(0, index, len(tile))
        for place, (one, other) in enumerate(zip(tile, self.leaves[index], strict=True)):
            if one != other:
                self.findings.tell("disagree", index=index * WIDE + place, path=path, tile=hashes)
