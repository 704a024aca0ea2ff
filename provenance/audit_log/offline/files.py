"""Reading a folder or a zip, so much and no more, and the manifests that a bundle lists."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from provenance.audit_log.offline.findings import Findings
from provenance.audit_log.offline.openings import LARGEST_LINE, Opened, unambiguous_json

LARGEST_STORE = 64 * 2**20
STORE = re.compile(r"manifests/([0-9a-f]{64})\.c2pa")
UNREADABLE = (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, zlib.error)


class Files(Protocol):
    """A tree of files."""

    def read(self, path: str, most: int) -> bytes:
        """Return at most so many bytes of a file and one more; raise FileNotFoundError where there is none."""
        ...

    def names(self) -> Iterator[str]:
        """Yield the paths of all files."""
        ...


class Folder:
    """Files of a folder."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def read(self, path: str, most: int) -> bytes:
        """Return at most so many bytes of a file and one more; a pipe or device is no file."""
        try:
            descriptor = os.open(
                self.path / path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
            )
        except NotADirectoryError as error:
            raise FileNotFoundError(path) from error
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise FileNotFoundError(path)
            return file.read(most + 1)

    def names(self) -> Iterator[str]:
        """Yield the paths of all files, with forward slashes."""
        for folder, _, files in os.walk(self.path):
            for name in files:
                yield (Path(folder) / name).relative_to(self.path).as_posix()


class Archive:
    """Files of a zip."""

    def __init__(self, path: str) -> None:
        self.archive = zipfile.ZipFile(path)

    def read(self, path: str, most: int) -> bytes:
        """Return at most so many bytes of a file and one more."""
        try:
            member = self.archive.open(path)
        except KeyError as error:
            raise FileNotFoundError(path) from error
        try:
            with member:
                return member.read(most + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise OSError(f"{path}: {error}") from error

    def names(self) -> Iterator[str]:
        """Yield the paths of all files, one that is there twice as often."""
        yield from self.archive.namelist()


def open_files(path: str) -> Files:
    """Return the files of a folder or a zip; raises what reading one raises."""
    return Folder(path) if Path(path).is_dir() else Archive(path)


def lines_of(data: bytes) -> list[bytes]:
    """Return the lines of a file of JSON lines, without empty ones."""
    return [line for line in data.split(b"\n") if line]


def check_manifests(files: Files, findings: Findings, *, openings: Mapping[int, Opened]) -> int:
    """Hold each manifest against the digest and the name under which it is listed, and against what the log's entries
    state of it; return how many there are.
    """
    stated = {each.manifest: (index, each.store) for index, each in openings.items() if each.store}
    try:
        listed = lines_of(files.read("manifests.jsonl", LARGEST_STORE))
    except FileNotFoundError:
        findings.tell("file-missing", path="manifests.jsonl")
        listed = []
    paths = set()
    for number, line in enumerate(listed, 1):
        try:
            entry = unambiguous_json(line[:LARGEST_LINE])
            urn, path, digest = entry["manifest"], entry["file"], entry["digest"]
            match = STORE.fullmatch(path)
            if match is None or digest != f"sha256:{match[1]}" or not isinstance(urn, str) or not urn:
                raise ValueError("not a listed manifest")
        except (ValueError, TypeError, KeyError):
            findings.tell("manifest-line", path="manifests.jsonl", line=number)
            continue
        paths.add(path)
        _check_store(files, path, urn, match[1], findings)
        index, store = stated.get(urn, (0, digest))
        if store != digest:
            findings.tell("manifest-not-stated", path=path, manifest=urn, index=index, stated=store)
    for name in files.names():
        if name.startswith("manifests/") and name not in paths and not name.endswith("/"):
            findings.tell("manifest-unlisted", path=name)
    return len(paths)


def _check_store(files: Files, path: str, urn: str, digest: str, findings: Findings) -> None:
    try:
        data = files.read(path, LARGEST_STORE)
    except FileNotFoundError:
        findings.tell("file-missing", path=path)
        return
    found = hashlib.sha256(data).hexdigest()
    if found != digest:
        findings.tell("manifest-changed", path=path, found=f"sha256:{found}")
    elif urn.encode() not in data:
        # The store's label is its manifest's urn, in UTF-8 (C2PA 2, 11.1.4): another one's store does not carry it.
        findings.tell("manifest-swapped", path=path, manifest=urn)
