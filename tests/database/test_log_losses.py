"""The sequencer where something was lost: processes, disk, rows, files. The next run ends where it would have."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from provenance.audit_log import actions, files, publishing, queries, sequencing
from provenance.audit_log.errors import (
    EntryAltered,
    LogBehind,
    LogForked,
    NoteForged,
    SequencerReplaced,
)
from provenance.audit_log.models import Checkpoint
from provenance.audit_log.sequencing import sequence
from provenance.errors import StorageFull
from tests.factories.log import entries, published
from tests.factories.published_log import everything_adds_up, forget, log_files

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("home")]


# ---- killed, full, behind -------------------------------------------------------------------------------------


class Killed(BaseException):
    """Stands for the process going away."""


def killed(*_: object, **__: object) -> None:
    raise Killed


def after(real: Callable[..., Any]) -> Callable[..., Any]:
    """Return the step, followed by the end of the process."""

    def step(*arguments: Any, **named: Any) -> None:
        real(*arguments, **named)
        raise Killed

    return step


STEPS = [
    (actions, "take_positions", False),
    (actions, "take_positions", True),
    (sequencing, "write_tiles", False),
    (sequencing, "write_tiles", True),
    (actions, "store_checkpoint", False),
    (actions, "store_checkpoint", True),
    (files, "publish", False),
    (files, "publish", True),
]


@pytest.mark.parametrize(
    ("place", "name", "is_done"), STEPS, ids=[f"{'after' if done else 'before'} {name}" for _, name, done in STEPS]
)
def test_killed_at_any_step_the_next_run_ends_where_it_would_have(
    place: Any, name: str, is_done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries(300)
    sequence()
    before = published().checkpoint
    entries(300, first=300)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(place, name, after(getattr(place, name)) if is_done else killed)
        sequence()
    seen = published().checkpoint
    assert seen == before or (name == "publish" and is_done and seen.size == 601)
    entries(1, first=600)
    sequence()
    assert published().checkpoint.size == 602
    everything_adds_up()


@pytest.mark.parametrize("written", [0, 1, 3])
def test_killed_between_two_tiles_the_next_run_writes_the_same_bytes(
    written: int, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from provenance.audit_log import files as log

    entries(600)
    real, seen = log._write_file, []

    def some(target: Path, data: bytes) -> Path:
        if len(seen) >= written:
            raise Killed
        seen.append(target)
        return real(target, data)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(log, "_write_file", some)
        sequence()
    half = log_files(files)
    sequence()
    whole = log_files(files)
    assert len(half) <= written and {name: whole[name] for name in half} == half and not list(files.rglob(".draft-*"))
    everything_adds_up()


def test_a_full_disk_leaves_everything_for_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    entries(3)
    sequence()
    entries(3)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(StorageFull):
        patch.setattr(os, "fsync", full)
        sequence()
    assert published().checkpoint.size == 4
    sequence()
    assert published().checkpoint.size == 7
    everything_adds_up()


def test_a_restored_backup_is_behind_its_checkpoint_and_numbers_nothing() -> None:
    entries(5)
    sequence()
    forget(
        "DELETE FROM audit_log_checkpoint;DELETE FROM audit_log_opening WHERE entry_id IN"
        " (SELECT entry_id FROM audit_log_position WHERE index > 2);"
        "DELETE FROM audit_log_position WHERE index > 2"
    )
    entries(4)
    for _ in range(2):
        with pytest.raises(LogBehind, match=r"3 entries in order.*promises 6"):
            sequence()
    assert queries.size() == 3 and queries.waiting() == 4 and published().checkpoint.size == 6


def test_a_database_that_leads_to_another_root_is_a_fork_and_is_not_signed() -> None:
    entries(5)
    sequence()
    forget("UPDATE audit_log_checkpoint SET root = 'sha256:' || repeat('0', 64)")
    entries(1)
    with pytest.raises(LogForked):
        sequence()
    assert queries.waiting() == 1


def test_a_changed_row_stops_the_next_checkpoint_with_its_name() -> None:
    entries(2)
    forget("UPDATE audit_log_entry SET kind = 'Other' WHERE kind = 'BrushCleaned'")
    with pytest.raises(EntryAltered):
        sequence()
    assert files.published() is None


def test_rows_exchanged_under_a_stored_checkpoint_are_noticed_before_anything_is_signed() -> None:
    entries(5)
    sequence()
    (Path(files._content().location) / "log" / "tile" / "0" / "000.p" / "6").write_bytes(b"\1" * 192)  # type: ignore[attr-defined]
    entries(1)
    with pytest.raises(LogForked):
        sequence()
    assert published().checkpoint.size == 6 and Checkpoint.objects.count() == 1


def test_a_checkpoint_that_somebody_else_wrote_stops_the_sequencer() -> None:
    entries(1)
    sequence()
    note = files.published() or ""
    files.publish(note.replace("\n2\n", "\n1\n", 1))
    entries(1)
    with pytest.raises(NoteForged):
        sequence()
    assert queries.waiting() == 1


def test_a_store_that_lost_the_log_gets_all_of_it_again(files: Path) -> None:
    import shutil

    entries(300)
    sequence()
    before = log_files(files)
    shutil.rmtree(files / "log")
    sequence()
    assert log_files(files) == before
    everything_adds_up()


# ---- lost files, stalled processes ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["tile/0/001.p/45", "tile/1/000.p/1", "tile/entries/001.p/45"])
@pytest.mark.parametrize("is_cut", [False, True], ids=["lost", "cut"])
def test_a_file_that_growth_needs_is_written_again_from_the_database(path: str, is_cut: bool, files: Path) -> None:
    entries(300)
    sequence()
    whole = (files / "log" / path).read_bytes()
    if is_cut:
        (files / "log" / path).write_bytes(whole[:-1])
    else:
        (files / "log" / path).unlink()
    entries(1, first=300)
    sequence()
    assert (files / "log" / path).read_bytes() == whole and published().checkpoint.size == 302
    everything_adds_up()


@pytest.mark.parametrize("path", ["tile/0/000", "tile/entries/000", "tile/entries/001.p/45"])
def test_a_lost_file_that_growth_does_not_read_is_looked_for_and_written_again(path: str, files: Path) -> None:
    entries(300)
    sequence()
    whole = (files / "log" / path).read_bytes()
    (files / "log" / path).unlink()
    sequence(restoring=True)
    assert (files / "log" / path).read_bytes() == whole
    everything_adds_up()


@pytest.mark.parametrize("more", [0, 1], ids=["at the same size", "grown"])
def test_without_a_published_file_the_stored_checkpoint_still_binds_the_database(more: int, files: Path) -> None:
    entries(5)
    sequence()
    (files / "log" / "checkpoint").unlink()
    before = log_files(files)
    forget(
        "UPDATE audit_log_position SET index = 9 WHERE index = 1;"
        "UPDATE audit_log_position SET index = 1 WHERE index = 2;"
        "UPDATE audit_log_position SET index = 2 WHERE index = 9"
    )
    entries(more)
    with pytest.raises(LogForked):
        sequence()
    assert log_files(files) == before and Checkpoint.objects.count() == 1


def test_without_a_published_file_a_database_behind_its_stored_checkpoint_publishes_nothing(files: Path) -> None:
    entries(5)
    sequence()
    (files / "log" / "checkpoint").unlink()
    forget(
        "DELETE FROM audit_log_opening WHERE entry_id IN (SELECT entry_id FROM audit_log_position WHERE index > 2);"
        "DELETE FROM audit_log_position WHERE index > 2"
    )
    with pytest.raises(LogBehind):
        sequence()
    assert not (files / "log" / "checkpoint").exists()


def test_a_stalled_sequencer_does_not_put_an_older_checkpoint_in_force() -> None:
    entries(1)
    sequence()
    older = files.published() or ""
    entries(1)
    sequence()
    with actions.as_the_only_sequencer(), pytest.raises(SequencerReplaced):
        publishing.publish(older)
    assert published().checkpoint.size == 3


def test_a_sequencer_that_lost_its_lock_publishes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    entries(1)
    real = sequencing._grown

    def stalled(size: int, *, old: Any) -> str:
        note = real(size, old=old)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")
        return note

    with monkeypatch.context() as patch, pytest.raises(SequencerReplaced):
        patch.setattr(sequencing, "_grown", stalled)
        sequence()
    assert files.published() is None
    sequence()
    everything_adds_up()
