"""Threads that outlive a request give the database's connection back: the pool of a web process has eight."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections

from server.api.limits import at_work
from server.api.work_imports import _next_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def as_in_the_web_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    """Return one thread that stays."""
    with ThreadPoolExecutor(1) as one:
        yield one
        one.submit(connections.close_all).result()


def is_held() -> bool:
    return connection.connection is not None


def test_an_import_holds_no_connection_between_two_lines(thread: ThreadPoolExecutor) -> None:
    def lines() -> Iterator[tuple[dict[str, str], int]]:
        for _ in range(2):
            connection.ensure_connection()
            assert is_held()
            yield {"result": "listed"}, 2

    rest = lines()
    for expected in (({"result": "listed"}, 2), ({"result": "listed"}, 2), None):
        assert thread.submit(_next_of, rest).result() == expected
        assert not thread.submit(is_held).result()


def test_who_waits_to_have_a_picture_checked_holds_no_connection(thread: ThreadPoolExecutor) -> None:
    def asked_who_calls_and_then_waited() -> bool:
        connection.ensure_connection()
        with at_work():
            return is_held()

    assert not thread.submit(asked_who_calls_and_then_waited).result()
