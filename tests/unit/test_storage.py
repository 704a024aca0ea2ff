"""Files under their digest: whole or not there, checked when read, and refused in a sentence when the disk is full."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.files.storage import storages
from pytest_django import Settings

from provenance import storage
from provenance.canonical import sha256_digest
from provenance.errors import FileAltered, FileMissing, StorageFull
from tests.services import REPOSITORY

DATA = b"one picture" * 100
DIGEST = sha256_digest(DATA)


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """Lend a folder of its own to the store."""
    content = {"BACKEND": "provenance.storage.FolderStorage", "OPTIONS": {"location": str(tmp_path / "files")}}
    settings.STORAGES = {**settings.STORAGES, "content": content}
    assert storages["content"].location == str(tmp_path / "files")  # type: ignore[attr-defined]  # a folder's
    yield tmp_path / "files"


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_what_was_stored_is_found_under_its_digest(folder: Path) -> None:
    assert storage.store(DATA) == DIGEST
    assert storage.exists(DIGEST) and storage.load(DIGEST) == DATA


def test_the_same_bytes_twice_are_one_file(folder: Path) -> None:
    storage.store(DATA)
    storage.store(DATA)
    assert len(files_in(folder)) == 1


def test_an_empty_file_can_be_kept(folder: Path) -> None:
    assert storage.load(storage.store(b"")) == b""


def test_nobody_else_on_the_machine_can_read_it(folder: Path) -> None:
    storage.store(DATA)
    (file,) = files_in(folder)
    assert file.stat().st_mode & 0o077 == 0 and file.parent.stat().st_mode & 0o077 == 0


def test_a_missing_file_is_named(folder: Path) -> None:
    assert not storage.exists(DIGEST)
    with pytest.raises(FileMissing, match=DIGEST):
        storage.load(DIGEST)


@pytest.mark.parametrize("name", ["", "sha256:..", "../../etc/passwd", "sha256:" + "/" * 64, "sha256:" + "A" * 64])
def test_what_is_no_digest_names_no_file(folder: Path, name: str) -> None:
    with pytest.raises(FileMissing):
        storage.load(name)


def test_an_altered_file_is_detected_and_not_given_out(folder: Path) -> None:
    storage.store(DATA)
    (file,) = files_in(folder)
    file.write_bytes(DATA[:-1] + b"!")
    with pytest.raises(FileAltered, match=DIGEST):
        storage.load(DIGEST)


def test_a_file_that_a_failing_disk_cut_short_is_written_anew(folder: Path) -> None:
    storage.store(DATA)
    (file,) = files_in(folder)
    os.truncate(file, 10)
    storage.store(DATA)
    assert storage.load(DIGEST) == DATA


def test_deleting_what_is_not_there_is_no_fault(folder: Path) -> None:
    storage.store(DATA)
    storage.delete(DIGEST)
    storage.delete(DIGEST)
    assert not storage.exists(DIGEST) and files_in(folder) == []


CHILD = """
import sys
from django.conf import settings
settings.configure(STORAGES={"content": {"BACKEND": "provenance.storage.FolderStorage",
    "OPTIONS": {"location": sys.argv[1]}}})
from provenance import storage
from provenance.errors import StorageFull
print("ready", flush=True)
"""


def child(folder: Path, code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD + code, str(folder)], cwd=REPOSITORY, text=True, stdout=subprocess.PIPE
    )


def test_a_writer_killed_at_any_moment_leaves_no_half_file_in_sight(folder: Path) -> None:
    writer = child(folder, "for n in range(10**6): storage.store(b'%d' % n * 2_000_000)")
    assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
    while not list(storage.stored_files()):
        time.sleep(0.02)
    writer.kill()
    writer.communicate()
    found = list(storage.stored_files())
    assert found
    for digest, _ in found:
        storage.load(digest)


def test_a_full_disk_is_said_in_a_sentence_and_leaves_nothing(folder: Path) -> None:
    # A limit on file sizes is the full disk that every user can have.
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: storage.store(b'x' * 5000)\n"
        "except StorageFull as fault: print(fault.code)\n"
    )
    told, _ = child(folder, code).communicate(timeout=60)
    assert told.split() == ["ready", "storage-full"]
    assert files_in(folder) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_disk_without_room_keeps_what_it_has_and_takes_more_once_it_is_freed(folder: Path) -> None:
    folder.mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False).returncode:
        pytest.skip("this machine does not let root mount a small disk")
    try:
        first = storage.store(b"a" * 700_000)
        with pytest.raises(StorageFull) as caught:
            storage.store(b"b" * 700_000)
        assert "room" in caught.value.said("en") and "空间" in caught.value.said("zh-Hans")
        assert [digest for digest, _ in storage.stored_files()] == [first]
        assert len(files_in(folder)) == 1
        storage.delete(first)
        assert storage.load(storage.store(b"b" * 700_000)) == b"b" * 700_000
    finally:
        subprocess.run(["umount", folder], check=True)


def test_kept_files_are_listed_with_the_time_of_writing(folder: Path) -> None:
    assert list(storage.stored_files()) == []
    storage.store(DATA)
    ((digest, written_at),) = storage.stored_files()
    assert digest == DIGEST and abs(written_at - datetime.now(UTC)) < timedelta(minutes=5)


def test_what_strangers_left_in_the_folder_is_not_listed(folder: Path) -> None:
    storage.store(DATA)
    (file,) = files_in(folder)
    file.with_name("notes.txt").write_text("mine")
    file.with_name(".hidden").write_text("mine")
    (folder / "README").write_text("mine")
    assert [digest for digest, _ in storage.stored_files()] == [DIGEST]


def test_only_old_drafts_are_cleared_away(folder: Path) -> None:
    storage.store(DATA)
    (file,) = files_in(folder)
    old, young = (file.with_name(f"{storage.DRAFT_PREFIX}{name}") for name in ("old", "young"))
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    deep = folder / "log" / "tile" / "0" / "x001" / f"{storage.DRAFT_PREFIX}tile"
    deep.parent.mkdir(parents=True)
    deep.write_bytes(b"half")
    day_before_yesterday = time.time() - 2 * 86_400
    os.utime(old, (day_before_yesterday, day_before_yesterday))
    os.utime(deep, (day_before_yesterday, day_before_yesterday))
    os.utime(file, (day_before_yesterday, day_before_yesterday))
    assert storage.delete_drafts(older_than=datetime.now(UTC) - timedelta(days=1)) == 2
    assert not old.exists() and not deep.exists() and young.exists() and storage.load(DIGEST) == DATA
