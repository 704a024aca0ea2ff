"""Who follows requests has so many streams open at once, and each that ends makes room for another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from django.test import Client

from server.api import event_stream
from server.api.event_stream import MOST_STREAMS, streamed
from tests.factories.records import a_model, a_request, an_artist

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def none_open() -> Iterator[None]:
    """Leave no stream counted, whatever a test did."""
    yield
    event_stream._open.clear()


def test_one_stream_too_many_is_refused_and_another_account_has_its_own() -> None:
    a_model()
    mara, ida = an_artist(), an_artist("ida")
    paths = {one: f"/api/v1/generations/{a_request(one).pk}/events" for one in (mara, ida)}
    event_stream._open[mara.pk] = MOST_STREAMS
    answers = {}
    for account, path in paths.items():
        client = Client()
        client.force_login(account)
        answers[account] = client.get(path)
    assert answers[mara].status_code == 429
    assert answers[mara].json()["code"] == "too-many-streams"
    assert answers[mara].json()["said"]["zh-Hans"].startswith("您已打开 20 个事件流")
    assert answers[ida].status_code == 200 and answers[ida]["X-Accel-Buffering"] == "no"


def test_a_stream_is_counted_while_it_is_read_however_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ticks(*_: object, **__: object) -> AsyncIterator[bytes]:
        for number in range(3):
            yield str(number).encode()

    monkeypatch.setattr(event_stream, "progress_of", ticks)

    async def read(most: int) -> list[int]:
        pieces = streamed(None, account="mara").streaming_content  # type: ignore[arg-type]  # no subject is asked about
        counts = [event_stream._open["mara"]]
        async for _ in pieces:
            counts.append(event_stream._open["mara"])
            if len(counts) > most:
                break
        return counts

    assert asyncio.run(read(most=9)) == [0, 1, 1, 1]
    assert not event_stream._open
    assert asyncio.run(read(most=1)) == [0, 1]
    assert not event_stream._open
