"""The whole published log as one file, with the openings that its recipient may read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO, Any

from django.db import transaction

from provenance.actor import Actor
from provenance.audit_log import actions, files, proofs, queries
from provenance.audit_log.bundle import write_bundle
from provenance.audit_log.events import LogExported


@transaction.atomic
def export(target: IO[bytes], *, actor: Actor, manifests: Iterable[tuple[str, bytes]]) -> None:
    """Write an export bundle over the published checkpoint; that it was taken away is an entry.

    Raises NotPermitted for whoever is no auditor, and NoCheckpointYet.
    """
    actor.require("auditor")
    now = proofs.head()
    opened = queries.openings_visible_to(actor, below=now.checkpoint.size)
    _write(target, actor=actor, now=now, openings=opened, manifests=manifests)


@transaction.atomic
def export_leaves(target: IO[bytes], *, actor: Actor, leaves: Iterable[str]) -> None:
    """Write an export bundle that opens some entries, by their leaf hashes; that it was taken away is an entry.

    Who may have them opened is for the caller to know. Raises NoCheckpointYet.
    """
    now = proofs.head()
    opened = queries.openings_of(leaves, below=now.checkpoint.size)
    _write(target, actor=actor, now=now, openings=opened, manifests=())


def _write(
    target: IO[bytes],
    *,
    actor: Actor,
    now: proofs.Head,
    openings: Iterable[dict[str, Any]],
    manifests: Iterable[tuple[str, bytes]],
) -> None:
    opened, keys = _Counted(openings), queries.keys()
    write_bundle(
        target,  # type: ignore[arg-type]  # a temporary file is a binary one
        log_files=_log_files(now),
        vkey=proofs.key_of(now.note).vkey,
        other_vkeys=[key.vkey for key in keys],
        openings=opened,
        manifests=manifests,
    )
    root = f"sha256:{now.checkpoint.root.hex()}"
    actions.append(LogExported(actor=actor, size=now.checkpoint.size, root=root, openings=opened.count))


def _log_files(now: proofs.Head) -> Iterator[tuple[str, bytes]]:
    yield files.CHECKPOINT, now.note.encode()
    for path in proofs.paths_of(now.checkpoint.size):
        yield path, proofs.tile(path)


class _Counted:
    """Counts what passes through it."""

    def __init__(self, inner: Iterable[dict[str, Any]]) -> None:
        self._inner, self.count = inner, 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for each in self._inner:
            self.count += 1
            yield each
