"""The log's files in the store, under ``log/``: tiles that never change, and the one checkpoint in force."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from provenance.errors import StorageFull
from provenance.storage import DRAFT_PREFIX, FULL, FolderStorage

FOLDER = "log"
CHECKPOINT = "checkpoint"
WRITERS = 8
"""Files written at once: a disk confirms several together in the time that it takes for one."""


def read(path: str) -> bytes:
    """Return a file of the log; raises FileNotFoundError where there is none."""
    with _content().open(f"{FOLDER}/{path}") as file:
        return bytes(file.read())


def published() -> str | None:
    """Return the note of the checkpoint in force; None before the first."""
    try:
        return read(CHECKPOINT).decode()
    except FileNotFoundError:
        return None


def publish(note: str) -> None:
    """Put a checkpoint in force; raises StorageFull."""
    write([(CHECKPOINT, note.encode())])


def write(files: Iterable[tuple[str, bytes]]) -> None:
    """Write files of the log, each whole or not at all, all of them durable on return; raises StorageFull."""
    content = _content()
    try:
        with ThreadPoolExecutor(WRITERS) as pool:
            if isinstance(content, FolderStorage):
                root = Path(content.location)
                folders = set(pool.map(lambda item: _write_file(root / FOLDER / item[0], item[1]), files))
                list(pool.map(_sync, _with_parents(folders, top=root)))
            else:
                list(pool.map(lambda item: _put(content, *item), files))
    except OSError as error:
        if error.errno in FULL:
            raise StorageFull() from error
        raise


def lacking(paths: Iterable[str]) -> list[str]:
    """Return those of some paths that the store has no file for."""
    content, wanted = _content(), list(paths)
    with ThreadPoolExecutor(WRITERS) as pool:
        found = pool.map(lambda path: content.exists(f"{FOLDER}/{path}"), wanted)
        return [path for path, is_there in zip(wanted, found, strict=True) if not is_there]


def delete_partial(path: str) -> None:
    """Remove the partial tiles that a full one, durable by now, has replaced."""
    content, folder = _content(), f"{FOLDER}/{path}.p"
    try:
        names = content.listdir(folder)[1]
    except FileNotFoundError:
        return
    for name in names:
        content.delete(f"{folder}/{name}")
    content.delete(folder)  # an empty folder; a bucket has none


def _content() -> Storage:
    return storages["content"]


def _put(content: Storage, path: str, data: bytes) -> None:
    content.save(f"{FOLDER}/{path}", ContentFile(data))


def _write_file(target: Path, data: bytes) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = target.with_name(f"{DRAFT_PREFIX}{uuid4().hex}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)
    return target.parent


def _with_parents(folders: Iterable[Path], *, top: Path) -> set[Path]:
    """Return folders and those above them: a new one must not be lost with its files in a power cut."""
    return {each for folder in folders for each in (folder, *folder.parents) if each.is_relative_to(top)}


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
