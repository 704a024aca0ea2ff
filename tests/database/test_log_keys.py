"""The log's key: made once, rotated with an entry, kept for one user, and never replaced by half."""

from __future__ import annotations

import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from provenance.actor import COLOPHON
from provenance.audit_log import actions, files, keys, queries, sequencing
from provenance.audit_log.errors import (
    LogBehind,
    LogKeyMissing,
    LogKeyOpen,
    LogRenamed,
)
from provenance.audit_log.models import Entry, LogKey
from provenance.audit_log.note import open_checkpoint, split_note
from provenance.audit_log.sequencing import sequence
from tests.factories.log import entries, published
from tests.factories.published_log import everything_adds_up, forget

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("home")]


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
