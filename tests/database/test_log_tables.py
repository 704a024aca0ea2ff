"""The log's tables in PostgreSQL: what refuses, what may be erased, and a change that forgets its entry."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from provenance.actor import COLOPHON
from provenance.audit_log import actions as audit_log
from provenance.audit_log.entry import Statement
from provenance.audit_log.models import Checkpoint, Entry, LogKey, Opening, Pending, Position
from provenance.works.models import Party

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True, kw_only=True)
class BrushCleaned(Statement):
    """A kind of statement that only these tests make."""


def an_entry() -> Entry:
    with transaction.atomic():
        leaf = audit_log.append(BrushCleaned(actor=COLOPHON))
    return Entry.objects.get(leaf_hash=leaf)


def everything() -> list[object]:
    tables = [Entry, Opening, Pending, Position, Checkpoint, LogKey]
    return [row for table in tables for row in table.objects.order_by("pk").values()]


def filled() -> list[object]:
    """Leave a row in every table of the log and return them all."""
    entry = an_entry()
    Position.objects.create(index=0, entry=entry)
    Checkpoint.objects.create(size=1, root="sha256:00", origin="here", note="note", signed_at=timezone.now())
    with transaction.atomic():
        LogKey.objects.create(vkey="here+00+AA==", adopted_at=timezone.now())
        audit_log.append(BrushCleaned(actor=COLOPHON))
    return everything()


# ---- append-only ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log_entry SET kind = 'Other'",
        "DELETE FROM audit_log_entry",
        "TRUNCATE audit_log_entry CASCADE",
        "UPDATE audit_log_position SET index = index + 1",
        "DELETE FROM audit_log_position",
        "TRUNCATE audit_log_position",
        "UPDATE audit_log_opening SET details = '{}'",
        "TRUNCATE audit_log_opening",
        "UPDATE audit_log_pending SET entry_id = entry_id",
        "UPDATE audit_log_checkpoint SET root = 'sha256:11'",
        "DELETE FROM audit_log_checkpoint",
        "TRUNCATE audit_log_checkpoint CASCADE",
        "UPDATE audit_log_logkey SET vkey = 'other'",
        "DELETE FROM audit_log_logkey",
        "TRUNCATE audit_log_logkey",
    ],
)
def test_plain_sql_that_would_change_the_log_is_refused_and_changes_nothing(statement: str) -> None:
    before = filled()
    with pytest.raises(DatabaseError, match="append-only"), connection.cursor() as cursor:
        cursor.execute(statement)
    assert everything() == before


def test_an_opening_can_be_erased_and_its_entry_stays() -> None:
    entry = an_entry()
    Opening.objects.filter(entry=entry).delete()
    assert not Opening.objects.exists() and Entry.objects.get() == entry


# ---- no change without its entry ------------------------------------------------------------------------------


def a_change() -> Party:
    return Party.objects.create(name="Ada", kind="person", recorded_at=timezone.now())


def test_a_change_that_forgets_its_entry_fails_at_its_commit() -> None:
    with pytest.raises(IntegrityError, match=r"works_party has no entry in the audit log"), transaction.atomic():
        a_change()
    assert not Party.objects.exists()


def test_a_change_beside_its_entry_is_committed_whichever_comes_first() -> None:
    for entry_first in (True, False):
        with transaction.atomic():
            if entry_first:
                audit_log.append(BrushCleaned(actor=COLOPHON))
            a_change()
            if not entry_first:
                audit_log.append(BrushCleaned(actor=COLOPHON))
    assert Party.objects.count() == 2


def test_an_update_and_a_deletion_need_their_entry_too() -> None:
    with transaction.atomic():
        party = a_change()
        audit_log.append(BrushCleaned(actor=COLOPHON))
    with pytest.raises(IntegrityError, match="works_party"):
        Party.objects.filter(pk=party.pk).update(name="Eve")
    with pytest.raises(IntegrityError, match="works_party"):
        Party.objects.filter(pk=party.pk).delete()
    assert Party.objects.get().name == "Ada"


def test_an_entry_of_an_earlier_transaction_does_not_count() -> None:
    an_entry()
    with pytest.raises(IntegrityError, match="works_party"), transaction.atomic():
        a_change()


def test_an_entry_that_a_savepoint_took_back_does_not_count() -> None:
    with pytest.raises(IntegrityError, match="works_party"), transaction.atomic():
        a_change()
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            audit_log.append(BrushCleaned(actor=COLOPHON))
            raise ZeroDivisionError
    assert not Party.objects.exists() and not Entry.objects.exists()


def test_a_session_cannot_declare_once_and_for_all_that_it_wrote_an_entry() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('colophon.entry_in', pg_current_xact_id()::text, false)")
    with pytest.raises(IntegrityError, match="works_party"), transaction.atomic():
        a_change()
    connection.close()


TOLD = {
    "works.party", "works.partymember", "works.work", "works.share", "works.splitagreement", "works.flag",
    "works.style", "works.style.works", "licensing.offer",
    "licensing.grant", "licensing.grantevent",
    "licensing.optout", "licensing.optoutmatch",
    "credentials.credential", "credentials.workcredential", "credentials.revokedkey",
    "generation.imagemodel", "generation.generation",
    "generation.output", "generation.reconciliation", "generation.replay", "audit_log.logkey",
    "attribution.keptfingerprint", "generation.reverification", "generation.verdictchange", "generation.rendition",
    "generation.trainingrun",
    "licensing.use", "licensing.hold", "licensing.ledgertransaction", "licensing.posting", "licensing.royaltyline",
    "licensing.inheritedterms",
    "disputes.dispute", "disputes.disputeevent",
}  # fmt: skip
UNTOLD = {
    "audit_log": {"entry", "pending", "position", "opening", "checkpoint", "cosignature", "witnessedlog"},
    # A key tells a repetition, and changes nothing; the entry of a reconciliation's end has the differences' digest.
    "generation": {"idempotencykey", "reconciliationdifference"},
    # One repeats to an account what an entry tells, the other counts rows that do.
    "licensing": {"notification", "payeecount"},
    # A stranger's picture that waits to be read, and for a day what was read: it changes no record.
    "credentials": {"watermarkreading"},
}


def test_every_table_of_a_topic_either_tells_the_log_or_has_a_reason_not_to() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid"
            " WHERE proname = 'audit_log_require_entry' AND tgenabled = 'O' AND tgdeferrable"
            " GROUP BY 1 HAVING count(*) = 2"
        )
        guarded = {row[0].replace("_", ".") if not row[0].startswith("audit_log") else "audit_log.logkey"
                   for row in cursor.fetchall()}  # fmt: skip
    assert guarded == TOLD
    for model in apps.get_models():
        name, topic = model._meta.label_lower, model._meta.app_label
        if topic in {"audit_log", "attribution", "works", "licensing", "credentials", "generation"}:
            assert name in TOLD or model._meta.model_name in UNTOLD.get(topic, set()), name
