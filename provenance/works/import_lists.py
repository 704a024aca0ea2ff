"""The table that comes with a folder or archive of pictures: one work a line.

CSV in UTF-8 with the columns ``file`` and ``title``, and as wanted ``title_zh``, ``author`` (credit names, separated by
semicolons), ``licence`` (SPDX id), ``rights_evidence`` and ``source_url``.
"""

from __future__ import annotations

import csv
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path, PurePosixPath

from provenance.picture import LARGEST_FILE
from provenance.works.errors import ImportUnreadable

MOST_LINES = 20_000
MOST_UNPACKED = 2**30
"""Bytes of all pictures of an archive together."""
LONGEST = {"title": 300, "title_zh": 300, "author": 200, "licence": 80, "rights_evidence": 5_000, "source_url": 500}
TABLE = "works.csv"
NAMED_TWICE = ("the file is named by an earlier line too", "前面的行已使用该文件")
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError, OSError, EOFError)
"""What zipfile raises for a member that is damaged, locked, or packed in a way that it does not know."""

Read = Callable[[str], bytes]
"""Returns the file of a name; raises KeyError where there is none."""


@dataclass(frozen=True)
class ImportLine:
    """One line of the table; ``fault`` says in both languages what is wrong with it."""

    number: int
    file: str = ""
    values: Mapping[str, str] | None = None
    fault: tuple[str, str] | None = None


def import_lines(data: bytes) -> list[ImportLine]:
    """Return the lines of a table, good and bad ones; raise ImportUnreadable for one that is none."""
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig")), strict=True)
        if not {"file", "title"} <= set(reader.fieldnames or ()):
            raise ImportUnreadable(reason="no columns file and title")
        lines = [_line(reader.line_num, row) for row in islice(reader, MOST_LINES + 1)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ImportUnreadable(reason=str(error)[:100]) from error
    if len(lines) > MOST_LINES:
        raise ImportUnreadable(reason=f"> {MOST_LINES:,}")
    return _named_once(lines)


def _named_once(lines: Sequence[ImportLine]) -> list[ImportLine]:
    """Return lines with a fault on each that names a file again: every file is read for one line at most."""
    seen: set[str] = set()
    once = []
    for line in lines:
        is_again = not line.fault and line.file in seen
        seen.add(line.file)
        once.append(replace(line, values=None, fault=NAMED_TWICE) if is_again else line)
    return once


def _line(number: int, row: Mapping[str | None, str | None]) -> ImportLine:
    if None in row or None in row.values():
        return ImportLine(number, fault=("it has another number of cells than the first line", "单元格数与首行不同"))
    values = {str(name): str(value).strip() for name, value in row.items()}
    file = values["file"]
    path = PurePosixPath(file)
    if not file or path.is_absolute() or ".." in path.parts or "\0" in file:
        return ImportLine(number, file, fault=("the file has no plain name", "文件名不正确"))
    if not values["title"]:
        return ImportLine(number, file, fault=("the title is missing", "缺少标题"))
    for name, most in LONGEST.items():
        if len(values.get(name, "")) > most:
            too_long = (f"{name} has more than {most} characters", f"{name} 超过 {most} 个字符")
            return ImportLine(number, file, fault=too_long)
    return ImportLine(number, file, values={name: values.get(name, "") for name in LONGEST})


def folder_reader(folder: Path) -> Read:
    """Return how to read the pictures of a folder; what lies outside it, links and all, is not there."""
    root = folder.resolve()

    def read(name: str) -> bytes:
        path = (root / name).resolve()
        if not path.is_relative_to(root) or not path.is_file():
            raise KeyError(name)
        with path.open("rb") as file:
            return file.read(LARGEST_FILE + 1)

    return read


def archive_reader(archive: zipfile.ZipFile) -> Read:
    """Return how to read the pictures of a zip archive, none of them further than a picture may be long.

    Raises ImportUnreadable for an archive that unpacks to more than is taken.
    """
    files = [member for member in archive.infolist() if not member.is_dir()]
    if len(files) > MOST_LINES + 1 or sum(member.file_size for member in files) > MOST_UNPACKED:
        raise ImportUnreadable(reason=f"> {MOST_LINES:,} / {MOST_UNPACKED // 2**20} MB")
    members = {member.filename: member for member in files}
    if len(members) < len(files):
        raise ImportUnreadable(reason="two files of one name")

    def read(name: str) -> bytes:
        member = members[name]
        if member.flag_bits & 1:
            raise KeyError(name)
        try:
            with archive.open(member) as file:
                return file.read(LARGEST_FILE + 1)  # whatever its header promises
        except DAMAGED as error:
            raise KeyError(name) from error

    return read
