"""Many works at once: a table and its pictures, from a folder or an archive, line by line."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command
from PIL import Image

from provenance.audit_log.models import Entry
from provenance.licensing.models import Offer
from provenance.picture import pixels_promised
from provenance.works import import_lists
from provenance.works.models import Party, Work
from server.accounts.models import Account
from server.api import work_imports
from tests.factories.pictures import a_png
from tests.factories.records import a_party, an_artist
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db
GOOD = "file,title,author,licence,rights_evidence\na.png,Wave,Ada; Bo,CC0-1.0,painted\nsub/b.png,Tide,,,painted\n"
BAD = GOOD + "none.png,Gone,,,\n../c.png,Out,,,\na.txt,Text,,,\na.png,,,,\nb.png,Odd,,WTFPL,\nshort\n"
FILES = {"a.png": a_png(seed=1), "sub/b.png": a_png(seed=2), "a.txt": b"words", "b.png": a_png(seed=3)}


def an_archive(table: str | None = GOOD, files: dict[str, bytes] = FILES) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        if table is not None:
            archive.writestr("works.csv", table)
    return buffer.getvalue()


def sent(account: Account, data: bytes, **fields: str) -> Any:
    return Caller(account).upload("/api/v1/works/imports", data, name="works.zip", **fields)


def test_an_archive_is_listed_line_by_line_and_a_second_time_everything_is_known() -> None:
    artist = an_artist()
    report = sent(artist, an_archive()).json()
    assert (report["listed"], report["refused"]) == (2, 0), report
    wave, tide = Work.objects.order_by("title").reverse()
    assert (wave.title, wave.authors, wave.author_credit) == ("Wave", ["Ada", "Bo"], "Ada, Bo")
    assert Offer.objects.get().subject_id == wave.pk and tide.authors == ["mara"]
    again = sent(artist, an_archive()).json()
    assert (again["listed"], again["known"]) == (0, 2) and Work.objects.count() == 2


def told(account: Account, data: bytes, **fields: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the events of an import that tells its progress."""

    async def read() -> bytes:
        return b"".join([part async for part in answer.streaming_content])

    answer = Caller(account).upload("/api/v1/works/imports?progress=events", data, name="works.zip", **fields)
    assert answer.status_code == 200 and answer["Content-Type"].startswith("text/event-stream")
    parts = [part.split("\n", 1) for part in async_to_sync(read)().decode().split("\n\n") if part]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in parts]


def test_progress_is_told_line_by_line_and_the_report_last() -> None:
    events = told(an_artist(), an_archive(BAD), keep_good="true")
    assert [name for name, _ in events] == ["line"] * 8 + ["done"]
    assert [(one["done"], one["of"]) for _, one in events[:-1]] == [(number, 8) for number in range(1, 9)]
    report = events[-1][1]
    assert (report["listed"], report["refused"]) == (2, 6) == (Work.objects.count(), 6)
    assert [(one["number"], one["result"]) for _, one in events[:-1]] == [
        (one["number"], one["result"]) for one in report["lines"]
    ]


def test_what_stops_an_import_is_a_problem_and_no_stream() -> None:
    answer = Caller(an_artist()).upload("/api/v1/works/imports?progress=events", b"no zip", name="works.zip")
    is_problem(answer, 422, "import-unreadable")


def test_an_empty_table_ends_at_once() -> None:
    assert told(an_artist(), an_archive("file,title\n")) == [
        ("done", {"listed": 0, "flagged": 0, "known": 0, "refused": 0, "good": 0, "lines": []})
    ]


def test_the_same_picture_in_another_file_is_known() -> None:
    artist, twin = an_artist(), io.BytesIO()
    Image.open(io.BytesIO(FILES["a.png"])).save(twin, "PNG", compress_level=1)
    sent(artist, an_archive())
    report = sent(artist, an_archive("file,title\ntwin.png,Wave\n", {"twin.png": twin.getvalue()})).json()
    assert (report["known"], report["listed"]) == (1, 0) and Work.objects.count() == 2


def test_one_bad_line_lists_nothing_and_every_bad_line_is_named() -> None:
    artist = an_artist()
    report = sent(artist, an_archive(BAD)).json()
    assert (report["good"], report["refused"], report["listed"]) == (2, 6, 0)
    bad = [one for one in report["lines"] if one["result"] == "refused"]
    assert [one["number"] for one in bad] == [4, 5, 6, 7, 8, 9] and all(one["en"] and one["zh"] for one in bad)
    assert not Work.objects.exists() and not Entry.objects.filter(kind="WorkRegistered").exists()


def test_the_good_lines_are_kept_where_that_is_asked_for() -> None:
    report = sent(an_artist(), an_archive(BAD), keep_good="true").json()
    assert (report["listed"], report["refused"]) == (2, 6) and Work.objects.count() == 2


def test_a_long_import_goes_on_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_imports, "MOST_AT_ONCE", 1)
    artist = an_artist()
    reports = [sent(artist, an_archive()).json() for _ in range(3)]
    assert [(one["listed"], one["known"]) for one in reports] == [(1, 0), (1, 1), (0, 2)]


@pytest.mark.parametrize(
    "data",
    [b"no archive", an_archive(None), an_archive("title\nWave\n"), an_archive("file,title\n\xff", {})[:-9]],
    ids=["no zip", "no table", "other columns", "cut short"],
)
def test_what_is_no_import_is_refused_whole(data: bytes) -> None:
    is_problem(sent(an_artist(), data), 422, "import-unreadable")
    assert not Work.objects.exists()


def test_an_archive_that_unpacks_to_too_much_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_lists, "MOST_UNPACKED", 2**20)
    bomb = an_archive(files={"a.png": bytes(2**21)})
    assert len(bomb) < 2**14
    is_problem(sent(an_artist(), bomb), 422, "import-unreadable")


def test_nobody_imports_for_a_party_that_is_not_theirs() -> None:
    is_problem(sent(an_artist(), an_archive(), party=str(a_party("Other").pk)), 404, "unknown-party")
    assert not Work.objects.exists()


def test_a_folder_is_imported_with_a_report_and_nothing_outside_it_is_read(tmp_path: Path) -> None:
    party, folder = a_party("Studio", member=an_artist()), tmp_path / "art"
    (folder / "sub").mkdir(parents=True)
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    (tmp_path / "secret.png").write_bytes(a_png(seed=8))
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "works.csv").write_text(GOOD + "link.png,Secret,,,\n")
    said, shown = io.StringIO(), io.StringIO()
    with pytest.raises(CommandError, match="--keep-good"):
        call_command("import_works", str(folder), party=str(party.pk), stdout=said, stderr=shown)
    assert not Work.objects.exists() and "4 link.png: refused" in said.getvalue()
    call_command("import_works", str(folder), party=str(party.pk), keep_good=True, stdout=said, stderr=shown)
    assert "listed 2, refused 1" in said.getvalue() and "work" in shown.getvalue()
    assert {work.owner for work in Work.objects.all()} == {Party.objects.get()}


def test_a_file_is_read_for_one_line_and_an_archive_with_two_of_one_name_is_refused() -> None:
    artist = an_artist()
    report = sent(artist, an_archive(GOOD + "a.png,Again,,,\n")).json()
    assert (report["good"], report["refused"], report["listed"]) == (2, 1, 0)
    assert report["lines"][2]["zh"] == "前面的行已使用该文件"
    buffer = io.BytesIO(an_archive())
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("a.png", FILES["b.png"])
    is_problem(sent(artist, buffer.getvalue()), 422, "import-unreadable")
    assert not Work.objects.exists()


def test_an_archive_of_more_pixels_than_one_request_decodes_is_refused_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_imports, "MOST_PIXELS", pixels_promised(FILES["a.png"]) * 2 - 1)
    for keep in ("false", "true"):
        is_problem(sent(an_artist(f"mara {keep}"), an_archive(), keep_good=keep), 422, "import-unreadable")
    assert not Work.objects.exists()


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_member_is_one_refused_line(method: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("a.png", FILES["a.png"])
        archive.writestr("works.csv", "file,title\na.png,Wave\n", zipfile.ZIP_STORED)
    data = bytearray(buffer.getvalue())
    start = 30 + len("a.png")
    data[start : start + 40] = b"\xff" * 40
    report = sent(an_artist(), bytes(data))
    assert report.status_code == 200 and report.json()["refused"] == 1, report.content
    assert not Work.objects.exists()
