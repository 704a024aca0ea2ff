"""From committed entries to a published checkpoint, one step after the other, each safe to run again.

1. indexes: waiting entries get the next ones, and the transaction commits
2. tiles: every file that the new entries change is durable in the store
3. stored: the signed checkpoint is a row
4. published: the same checkpoint is the file that the world reads

Killed anywhere, the next run finds what is missing and writes the same bytes.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

import structlog
from django import db
from django.conf import settings

from provenance.actor import Actor
from provenance.audit_log import actions, files, queries
from provenance.audit_log.errors import (
    BundleDamaged,
    LogBehind,
    LogForked,
    LogRenamed,
    TileDamaged,
    TileMissing,
)
from provenance.audit_log.keys import KeyFolder, write_vkey
from provenance.audit_log.note import Checkpoint, Ed25519NoteSigner, open_checkpoint, sign_note, split_note
from provenance.audit_log.proofs import paths_of
from provenance.audit_log.publishing import publish
from provenance.audit_log.tiles import HEIGHT, TileReader, entries_path, new_tiles, tile_path
from provenance.audit_log.tree import consistency_proof, leaf_hash, root, root_at, verify_consistency

log = structlog.get_logger(__name__)
MOST_AT_ONCE = 65_536
"""Entries in one round: some twenty megabytes of leaves."""


@dataclass(frozen=True)
class Sequenced:
    """What one run did."""

    numbered: int
    size: int
    """Entries in the checkpoint that is in force now."""


def sequence(*, restoring: bool = False) -> Sequenced | None:
    """Number every committed entry and publish a checkpoint over them; None when another process does it now.

    With ``restoring``, files that the store has lost are looked for, all of them, and written again first.
    Raises LogBehind, LogForked, LogRenamed, LogKeyMissing, EntryAltered, SequencerReplaced and StorageFull; nothing is
    published then.
    """
    with actions.as_the_only_sequencer() as is_held:
        if not is_held:
            return None
        key_in_force()
        numbered, taken = 0, MOST_AT_ONCE
        refuse_if_behind()
        if restoring:
            restore_lost_files()
        while taken == MOST_AT_ONCE:
            taken = actions.take_positions(most=MOST_AT_ONCE)
            numbered += taken
            size = publish_what_is_numbered()
        if numbered:
            log.info("log sequenced", entries=numbered, size=size)
        return Sequenced(numbered=numbered, size=size)


def key_folder() -> KeyFolder:
    """Return where this installation keeps the log's keys."""
    environment = settings.ENVIRONMENT
    return KeyFolder(environment.log_keys_folder, origin=environment.log_origin)


def key_in_force() -> str:
    """Return the verifier key that signs now; the first start makes it and tells the log.

    Raises LogRenamed where the setting gives the log another name than it began with.
    """
    folder, known = key_folder(), queries.keys()
    if known:
        vkey = known[-1].vkey
    else:
        waiting = folder.signers()  # made before a crash kept it from being told
        vkey = actions.adopt_key((waiting[0] if waiting else folder.make()).vkey)
    origin = vkey.partition("+")[0]
    if settings.ENVIRONMENT.log_name not in {"", origin}:
        raise LogRenamed(origin=origin, wanted=settings.ENVIRONMENT.log_name)
    write_vkey(settings.ENVIRONMENT.log_vkey_file, vkey)
    return vkey


def refuse_if_behind() -> Checkpoint | None:
    """Return the published checkpoint; raise LogBehind or LogForked where the database does not lead to it."""
    note = files.published()
    if note is None:
        return None
    published = open_checkpoint(note, keys=queries.keys()).checkpoint
    size = queries.size()
    if published.size > size:
        raise LogBehind(size=size, published=published.size)
    stored = queries.checkpoint_of(published.size)
    if stored is None or stored.root != f"sha256:{published.root.hex()}":
        raise LogForked(size=published.size)
    return published


def publish_what_is_numbered() -> int:
    """Write tiles and a checkpoint for every entry that has its index; return the size then in force."""
    size, published = queries.size(), refuse_if_behind()
    stored = _stored_note()
    if size == 0 or (published and published.size == size):
        return size
    old = _of(stored) if stored else None
    if old and old.size > size:
        raise LogBehind(size=size, published=old.size)
    if old and published is None:
        rebuild(old)  # without a published checkpoint the store may be new
    note = stored if stored and old and old.size == size else _grown(size, old=old)
    publish(note)
    _retire_old_keys(note)
    _delete_replaced(published.size if published else 0, size)
    return size


def _of(note: str) -> Checkpoint:
    return Checkpoint.parse(split_note(note)[0])


def _stored_note() -> str | None:
    """Return the note of the newest stored checkpoint; raises LogForked where its row contradicts it."""
    stored = queries.latest_checkpoint()
    if stored is None:
        return None
    if stored.root != f"sha256:{_of(stored.note).root.hex()}":
        raise LogForked(size=stored.size)
    return stored.note


def restore_lost_files() -> None:
    """Write the log's files again from the database where one is not in the store."""
    note = _stored_note()
    stored = _of(note) if note else None
    if stored and queries.size() >= stored.size and (lost := files.lacking(paths_of(stored.size))):
        log.warning("files of the log were lost and are written again", first=lost[0], files=len(lost))
        rebuild(stored)


def rebuild(stored: Checkpoint) -> None:
    """Write every file of a stored checkpoint again; raises LogForked where the database leads to another root.

    That is known before the first file is written over: what outsiders hold stays to be compared.
    """
    stops = [*range(0, stored.size, MOST_AT_ONCE), stored.size]
    hashes = [leaf_hash(leaf) for first, last in pairwise(stops) for leaf in queries.leaves(first, last)]
    if root(hashes) != stored.root:
        raise LogForked(size=stored.size)
    write_tiles(0, stored.size)


def _grown(size: int, *, old: Checkpoint | None) -> str:
    """Return the note of a new checkpoint, its files durable; what the store has lost of the old ones is rebuilt."""
    start = old.size if old else 0
    try:
        write_tiles(start, size)
        return _signed(size, old=old)
    except (TileMissing, TileDamaged, BundleDamaged) as error:
        if old is None:
            raise
        log.warning("files of the log were lost and are written again", reason=error.said("en"))
        rebuild(old)
        write_tiles(start, size)
        return _signed(size, old=old)


def _delete_replaced(old: int, size: int) -> None:
    """Remove partial tiles that are full since the checkpoint before; else each checkpoint would leave some for good.

    Whoever still asks for one is given the beginning of the full tile.
    """
    level = 0
    while size >> (HEIGHT * (level + 1)):
        span = HEIGHT * (level + 1)
        for index in range(old >> span, size >> span):
            files.delete_partial(tile_path(level, index))
            if level == 0:
                files.delete_partial(entries_path(index))
        level += 1


def write_tiles(start: int, end: int) -> None:
    """Make every file durable that a log of ``end`` entries has beyond one of ``start``."""
    stops = [start, *range(start - start % MOST_AT_ONCE + MOST_AT_ONCE, end, MOST_AT_ONCE), end]
    for first, last in pairwise(stops):
        files.write(new_tiles(first, entries=queries.leaves(first, last), read=files.read))


def _signed(size: int, *, old: Checkpoint | None) -> str:
    """Sign and store the checkpoint of a size, once the tiles show that it continues the one before."""
    reader = TileReader(files.read, size=size)
    new_root = root_at(size, reader.read_hash)
    if old:
        proof = consistency_proof(old.size, size, reader.read_hash)
        if not verify_consistency(old_size=old.size, new_size=size, old_root=old.root, new_root=new_root, proof=proof):
            raise LogForked(size=old.size)
    signers = _signers()
    checkpoint = Checkpoint(signers[-1].name, size, new_root)
    note = sign_note(checkpoint.text(), signers)
    actions.store_checkpoint(checkpoint, note=note)
    return note


def _signers() -> list[Ed25519NoteSigner]:
    """Return who signs now: the key in force, after an older one whose last signature still leads to it."""
    folder, keys = key_folder(), queries.keys()
    older = [folder.signer_of(key.vkey) for key in keys[:-1] if folder.has(key.vkey)]
    return [*older, folder.signer_of(keys[-1].vkey)]


def _retire_old_keys(note: str) -> None:
    """Delete keys that were replaced, once a published checkpoint carries their signature beside the new one."""
    signed = {each.key_id for each in split_note(note)[1]}
    known = queries.keys()
    for key in known[:-1]:
        if known[-1].key_id in signed:
            key_folder().delete(key.vkey)


def rotate(*, actor: Actor) -> str:
    """Replace the log's key, tell the log, and publish a checkpoint that both keys sign; return the new one.

    Raises LogKeyMissing where the old key is not here to sign, LogBehind and LogForked; the log keeps its key then.
    """
    old = key_in_force()
    key_folder().signer_of(old)
    refuse_if_behind()
    new = key_folder().make().vkey
    try:
        actions.rotate_key(actor=actor, old=old, new=new)
    except BaseException:
        with suppress(db.Error):  # where nobody can say whether it was committed, the file stays
            known = queries.keys()
            if new not in {key.vkey for key in known}:
                key_folder().delete(new)
        raise
    write_vkey(settings.ENVIRONMENT.log_vkey_file, new)
    sequence()
    return new
