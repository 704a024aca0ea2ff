"""The audit log in the database: an entry and its change stand or fall together, and everyone opens their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction

from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.audit_log import queries
from provenance.audit_log.entry import EntryTooLarge, Leaf, Statement, commitment_to
from provenance.audit_log.models import Entry, Opening, Pending, Position
from provenance.errors import NotCanonical
from provenance.works.models import Party
from tests.factories.records import a_model, a_party, a_request, a_stranger, an_artist, an_auditor, an_operator

pytestmark = pytest.mark.django_db


@dataclass(frozen=True, kw_only=True)
class BrushCleaned(Statement):
    """A kind of statement that only these tests make."""

    notes: Any = ""


def nothing_is_recorded() -> bool:
    return not (Entry.objects.exists() or Opening.objects.exists() or Pending.objects.exists())


@pytest.mark.django_db(transaction=True)
def test_a_statement_outside_a_transaction_is_refused() -> None:
    with pytest.raises(transaction.TransactionManagementError, match="transaction of its change"):
        audit_log.append(BrushCleaned(actor=a_stranger()))
    assert nothing_is_recorded()


def test_a_statement_is_recorded_with_its_opening_and_waits_for_its_index() -> None:
    leaf_hash = audit_log.append(BrushCleaned(actor=a_stranger(), notes="twice"))
    entry = Entry.objects.select_related("opening", "pending").get()
    assert entry.leaf_hash == leaf_hash and entry.kind == "BrushCleaned" and queries.has_leaf(leaf_hash)
    assert entry.pending and not Position.objects.exists()


def test_the_recorded_opening_opens_the_recorded_leaf() -> None:
    audit_log.append(BrushCleaned(actor=a_stranger(), notes=["落款", {"a": "1"}]))
    entry = Entry.objects.select_related("opening").get()
    assert commitment_to(entry.opening.details, salt=bytes(entry.opening.salt)) == entry.commitment
    leaf = Leaf(id=entry.pk, kind=entry.kind, at=entry.at, commitment=entry.commitment)
    assert leaf.hash() == entry.leaf_hash


def test_the_same_statement_twice_is_two_entries_that_tell_nothing_of_each_other() -> None:
    actor = a_stranger()
    for _ in range(2):
        audit_log.append(BrushCleaned(actor=actor))
    first, second = Entry.objects.all()
    assert first.commitment != second.commitment and first.opening.salt != second.opening.salt


@pytest.mark.django_db(transaction=True)
def test_when_the_change_falls_its_entry_falls_with_it() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        a_party("Ada Painter")
        raise ZeroDivisionError
    assert nothing_is_recorded() and not Party.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("notes", "fault"), [("x" * 65_536, EntryTooLarge), (2**53, NotCanonical), ("\ud800", NotCanonical)]
)
def test_when_the_entry_cannot_be_written_the_change_falls_with_it(notes: Any, fault: type[Exception]) -> None:
    with pytest.raises(fault), transaction.atomic():
        Party.objects.create(name="Ada", kind="person", recorded_at="2026-01-01T00:00Z")
        audit_log.append(BrushCleaned(actor=a_stranger(), notes=notes))
    assert nothing_is_recorded() and not Party.objects.exists()


def test_an_account_opens_its_own_entries_and_an_auditor_all() -> None:
    artist, other, operator = an_artist(), an_artist("noa"), an_operator()
    for actor in (artist.actor(), other.actor()):
        audit_log.append(BrushCleaned(actor=actor))
    assert queries.entries_visible_to(artist.actor()).count() == 1
    assert queries.entries_visible_to(operator.actor()).count() == 0
    assert queries.entries_visible_to(an_auditor().actor()).count() == 2


def test_nobody_without_an_account_opens_what_colophon_did_by_itself() -> None:
    a_party()
    assert queries.entries_visible_to(Actor(account_id=None)).count() == 0


def test_the_entries_about_one_generation_come_oldest_first_and_alone() -> None:
    a_model()
    artist = an_artist()
    wanted, _ = a_request(artist), a_request(artist)
    audit_log.append(BrushCleaned(actor=artist.actor()))
    (entry,) = queries.entries_about_generation(wanted.pk)
    assert entry.kind == "GenerationRequested" and entry.leaf_hash == wanted.request_leaf


def test_an_unknown_leaf_is_not_claimed_to_be_there() -> None:
    assert not queries.has_leaf("sha256:" + "0" * 64)
