"""A cleared flag leaves no difference whatever became of its work meanwhile, and hides none."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from django.db import connection, transaction

from generation.actions import reconciling
from provenance.actor import COLOPHON
from provenance.audit_log.models import Entry
from provenance.works.actions.flagging import decide_flag
from provenance.works.models import Flag, Work
from tests.database.test_flags import a_painting, encoded, listed
from tests.factories.records import an_artist, an_auditor

pytestmark = pytest.mark.django_db(transaction=True)


def told_of_works() -> list[tuple[str, str, str]]:
    """Return what reconciling tells of works: field, what the entry says, what the row says."""
    run = reconciling.reconcile(reconciling.begin_here(actor=COLOPHON))
    lines = [json.loads(line) for line in reconciling.report_lines(run)]
    return [(one["field"], one["recorded"], one["found"]) for one in lines if one["table"] == "works_work"]


def put(work: Work, state: str) -> None:
    """Change a work's state without an entry."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE works_work SET state = %s WHERE id = %s", [state, work.pk])


@pytest.mark.parametrize("state", ["rejected", "disputed", "active"])
def test_a_cleared_flag_says_in_which_state_that_leaves_the_work(state: str) -> None:
    listed(an_artist("painter"), "Painter", encoded(a_painting()))
    copy, vera = listed(an_artist("thief"), "Thief", encoded(a_painting(), "JPEG")), an_auditor()
    flag = Flag.objects.get()
    if state == "rejected":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            twin = {"work": copy, "against_kind": "work", "against_id": uuid4(), "distance": 0}
            other = Flag.objects.create(raised_at=flag.raised_at, **twin)
        decide_flag(actor=vera.actor(), flag_id=other.pk, decision="rejected", reason="a copy")
    elif state == "disputed":
        put(copy, state)
    decide_flag(actor=vera.actor(), flag_id=flag.pk, decision="cleared", reason="not that one")
    copy.refresh_from_db()
    assert copy.state == state == Entry.objects.get(kind="FlagCleared").opening.details["state"]
    assert told_of_works() == []
    put(copy, "flagged")
    assert told_of_works() == [("state", state, "flagged")]
