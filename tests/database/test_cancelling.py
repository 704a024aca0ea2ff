"""Calling off: by the owner alone, at once while a request waits, between steps while it renders."""

from __future__ import annotations

import pytest

from generation.actions.requesting import cancel_generation
from generation.errors import AlreadyEnded, UnknownGeneration
from generation.models import Generation
from provenance.audit_log.models import Entry
from tests.factories.records import a_model, a_request, an_artist, an_auditor, an_operator, kinds_of_entries

pytestmark = pytest.mark.django_db


def test_a_waiting_request_is_cancelled_at_once_with_its_entry() -> None:
    a_model()
    artist = an_artist()
    generation = a_request(artist)
    cancelled = cancel_generation(actor=artist.actor(), generation_id=generation.pk)
    assert cancelled.state == "cancelled" and cancelled.ended_at
    assert kinds_of_entries(generation.pk) == ["GenerationRequested", "GenerationCancelled"]


@pytest.mark.parametrize("state", ["rendering", "marking"])
def test_a_request_that_renders_is_asked_to_stop(state: str) -> None:
    a_model()
    artist = an_artist()
    generation = a_request(artist)
    Generation.objects.update(state=state)
    asked = cancel_generation(actor=artist.actor(), generation_id=generation.pk)
    assert asked.state == state and asked.cancel_requested


@pytest.mark.parametrize("state", ["done", "failed", "refused", "cancelled"])
def test_what_has_ended_cannot_be_cancelled(state: str) -> None:
    a_model()
    artist = an_artist()
    generation = a_request(artist)
    Generation.objects.update(state=state, ended_at=generation.requested_at)
    before = Entry.objects.count()
    with pytest.raises(AlreadyEnded, match=state):
        cancel_generation(actor=artist.actor(), generation_id=generation.pk)
    assert Entry.objects.count() == before and Generation.objects.get().state == state


def test_nobody_cancels_what_is_not_theirs() -> None:
    a_model()
    generation = a_request(an_artist())
    for account in (an_artist("noa"), an_auditor(), an_operator()):
        with pytest.raises(UnknownGeneration):
            cancel_generation(actor=account.actor(), generation_id=generation.pk)
    assert Generation.objects.get().state == "queued" and not Generation.objects.get().cancel_requested
