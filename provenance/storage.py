"""Files under their own sha256: written whole or not at all, and checked when read."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.db import connection

from provenance.canonical import Digest, is_digest, sha256_digest
from provenance.errors import FileAltered, FileMissing, StorageFull

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
DRAFT_PREFIX = ".draft-"


class FolderStorage(FileSystemStorage):
    """A folder in which a file appears under its name only when all of it is on disk."""

    def _save(self, name: str, content: File) -> str:
        target = Path(self.path(name))
        is_new_folder = not target.parent.exists()
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = target.with_name(f"{DRAFT_PREFIX}{uuid4().hex}")
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, target)
        finally:
            draft.unlink(missing_ok=True)
        _sync_folder(target.parent)
        if is_new_folder:  # a power cut must not take it along
            _sync_folder(target.parent.parent)
        return name

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Return the name itself: the same digest is the same file."""
        return name


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _content() -> Storage:
    return storages["content"]


def _name(digest: Digest) -> str:
    if not is_digest(digest):
        raise FileMissing(digest=str(digest)[:80])
    code = digest.removeprefix("sha256:")
    return f"{code[:2]}/{code}"


def store(data: bytes) -> Digest:
    """Keep a file and return its digest; keeping the same bytes twice is one file.

    Raises StorageFull when the disk or quota has no room.
    """
    digest = sha256_digest(data)
    name = _name(digest)
    # A file that stands but was cut short by a failing disk is written anew.
    if _content().exists(name) and _content().size(name) == len(data):
        return digest
    try:
        _content().save(name, ContentFile(data))
    except OSError as error:
        if error.errno in FULL:
            raise StorageFull() from error
        raise
    return digest


def load(digest: Digest) -> bytes:
    """Return the file kept under a digest.

    Raises FileMissing when there is none, FileAltered when its bytes have another digest.
    """
    try:
        with _content().open(_name(digest)) as file:
            data = bytes(file.read())
    except FileNotFoundError as error:
        raise FileMissing(digest=digest) from error
    if sha256_digest(data) != digest:
        raise FileAltered(digest=digest)
    return data


def digest_now(digest: Digest) -> Digest:
    """Return the digest that the file kept under a digest has now, read piece by piece; raises FileMissing."""
    code = hashlib.sha256()
    try:
        with _content().open(_name(digest)) as file:
            for piece in file.chunks():
                code.update(piece)
    except FileNotFoundError as error:
        raise FileMissing(digest=digest) from error
    return f"sha256:{code.hexdigest()}"


def hold(*digests: Digest) -> None:
    """Lock digests until the caller's transaction ends, against the sweeper and against a second writer.

    They are locked in the order of their names, so that two who lock the same ones never block each other.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(digest, 0)) FROM unnest(%s::text[]) AS digest",
            [sorted(digests)],
        )


def exists(digest: Digest) -> bool:
    """Say whether a file is kept under a digest."""
    return _content().exists(_name(digest))


def delete(digest: Digest) -> None:
    """Remove the file kept under a digest, if there is one."""
    _content().delete(_name(digest))


def stored_files() -> Iterator[tuple[Digest, datetime]]:
    """Yield the digest of every kept file and when it was written."""
    content = _content()
    try:
        folders = content.listdir("")[0]
    except FileNotFoundError:
        return
    for folder in folders:
        for name in content.listdir(folder)[1]:
            if is_digest(f"sha256:{name}"):
                yield f"sha256:{name}", content.get_modified_time(f"{folder}/{name}")


def delete_drafts(*, older_than: datetime) -> int:
    """Remove what crashes left half-written before a moment, and return how many there were."""
    content = _content()
    if not isinstance(content, FolderStorage):
        return 0  # a bucket shows no half-written objects
    drafts = [
        path
        for path in Path(content.location).rglob(f"{DRAFT_PREFIX}*")  # the log's tiles lie deeper than the rest
        if path.stat().st_mtime < older_than.timestamp()
    ]
    for path in drafts:
        path.unlink(missing_ok=True)
    return len(drafts)
