"""Asking for a reconciliation: who may, what they are told, and the command."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from generation import jobs
from generation.actions import reconciling
from generation.models import Reconciliation
from provenance.actor import COLOPHON
from provenance.audit_log import queries
from provenance.audit_log.models import Entry, Opening
from provenance.audit_log.note import open_note
from tests.factories.reconciled import behind_the_servers_back, records_of_every_kind
from tests.factories.records import (
    a_token,
    an_artist,
    an_auditor,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("home")]


@pytest.fixture
def records(keys: Path) -> None:
    """Leave rows of every kind that the log tells of, and requests that ended in several ways."""
    records_of_every_kind(keys)


def bearer(account: Any) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {a_token(account)}"}


def test_an_auditor_asks_watches_and_takes_a_signed_report(records: None, client: Client) -> None:
    vera = an_auditor()
    with behind_the_servers_back() as sql:
        sql.execute("UPDATE works_party SET name = 'Eve' WHERE name = 'Bo Carver'")
    asked = client.post("/api/v1/audit/reconciliations", **bearer(vera))
    assert asked.status_code == 202 and asked.json()["state"] == "waiting"
    place = asked["Location"]
    assert client.get(f"{place}/report", **bearer(vera)).status_code == 404
    jobs.reconcile()
    told = client.get(place, **bearer(vera)).json()
    assert (told["state"], told["differences"], told["done"] == told["total"]) == ("done", 1, True)
    report = b"".join(client.get(f"{place}/report", **bearer(vera)).streaming_content)
    assert json.loads(report)["found"] == "Eve"
    assert told["report_digest"] == f"sha256:{hashlib.sha256(report).hexdigest()}"
    text = open_note(told["note"], queries.keys()).text
    assert f"report {told['report_digest']}\n" in text and "differences 1\n" in text
    listed = client.get("/api/v1/audit/reconciliations", **bearer(vera)).json()
    assert [run["id"] for run in listed["results"]] == [told["id"]]


def test_asking_and_ending_are_entries_of_the_one_who_asked(records: None, client: Client) -> None:
    vera = an_auditor()
    client.post("/api/v1/audit/reconciliations", **bearer(vera))
    jobs.reconcile()
    said = Opening.objects.filter(entry__kind__startswith="Reconciliation").order_by("entry__at")
    assert [one.entry.kind for one in said] == ["ReconciliationRequested", "ReconciliationEnded"]
    assert {one.details["actor"] for one in said} == {str(vera.pk)} and said[1].details["differences"] == 0


def test_nobody_but_an_auditor_may_ask_or_see(client: Client) -> None:
    mara = an_artist()
    run = reconciling.begin_here(actor=COLOPHON)
    before = Entry.objects.count()
    assert client.post("/api/v1/audit/reconciliations", **bearer(mara)).status_code == 403
    assert client.post("/api/v1/audit/reconciliations").status_code == 401
    for path in ("", f"/{run.pk}", f"/{run.pk}/report"):
        assert client.get(f"/api/v1/audit/reconciliations{path}", **bearer(mara)).status_code == 403
    assert (Reconciliation.objects.count(), Entry.objects.count()) == (1, before)


def test_a_run_whose_worker_fell_silent_is_begun_anew_and_the_late_one_ends_nothing(records: None) -> None:
    reconciling.request_reconciliation(actor=an_auditor().actor())
    late = Reconciliation.objects.get()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE generation_reconciliation SET state = 'running', attempt = 1, beat_at = now() - interval '1 hour'"
        )
    late.refresh_from_db()
    assert reconciling.is_one_waiting() and reconciling.reconcile_next() and not reconciling.is_one_waiting()
    before = Reconciliation.objects.values().get()
    assert before["state"] == "done"
    reconciling.reconcile(late)
    assert Reconciliation.objects.values().get() == before


def test_the_command_prints_differences_and_exits_by_them(records: None) -> None:
    out = io.StringIO()
    call_command("reconcile", stdout=out)
    assert "differences 0\n" in out.getvalue()
    with behind_the_servers_back() as sql:
        sql.execute("UPDATE works_party SET name = 'Eve' WHERE name = 'Bo Carver'")
    out = io.StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("reconcile", stdout=out)
    assert left.value.code == 1 and json.loads(out.getvalue().splitlines()[0])["recorded"] == "Bo Carver"
