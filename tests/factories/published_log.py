"""The published log as a stranger reads it, held against the database."""

from __future__ import annotations

from pathlib import Path

from django.db import connection, transaction

from provenance.audit_log import files
from provenance.audit_log.models import Entry, Pending, Position
from provenance.audit_log.tiles import TileReader, entries_path, unpack_entries
from provenance.audit_log.tree import leaf_hash, root, root_at
from tests.factories.log import published


def leaves_in_order() -> list[str]:
    return list(Position.objects.order_by("index").values_list("entry__leaf_hash", flat=True))


def indexes() -> list[int]:
    return list(Position.objects.order_by("index").values_list("index", flat=True))


def everything_adds_up() -> None:
    """Check the published log as a stranger would: dense indexes, root over the leaves, bundles that hold them."""
    size = published().checkpoint.size
    hashes = [bytes.fromhex(one.removeprefix("sha256:")) for one in leaves_in_order()]
    assert indexes() == list(range(Entry.objects.count())) and size == len(hashes) and not Pending.objects.exists()
    assert published().checkpoint.root == root(hashes) == root_at(size, TileReader(files.read, size=size).read_hash)
    rest = size % 256
    bundles = [unpack_entries(files.read(entries_path(index))) for index in range(size // 256)]
    bundles += [unpack_entries(files.read(entries_path(size // 256, rest)))] if rest else []
    assert [leaf_hash(data) for bundle in bundles for data in bundle] == hashes


def log_files(folder: Path) -> dict[str, bytes]:
    log = folder / "log"
    return {str(path.relative_to(log)): path.read_bytes() for path in log.rglob("*") if path.is_file()}


def forget(tables: str) -> None:
    """Delete rows as a restored backup would lack them: past the triggers, which only a superuser may."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in tables.split(";"):
            cursor.execute(statement)
