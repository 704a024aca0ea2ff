"""Wake-ups over PostgreSQL: a database that goes away between two of them leaves nobody deaf."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import kombu
import psycopg
import pytest
from django.conf import settings
from django.db import connection
from pgmq.install import get_embedded_install_sql
from psycopg.conninfo import make_conninfo

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broker() -> Iterator[kombu.Connection]:
    """Lend a connection to the queues, as a render worker has one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace('pgmq') IS NOT NULL")
        if not cursor.fetchone()[0]:
            cursor.execute(get_embedded_install_sql())
    options: dict[str, Any] = {
        **settings.CELERY_BROKER_TRANSPORT_OPTIONS,
        "conn_string": make_conninfo(**settings.DATABASE_CONNINFO),
        "visibility_timeout": 1,
    }
    with kombu.Connection("pgmq://", transport="server.celery:Transport", transport_options=options) as lent:
        yield lent


def cut_off() -> None:
    """End every connection that the broker holds, as a restart of the database does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert cursor.fetchall()


def test_a_wake_up_that_could_not_be_acknowledged_leaves_room_for_the_next(broker: kombu.Connection) -> None:
    heard: list[kombu.Message] = []
    queue = kombu.Queue("deaf")
    channel = broker.channel()
    broker.Producer().publish("wake up", routing_key="deaf", declare=[queue])
    with broker.Consumer(queue, channel=channel, callbacks=[lambda body, message: heard.append(message)]) as consumer:
        consumer.qos(prefetch_count=1)
        broker.drain_events(timeout=20)
        cut_off()
        with pytest.raises(psycopg.Error):
            heard[0].ack()
        broker.drain_events(timeout=20)  # the same one, since nobody took it out of the queue
    assert [message.payload for message in heard] == ["wake up", "wake up"]
