"""Erasure hides nothing from reconciling: a row that calls itself erased needs the entry of an erasure."""

from __future__ import annotations

import json

import pytest
from django.db import connection, transaction

from generation.actions import reconciling
from generation.actions.erasing import erase_person
from provenance.actor import COLOPHON
from tests.factories.records import a_model, a_party, a_request, a_work, an_artist
from tests.simulators.caller import Caller

pytestmark = pytest.mark.django_db(transaction=True)


def found() -> list[tuple[str, str, str]]:
    """Run and return kind, table and field of each difference."""
    run = reconciling.reconcile(reconciling.begin_here(actor=COLOPHON))
    assert run.state == "done", run.fault
    lines = [json.loads(line) for line in reconciling.report_lines(run)]
    return [(line["kind"], line["table"], line["field"]) for line in lines]


def test_a_change_hidden_behind_a_feigned_erasure_is_named() -> None:
    a_model()
    a_request(an_artist())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE generation_generation SET width = 8, erased_at = now() - interval '2 days'")
    assert found() == [
        ("row-differs", "generation_generation", "width"),
        ("erased-without-entry", "generation_generation", "erased_at"),
    ]


def test_a_true_erasure_of_a_person_and_of_a_notice_is_no_difference() -> None:
    a_model()
    ada = an_artist("ada")
    work = a_work(ada, a_party("Ada", member=ada), licence="CC0-1.0")
    notice = {
        "subject_kind": "work", "subject": str(work.pk), "ground": "mine", "name": "Zed", "contact": "z@example.org",
        "text": "Mine.", "good_faith": True, "accurate": True,
    }  # fmt: skip
    told = Caller().post("/api/v1/disputes", notice).json()
    claimant = Caller(**{"Dispute-Secret": told["secret"]})
    for step in ("withdrawal", "erasure"):
        claimant.post(f"/api/v1/disputes/{told['id']}/{step}")
    a_request(ada)
    erase_person(actor=ada.actor(), account_id=ada.pk)
    assert found() == []


def test_a_dispute_whose_state_was_changed_is_named() -> None:
    ada = an_artist("ada")
    work = a_work(ada, a_party("Ada", member=ada), licence="CC0-1.0")
    notice = {
        "subject_kind": "work", "subject": str(work.pk), "ground": "mine", "name": "Zed", "contact": "z@example.org",
        "text": "Mine.", "good_faith": True, "accurate": True,
    }  # fmt: skip
    Caller().post("/api/v1/disputes", notice)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE disputes_dispute SET state = 'dismissed', ended_at = now()")
    assert found() == [("row-differs", "disputes_dispute", "state")]


def test_a_fingerprint_that_feigns_an_erasure_is_named() -> None:
    ada = an_artist("ada")
    a_work(ada, a_party("Ada", member=ada))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE attribution_keptfingerprint SET erased_at = now() - interval '2 days'")
    assert ("erased-without-entry", "attribution_keptfingerprint", "erased_at") in found()
