"""Writes that the database undid for another's sake, a deadlock or a serialization failure, are tried again."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import OperationalError, connection, transaction

from generation.actions import delivering
from generation.actions.rendering import despite_restarts, render_next
from tests.factories.records import a_model, a_request, a_worker, an_artist

pytestmark = pytest.mark.django_db(transaction=True)


def undone(state: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'undone' USING ERRCODE = '{state}'; END $$")


@pytest.mark.parametrize("state", ["40P01", "40001"])
def test_a_finished_render_is_delivered_although_the_first_write_was_undone(
    keys: Path, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_model()
    generation = a_request(an_artist())
    deliver, tries = delivering.deliver, []

    def undone_once(claim: delivering.Claim, *, delivery: delivering.Delivery) -> None:
        tries.append(claim)
        if len(tries) == 1:
            undone(state)
        deliver(claim, delivery=delivery)

    monkeypatch.setattr(delivering, "deliver", undone_once)
    render_next(worker=a_worker(keys))
    generation.refresh_from_db()
    assert (generation.state, len(tries)) == ("done", 2)


def test_a_statement_that_took_too_long_is_not_tried_again() -> None:
    tries: list[str] = []

    def write() -> None:
        tries.append("written")
        undone("57014")

    with pytest.raises(OperationalError):
        despite_restarts(write)
    assert len(tries) == 1
