"""The log against itself: rows of entries, their openings, their places, and the published tree over them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from generation.actions.differences import Findings, streamed
from provenance.audit_log import files, queries, tree
from provenance.audit_log.entry import EntryTooLarge, Leaf, commitment_to
from provenance.audit_log.errors import LogError
from provenance.audit_log.note import open_checkpoint
from provenance.audit_log.tiles import HEIGHT, WIDTH, ReadFile, TileName, TileReader, read_bundle, read_tile
from provenance.canonical import timestamp
from provenance.errors import NotCanonical

ENTRY, OPENING, POSITION = "audit_log_entry", "audit_log_opening", "audit_log_position"
COLUMNS = "entry.id, entry.kind, entry.at, entry.commitment, entry.leaf_hash, opening.salt, opening.details::text"
IN_ORDER = f"""
SELECT position.index, position.entry_id, {COLUMNS} FROM audit_log_position AS position
LEFT JOIN audit_log_entry AS entry ON entry.id = position.entry_id
LEFT JOIN audit_log_opening AS opening ON opening.entry_id = position.entry_id ORDER BY position.index
"""
UNPLACED = f"""
SELECT pending.entry_id IS NULL, entry.id, {COLUMNS} FROM audit_log_entry AS entry
LEFT JOIN audit_log_opening AS opening ON opening.entry_id = entry.id
LEFT JOIN audit_log_pending AS pending ON pending.entry_id = entry.id
WHERE NOT EXISTS (SELECT FROM audit_log_position AS position WHERE position.entry_id = entry.id)
"""


@dataclass(frozen=True)
class Row:
    """What the tables hold of one entry; ``kind`` and the rest are missing where its row is gone."""

    entry: UUID
    id: UUID | None
    kind: str
    at: datetime
    commitment: str
    leaf_hash: str
    salt: bytes | None
    details: str | None

    def leaf(self) -> Leaf:
        """Return the leaf that the row gives now."""
        return Leaf(id=self.entry, kind=self.kind, at=self.at, commitment=self.commitment)

    def columns(self) -> dict[str, str]:
        """Return the columns that the published leaf holds too, as it spells them."""
        return {"kind": self.kind, "at": timestamp(self.at), "commitment": self.commitment}


@dataclass(frozen=True)
class Published:
    """What the tiles hold at one index: the leaf of the bundle, and the hash in the tree."""

    leaf: bytes
    hash: bytes

    @property
    def is_whole(self) -> bool:
        """Say whether leaf and hash fit each other, so that the tree vouches for the leaf."""
        return tree.leaf_hash(self.leaf) == self.hash


def compare_log(findings: Findings) -> None:
    """Tell what in the log is not as it was appended and published."""
    size = _published_size(findings)
    tiles = PublishedTiles(findings, size=size)
    rows = ((int(index), Row(*rest)) for index, *rest in streamed(IN_ORDER))
    expected = 0
    for number, bundle in groupby(rows, key=lambda item: item[0] // WIDTH):
        leaves = tiles.bundle(number)
        for index, row in bundle:
            _tell_gap(findings, expected, index)
            expected = index + 1
            compare_entry(findings, row, index=index, published=leaves.get(index), tiles=tiles)
            findings.step()
    _tell_gap(findings, expected, size)
    tiles.compare_upward()
    for is_lost, *rest in streamed(UNPLACED):
        row = Row(*rest)
        if is_lost:
            findings.tell("entry-without-place", table=ENTRY, row=row.entry, field="index", recorded=row.leaf_hash)
        compare_entry(findings, row, index=None, published=None, tiles=tiles)


def _tell_gap(findings: Findings, expected: int, index: int) -> None:
    """Tell that indexes are missing between the one expected and the one found."""
    if expected < index:
        row = expected if expected == index - 1 else f"{expected} to {index - 1}"
        findings.tell("place-missing", table=POSITION, row=row, field="index", recorded=expected, found=index)


def _published_size(findings: Findings) -> int:
    """Return how many entries the published checkpoint covers; tell where it is not the one that was signed."""
    note = files.published()
    if note is None:
        return 0
    try:
        head = open_checkpoint(note, keys=queries.keys()).checkpoint
    except LogError as error:
        findings.tell(
            "checkpoint-differs", table="file", row="log/checkpoint", field="signature", found=error.said("en")
        )
        stored = queries.latest_checkpoint()
        return stored.size if stored else 0
    stored = queries.checkpoint_of(head.size)
    recorded, found = stored.root if stored else "", f"sha256:{head.root.hex()}"
    if recorded != found:
        told = {"recorded": recorded, "found": found}
        findings.tell("checkpoint-differs", table="audit_log_checkpoint", row=head.size, field="root", **told)
    return head.size


# ---- one entry -------------------------------------------------------------------------------------------------


def compare_entry(
    findings: Findings, row: Row, *, index: int | None, published: Published | None, tiles: PublishedTiles
) -> None:
    """Tell where an entry's row, its opening and what was published of it differ."""
    findings.count("entries")
    if published and not _is_published_so(findings, row, index=index or 0, published=published, tiles=tiles):
        return
    if row.id is None:
        findings.true_kinds[row.entry] = ""
        findings.tell("entry-missing", table=ENTRY, row=row.entry, field="id", recorded=row.entry)
        return
    if not published and row.leaf().hash() != row.leaf_hash:
        findings.true_kinds[row.entry] = ""
        findings.tell(
            "entry-altered", table=ENTRY, row=row.entry, field="leaf_hash",
            recorded=row.leaf_hash, found=row.leaf().hash(), entry=row.entry,
        )  # fmt: skip
        return
    _compare_opening(findings, row, commitment=row.commitment)


def _is_published_so(findings: Findings, row: Row, *, index: int, published: Published, tiles: PublishedTiles) -> bool:
    """Say whether an entry's row is what the tree holds; tell which of row, bundle and tile is not."""
    row_hash = bytes.fromhex(row.leaf().hash()[7:]) if row.id else b""
    if row_hash == published.hash:
        if not published.is_whole:
            told = {"recorded": row.leaf_hash, "found": f"sha256:{tree.leaf_hash(published.leaf).hex()}"}
            tiles.tell(TileName(None, index // WIDTH), field=f"entry {index}", **told)
        if row.leaf_hash != f"sha256:{published.hash.hex()}":
            _tell_entry(findings, row, "leaf_hash", f"sha256:{published.hash.hex()}", row.leaf_hash)
        return True
    if row.id and f"sha256:{row_hash.hex()}" == row.leaf_hash and row.leaf().encoded() == published.leaf:
        told = {"recorded": row.leaf_hash, "found": f"sha256:{published.hash.hex()}"}
        tiles.tell(TileName(0, index // WIDTH), field=f"hash {index}", **told)
        return True
    _tell_altered(findings, row, index=index, published=published)
    return False


def _tell_altered(findings: Findings, row: Row, *, index: int, published: Published) -> None:
    """Tell in which columns an entry's row is not the leaf that was published at its index."""
    leaf = _parsed(published.leaf) if published.is_whole else {}
    findings.true_kinds[row.entry] = leaf.get("kind", "") if leaf.get("id") == str(row.entry) else ""
    if row.id is None:
        findings.tell("entry-missing", table=ENTRY, row=row.entry, field="id", recorded=leaf.get("id", row.entry))
    elif leaf and leaf["id"] != str(row.entry):
        del findings.true_kinds[row.entry]  # the entry is whole and stands at another's index
        findings.tell(
            "place-differs", table=POSITION, row=index, field="entry_id", recorded=leaf["id"], found=row.entry
        )
        _compare_opening(findings, row, commitment=row.commitment)
    elif leaf:
        for column, found in row.columns().items():
            if leaf[column] != found:
                _tell_entry(findings, row, column, leaf[column], found)
        _compare_opening(findings, row, commitment=leaf["commitment"])
        if row.leaf_hash != f"sha256:{published.hash.hex()}":
            _tell_entry(findings, row, "leaf_hash", f"sha256:{published.hash.hex()}", row.leaf_hash)
    else:
        _tell_entry(findings, row, "leaf_hash", f"sha256:{published.hash.hex()}", row.leaf().hash())


def _tell_entry(findings: Findings, row: Row, column: str, recorded: str, found: str) -> None:
    told = {"recorded": recorded, "found": found, "entry": row.entry}
    findings.tell("entry-altered", table=ENTRY, row=row.entry, field=column, **told)


def _parsed(leaf: bytes) -> dict[str, Any]:
    try:
        found = json.loads(leaf)
    except ValueError:
        return {}
    is_leaf = isinstance(found, dict) and {"id", "kind", "at", "commitment"} <= set(found)
    return found if is_leaf else {}


def _compare_opening(findings: Findings, row: Row, *, commitment: str) -> None:
    """Tell where an opening does not open its entry's commitment; one that was erased is counted."""
    if row.details is None:
        findings.count("openings erased")
        return
    try:
        found = commitment_to(json.loads(row.details), salt=bytes(row.salt or b""))
    except (EntryTooLarge, NotCanonical) as error:
        found = error.code
    if found != commitment:
        findings.altered_openings.add(row.entry)
        told = {"recorded": commitment, "found": found, "entry": row.entry}
        findings.tell("opening-altered", table=OPENING, row=row.entry, field="details", **told)


# ---- the published files ---------------------------------------------------------------------------------------


class PublishedTiles:
    """The tiles below the published checkpoint, and which of them were told to be bad."""

    def __init__(self, findings: Findings, *, size: int) -> None:
        self.findings, self.size = findings, size
        self.bad: set[str] = set()

    def bundle(self, number: int) -> dict[int, Published]:
        """Return what is published of one bundle, by index; tell where bundle or tile cannot be read."""
        width = min(WIDTH, self.size - number * WIDTH)
        if width <= 0:
            return {}
        bundle, tile = TileName(None, number, width), TileName(0, number, width)
        leaves, hashes = self._read(bundle, read_bundle), self._read(tile, _read_hashes)
        if leaves is None or hashes is None:
            return {}
        return {number * WIDTH + at: Published(*pair) for at, pair in enumerate(zip(leaves, hashes, strict=True))}

    def compare_upward(self) -> None:
        """Tell where tiles do not lead to those above them, or to the signed root."""
        reader = TileReader(files.read, size=self.size)
        for level in range(1, (max(self.size, 1).bit_length() - 1) // HEIGHT + 1):
            for index in range(self.size >> (HEIGHT * level)):
                self._compare_with_above(TileName(level - 1, index), reader)
        stored = queries.checkpoint_of(self.size)
        if self.bad or stored is None:
            return  # a tile that was told already leads to no root
        try:
            found = f"sha256:{tree.root_at(self.size, reader.read_hash).hex()}"
        except LogError as error:
            self.findings.tell(error.code, table="file", row="log/tile", found=error.said("en"))
            return
        if found != stored.root:
            self.findings.tell(
                "checkpoint-differs", table="audit_log_checkpoint", row=self.size, field="root",
                recorded=stored.root, found=found,
            )  # fmt: skip

    def tell(self, name: TileName, *, field: str, recorded: str, found: str) -> None:
        """Tell that a tile does not hold what the tree needs at a place; its name is the one read."""
        name = TileName(name.level, name.index, min(WIDTH, self._count(name) - name.index * WIDTH))
        self.bad.add(name.path)
        self.findings.tell(
            "tile-differs", table="file", row=f"log/{name.path}", field=field, recorded=recorded, found=found
        )

    def _count(self, name: TileName) -> int:
        return self.size >> (HEIGHT * (name.level or 0))

    def _read(self, name: TileName, read: Callable[..., list[bytes]]) -> list[bytes] | None:
        try:
            return read(name, files.read, size=self.size)
        except LogError as error:
            self.bad.add(name.path)
            self.findings.tell(error.code, table="file", row=f"log/{name.path}", found=error.said("en"))
            return None

    def _compare_with_above(self, below: TileName, reader: TileReader) -> None:
        hashes = None if below.path in self.bad else self._read(below, _read_hashes)
        if hashes is None:
            return
        try:
            above = reader.read_hash(HEIGHT * ((below.level or 0) + 1), below.index)
        except LogError as error:
            name = TileName((below.level or 0) + 1, below.index // WIDTH)
            self.bad.add(name.path)
            self.findings.tell(error.code, table="file", row=f"log/{name.path}", found=error.said("en"))
            return
        if above != tree.root(hashes):
            name = TileName((below.level or 0) + 1, below.index // WIDTH)
            told = {"recorded": f"sha256:{tree.root(hashes).hex()}", "found": f"sha256:{above.hex()}"}
            self.tell(name, field=f"hash {below.index}", **told)


def _read_hashes(name: TileName, read: ReadFile, *, size: int) -> list[bytes]:
    data = read_tile(name, read, size=size)
    return [data[at : at + tree.HASH_BYTES] for at in range(0, len(data), tree.HASH_BYTES)]
