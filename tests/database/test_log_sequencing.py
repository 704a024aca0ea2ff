"""The sequencer: every committed entry gets one index, and nothing is promised that is not durable."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from pytest_django import Settings

from provenance.actor import COLOPHON
from provenance.audit_log import actions, files, keys, publishing, queries, sequencing
from provenance.audit_log.errors import (
    EntryAltered,
    LogBehind,
    LogForked,
    LogKeyMissing,
    LogKeyOpen,
    LogRenamed,
    NoteForged,
    SequencerReplaced,
)
from provenance.audit_log.models import Checkpoint, Entry, LogKey, Pending, Position
from provenance.audit_log.note import open_checkpoint, split_note
from provenance.audit_log.sequencing import sequence
from provenance.audit_log.tiles import TileReader, entries_path, unpack_entries
from provenance.audit_log.tree import leaf_hash, root, root_at
from provenance.errors import StorageFull
from tests.factories.log import entries, one_entry, published

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Settings) -> Path:
    """Lend the log a data folder of its own."""
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"home": tmp_path / "home"})
    return tmp_path / "home"


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


# ---- the ordinary course --------------------------------------------------------------------------------------


def test_what_was_committed_is_numbered_and_published() -> None:
    leaves = entries(3)
    done = sequence()
    assert done and done.size == 4  # the first entry tells of the log's key
    assert leaves_in_order()[:3] == leaves
    everything_adds_up()


def test_a_run_without_anything_new_changes_nothing(files: Path) -> None:
    entries(2)
    sequence()
    before = log_files(files)
    done = sequence()
    assert done and done.numbered == 0 and log_files(files) == before and Checkpoint.objects.count() == 1


def test_the_log_grows_over_tile_borders_and_stays_the_same_log(files: Path) -> None:
    for many in (200, 55, 1, 1, 300):
        entries(many)
        sequence()
        everything_adds_up()
    full = {name: data for name, data in log_files(files).items() if ".p/" not in name and name != "checkpoint"}
    assert set(full) == {"tile/0/000", "tile/0/001", "tile/entries/000", "tile/entries/001"}


def test_many_more_than_one_round_takes_are_all_numbered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencing, "MOST_AT_ONCE", 256)
    entries(600)
    done = sequence()
    assert done and done.size == 601
    everything_adds_up()


def test_an_entry_whose_transaction_fails_is_never_numbered() -> None:
    entries(1)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        one_entry("lost")
        raise ZeroDivisionError
    sequence()
    assert published().checkpoint.size == 2
    everything_adds_up()


def test_entries_that_commit_out_of_order_under_eight_writers_are_each_numbered_once() -> None:
    together, stop = threading.Barrier(9), threading.Event()

    def write(writer: int) -> list[str]:
        try:
            together.wait(30)
            return entries(25, first=100 * writer)
        finally:
            connection.close()

    def number() -> int:
        try:
            together.wait(30)
            found = 0
            while not stop.is_set():
                done = sequence()
                found += done.numbered if done else 0
            return found
        finally:
            connection.close()

    with ThreadPoolExecutor(9) as pool:
        sequencer = pool.submit(number)
        leaves = [leaf for own in pool.map(write, range(8)) for leaf in own]
        stop.set()
        during = sequencer.result()
    last = sequence()
    assert last and during + last.numbered == 201 and set(leaves) < set(leaves_in_order())
    everything_adds_up()


def test_of_two_sequencers_at_once_exactly_one_works() -> None:
    entries(5)
    entered, leave = threading.Event(), threading.Event()
    real = actions.take_positions

    def slow(*, most: int) -> int:
        entered.set()
        leave.wait(30)
        return real(most=most)

    def first() -> Any:
        try:
            return sequence()
        finally:
            connection.close()

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as pool:
        patch.setattr(actions, "take_positions", slow)
        running = pool.submit(first)
        assert entered.wait(30)
        assert sequence() is None and not Position.objects.exists()
        leave.set()
        assert running.result().numbered == 6
    everything_adds_up()


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


def forget(tables: str) -> None:
    """Delete rows as a restored backup would lack them: past the triggers, which only a superuser may."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in tables.split(";"):
            cursor.execute(statement)


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


# ---- the key --------------------------------------------------------------------------------------------------


def test_the_first_start_makes_a_key_for_this_user_alone_and_publishes_its_public_half(home: Path) -> None:
    vkey = sequencing.key_in_force()
    (path,) = (home / "keys").glob("log-*.pem")
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    assert (home / "log.vkey").read_text() == vkey + "\n" and vkey.startswith("127.0.0.1:8000/log+")
    assert sequencing.key_in_force() == vkey and LogKey.objects.count() == 1
    assert list(Entry.objects.values_list("kind", flat=True)) == ["LogKeyAdopted"]


def test_a_crash_between_key_and_row_adopts_the_key_that_was_made(home: Path) -> None:
    made = sequencing.key_folder().make().vkey
    assert sequencing.key_in_force() == made


def test_rotation_is_an_entry_and_both_keys_sign_the_checkpoint_that_holds_it(home: Path) -> None:
    entries(2)
    sequence()
    old = queries.keys()[0]
    new = sequencing.rotate(actor=COLOPHON)
    note = files.published() or ""
    assert [each.key_id for each in split_note(note)[1]] == [old.key_id, queries.keys()[-1].key_id]
    assert (
        open_checkpoint(note, keys=[old]).checkpoint.size == 4 and Entry.objects.filter(kind="LogKeyRotated").exists()
    )
    assert [path.name for path in (home / "keys").glob("log-*.pem")] == [f"log-{queries.keys()[-1].key_id.hex()}.pem"]
    assert (home / "log.vkey").read_text() == new + "\n"
    entries(1)
    sequence()
    assert [each.key_id for each in split_note(files.published() or "")[1]] == [queries.keys()[-1].key_id]
    everything_adds_up()


def test_without_its_key_file_the_log_says_so_and_publishes_nothing(home: Path) -> None:
    entries(1)
    sequence()
    for path in (home / "keys").glob("log-*.pem"):
        path.unlink()
    entries(1)
    with pytest.raises(LogKeyMissing, match="Put its file back"):
        sequence()
    assert published().checkpoint.size == 2


def test_a_log_keeps_its_name_when_the_address_changes_and_refuses_another(settings: Settings) -> None:
    entries(1)
    sequence()
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"port": 9999})
    assert settings.ENVIRONMENT.log_origin == "127.0.0.1:8000/log"
    entries(1)
    sequence()
    assert published().checkpoint.origin == "127.0.0.1:8000/log"
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"log_name": "other.example/log"})
    with pytest.raises(LogRenamed, match=r"named 127.0.0.1:8000/log"):
        sequence()


def test_rotation_without_the_old_key_is_refused_and_leaves_the_log_its_key(home: Path) -> None:
    entries(1)
    sequence()
    for path in (home / "keys").glob("log-*.pem"):
        path.unlink()
    with pytest.raises(LogKeyMissing):
        sequencing.rotate(actor=COLOPHON)
    assert LogKey.objects.count() == 1 and not list((home / "keys").glob("log-*.pem"))


def test_rotation_of_a_log_that_is_behind_is_refused(home: Path) -> None:
    entries(5)
    sequence()
    forget(
        "DELETE FROM audit_log_checkpoint;DELETE FROM audit_log_opening WHERE entry_id IN"
        " (SELECT entry_id FROM audit_log_position WHERE index > 2);"
        "DELETE FROM audit_log_position WHERE index > 2"
    )
    with pytest.raises(LogBehind):
        sequencing.rotate(actor=COLOPHON)
    assert LogKey.objects.count() == 1 and len(list((home / "keys").glob("log-*.pem"))) == 1


def test_a_rotation_that_fails_leaves_no_key_behind(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries(1)
    sequence()

    def append(statement: Any) -> str:
        raise ZeroDivisionError

    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(actions, "append", append)
        sequencing.rotate(actor=COLOPHON)
    assert [path.stem for path in (home / "keys").glob("log-*.pem")] == [f"log-{queries.keys()[0].key_id.hex()}"]


def test_between_a_rotation_and_its_checkpoint_the_key_that_signed_is_served(client: Client) -> None:
    entries(1)
    sequence()
    old = queries.keys()[0].vkey
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sequencing, "sequence", lambda: None)
        new = sequencing.rotate(actor=COLOPHON)
    assert client.get("/log/vkey").content.decode() == old + "\n"
    sequence()
    assert client.get("/log/vkey").content.decode() == new + "\n"


def test_a_key_mounted_read_only_is_used_as_it_is_and_one_open_to_others_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vkey = sequencing.key_in_force()
    (path,) = (home / "keys").glob("log-*.pem")
    path.chmod(0o400)

    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "chmod", read_only)
    monkeypatch.setattr(Path, "chmod", read_only)
    assert sequencing.key_folder().signer_of(vkey).vkey == vkey
    monkeypatch.undo()
    path.chmod(0o444)
    monkeypatch.setattr(Path, "chmod", read_only)
    with pytest.raises(LogKeyOpen, match="0400"):
        sequencing.key_folder().signers()


def test_two_first_requests_at_once_cosign_with_one_key(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    together, real = threading.Barrier(2), keys._pem

    def slow(key: Any) -> bytes:
        together.wait(30)
        return real(key)

    monkeypatch.setattr(keys, "_pem", slow)
    with ThreadPoolExecutor(2) as pool:
        found = set(pool.map(lambda _: keys.witness_key(home / "keys", name="us.example/w").vkey, range(2)))
    assert found == {keys.witness_key(home / "keys", name="us.example/w").vkey} and len(found) == 1
