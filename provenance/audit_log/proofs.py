"""Proofs for whoever asks, from the published tiles and never beyond the published checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from provenance.audit_log import files, queries
from provenance.audit_log.errors import (
    EntryUnknown,
    NoCheckpointYet,
    NotAnEarlierSize,
    NotInTree,
    NotYetPublished,
    ProofFails,
)
from provenance.audit_log.note import (
    Checkpoint,
    VerifierKey,
    cosigned_at,
    open_checkpoint,
    split_note,
    with_signatures,
)
from provenance.audit_log.proof import make_proof
from provenance.audit_log.tiles import (
    HEIGHT,
    TileName,
    TileReader,
    entries_path,
    pack_entries,
    read_bundle,
    read_tile,
    tile_path,
    tiles_of,
)
from provenance.audit_log.tree import consistency_proof, inclusion_proof, root_at, verify_inclusion
from provenance.canonical import Digest

SECONDS_TO_A_CHECKPOINT = 2


@dataclass(frozen=True)
class Head:
    """The published checkpoint, its note, and which of the asked witnesses cosigned it."""

    checkpoint: Checkpoint
    note: str
    witnesses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inclusion:
    """That an entry is in a tree of a size: its leaf, its index, and the hashes that lead to the root."""

    index: int
    leaf: bytes
    size: int
    root: bytes
    hashes: tuple[bytes, ...]


@dataclass(frozen=True)
class Consistency:
    """That one tree is the beginning of another."""

    old: int
    new: int
    old_root: bytes
    new_root: bytes
    hashes: tuple[bytes, ...]


def head(*, witnesses: Sequence[VerifierKey] = ()) -> Head:
    """Return the published checkpoint; raises NoCheckpointYet before the first."""
    note = files.published()
    if note is None:
        raise NoCheckpointYet(seconds=SECONDS_TO_A_CHECKPOINT)
    return _head(note, witnesses)


def head_including(index: int, *, witnesses: Sequence[VerifierKey]) -> Head:
    """Return the newest checkpoint that a witness vouches for and that includes an entry, else the published one.

    A busy log outruns its witnesses: most checkpoints are replaced before anybody has cosigned them.
    Raises NoCheckpointYet before the first.
    """
    return _vouched_for(head(witnesses=witnesses), index=index, witnesses=witnesses)


def _vouched_for(published: Head, *, index: int, witnesses: Sequence[VerifierKey]) -> Head:
    if published.witnesses or not witnesses:
        return published
    names = [key.vkey for key in witnesses]
    older = queries.newest_cosigned(names, above=index, up_to=published.checkpoint.size)
    if older is None:
        return published
    return _head(with_signatures(older.note, queries.cosignatures_of(older.size)), witnesses)


def _head(note: str, witnesses: Sequence[VerifierKey]) -> Head:
    cosigned = tuple(key.name for key in witnesses if cosigned_at(note, key) is not None)
    return Head(_opened(note), note, cosigned)


@lru_cache(maxsize=16)
def _opened(note: str) -> Checkpoint:
    """Return the checkpoint that a note states, once one of the log's keys has signed it; they are never taken back."""
    return open_checkpoint(note, keys=queries.keys()).checkpoint


def key_of(note: str) -> VerifierKey:
    """Return the newest key that signed a checkpoint; right after a rotation that is still the old one."""
    signed, keys = {each.key_id for each in split_note(note)[1]}, queries.keys()
    return next((key for key in reversed(keys) if key.key_id in signed), keys[-1])


def index_of(leaf_hash: Digest, *, size: int) -> int:
    """Return the index of an entry; raises EntryUnknown, and NotYetPublished where a log of ``size`` lacks it."""
    index = queries.index_of(leaf_hash)
    if index is None or index >= size:
        raise NotYetPublished(seconds=SECONDS_TO_A_CHECKPOINT)
    return index


def inclusion(index: int, *, size: int, published: int) -> Inclusion:
    """Return the proof that the entry at an index is in the tree of a size, which may be an older one.

    Raises NotInTree beyond the size, and ProofFails where the tiles and the database disagree: then nothing is proved.
    """
    if size > published:
        raise NotInTree(index=size - 1, size=published)
    if not 0 <= index < size:
        raise NotInTree(index=index, size=size)
    reader = TileReader(files.read, size=published)
    return _inclusion(index, queries.leaf_hash_at(index), size=size, reader=reader)


def _inclusion(index: int, leaf: bytes, *, size: int, reader: TileReader) -> Inclusion:
    hashes = tuple(inclusion_proof(index, size, reader.read_hash))
    root = root_at(size, reader.read_hash)
    if not verify_inclusion(leaf, index=index, size=size, proof=hashes, root=root):
        raise ProofFails(index=index, size=size)
    return Inclusion(index, leaf, size, root, hashes)


def inclusions(
    places: Mapping[Digest, int | None], *, witnesses: Sequence[VerifierKey]
) -> tuple[Head, list[Inclusion]]:
    """Return the proofs that entries, by leaf hash and index, are in a checkpoint that witnesses vouch for, if any.

    Raises NoCheckpointYet, NotYetPublished for an entry that no published checkpoint includes, and ProofFails where
    the tiles do not lead from an entry to the checkpoint's root: then nothing is proved.
    """
    newest = head(witnesses=witnesses)
    published = newest.checkpoint.size
    indexes = [index for index in places.values() if index is not None and index < published]
    if len(indexes) < len(places):
        raise NotYetPublished(seconds=SECONDS_TO_A_CHECKPOINT)
    now = _vouched_for(newest, index=max(indexes), witnesses=witnesses)
    size = now.checkpoint.size
    reader = TileReader(files.read, size=max(size, published))
    leaves = (bytes.fromhex(leaf_hash.removeprefix("sha256:")) for leaf_hash in places)
    found = [_inclusion(index, leaf, size=size, reader=reader) for index, leaf in zip(indexes, leaves, strict=True)]
    if wrong := [one.index for one in found if one.root != now.checkpoint.root]:
        raise ProofFails(index=wrong[0], size=size)
    return now, found


def consistency(old: int, new: int) -> Consistency:
    """Return the proof that the tree of ``old`` entries is the beginning of the one of ``new``.

    Raises NotAnEarlierSize, and NotInTree for sizes that are not published.
    """
    published = head().checkpoint.size
    if new > published:
        raise NotInTree(index=new - 1, size=published)
    if not 0 <= old <= new:
        raise NotAnEarlierSize(old=old, new=new)
    reader = TileReader(files.read, size=published)
    hashes = tuple(consistency_proof(old, new, reader.read_hash))
    return Consistency(old, new, root_at(old, reader.read_hash), root_at(new, reader.read_hash), hashes)


def proof_file(leaf_hash: Digest, *, witnesses: Sequence[VerifierKey] = ()) -> str:
    """Return the ``c2sp.org/tlog-proof@v1`` file of an entry against a checkpoint that witnesses vouch for, if any.

    Raises EntryUnknown, NoCheckpointYet and NotYetPublished.
    """
    if not queries.has_leaf(leaf_hash):
        raise EntryUnknown()
    published = head().checkpoint.size
    index = index_of(leaf_hash, size=published)
    now = head_including(index, witnesses=witnesses)
    # The published tree may have grown meanwhile: its tiles hold those of every smaller one.
    size = now.checkpoint.size
    found = inclusion(index, size=size, published=max(size, published))
    if found.root != now.checkpoint.root:
        raise ProofFails(index=found.index, size=found.size)
    return make_proof(index=found.index, hashes=found.hashes, note=now.note)


def tile(path: str) -> bytes:
    """Return a tile or entry bundle as published; a partial one that was removed is cut from the full one.

    Raises FileNotFoundError for what is no tile of this log.
    """
    name = TileName.parse(path)
    if name is None:
        raise FileNotFoundError(path)
    try:
        return files.read(path)
    except FileNotFoundError:
        if name.width == TileName(name.level, name.index).width:
            raise
    full = TileName(name.level, name.index)
    files.read(full.path)  # raises for a partial tile that no full one has replaced
    if name.level is None:
        return pack_entries(read_bundle(name, files.read, size=0))
    return read_tile(name, files.read, size=0)


def paths_of(size: int) -> Iterator[str]:
    """Yield the path of every tile and entry bundle that a log of a size has."""
    yield from (entries_path(index, width) for index, width in tiles_of(size))
    level = 0
    while size >> (HEIGHT * level):
        yield from (tile_path(level, index, width) for index, width in tiles_of(size, level=level))
        level += 1
