"""Long reports and tables, as the web process sends them: whole, though a connection is given back when it can be."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.db import connections

from generation.actions import reconciling
from generation.models import ReconciliationDifference
from provenance.actor import COLOPHON
from server.one_thread import OneThread
from tests.factories.records import a_token, an_auditor

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = 2_500
"""More than a cursor brings at once."""


def fetched(path: str, *, token: str) -> tuple[int, bytes]:
    """Ask the site as its server does; return the status and the whole body."""
    sent: list[dict[str, Any]] = []
    waiting = [{"type": "http.request", "body": b"", "more_body": False}]
    scope = {
        "type": "http", "method": "GET", "path": path, "query_string": b"", "server": ("testserver", 80),
        "headers": [(b"host", b"testserver"), (b"authorization", f"Bearer {token}".encode())],
    }  # fmt: skip

    async def receive() -> Any:
        return waiting.pop() if waiting else await asyncio.sleep(3600)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def run() -> None:
        await asyncio.wait_for(OneThread()(scope, receive, send), timeout=60)

    asyncio.run(run())
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


def test_a_report_with_more_lines_than_a_cursor_brings_at_once_is_sent_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)  # as in the web process
    run = reconciling.reconcile(reconciling.begin_here(actor=COLOPHON))
    blank = {"kind": "row-missing", "table": "t", "field": "", "recorded": "", "found": "", "entry": ""}
    ReconciliationDifference.objects.bulk_create(
        ReconciliationDifference(reconciliation=run, row=str(number), **blank) for number in range(ROWS)
    )
    status, report = fetched(f"/api/v1/audit/reconciliations/{run.pk}/report", token=a_token(an_auditor()))
    assert (status, report.count(b"\n")) == (200, ROWS)
