"""Colophon on a machine room's services: RabbitMQ carries wake-ups, a PostgreSQL server keeps records."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import kombu
import pytest

from provenance.canonical import sha256_digest
from tests.running import Colophon
from tests.simulators.visitor import Visitor

pytestmark = [pytest.mark.journey]
QUEUES = ("render", "housekeeping")


@contextlib.contextmanager
def running(**services: str) -> Iterator[Colophon]:
    folder = Path(tempfile.mkdtemp(prefix="colophon-scaled-"))
    folder.chmod(0o711)
    colophon = Colophon(folder / "data", **services)
    try:
        yield colophon.start()
    finally:
        colophon.sweep()
        shutil.rmtree(folder, ignore_errors=True)


def makes_a_picture(colophon: Colophon) -> bool:
    visitor = Visitor(colophon)
    record = visitor.ended(visitor.ask())
    assert record["state"] == "done", record["fault"]
    (output,) = record["outputs"]
    return sha256_digest(visitor.download(output["links"]["file"])) == output["digest"]


@pytest.fixture
def empty_rabbitmq(rabbitmq: str) -> Iterator[str]:
    """Lend RabbitMQ without our queues, and leave it so."""
    _delete_queues(rabbitmq)
    yield rabbitmq
    _delete_queues(rabbitmq)


def _delete_queues(address: str) -> None:
    with kombu.Connection(address) as connection:
        for name in QUEUES:
            connection.channel().queue_delete(name)  # no fault where there is none


@pytest.mark.rabbitmq
def test_wake_ups_travel_through_quorum_queues(empty_rabbitmq: str) -> None:
    with running(CELERY_BROKER_URL=empty_rabbitmq) as colophon, kombu.Connection(empty_rabbitmq) as connection:
        assert makes_a_picture(colophon)
        for name in QUEUES:
            # RabbitMQ refuses to declare a queue again as another type than it has.
            queue = kombu.Queue(name, kombu.Exchange(name), queue_arguments={"x-queue-type": "quorum"})
            queue(connection.channel()).declare()


@pytest.mark.server_postgresql
def test_records_are_kept_by_a_postgresql_server(server_postgresql: str) -> None:
    with running(DATABASE_URL=server_postgresql) as colophon:
        assert "database" not in colophon.processes()
        assert makes_a_picture(colophon)
