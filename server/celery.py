"""The Celery application: which broker carries wake-ups, and what each worker prepares."""

from __future__ import annotations

import os

import psycopg
from celery import Celery
from celery.signals import setup_logging
from kombu.transport import pgmq

from server.withheld import log_what_python_would_print

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")

app = Celery("colophon")
app.set_default()  # in every thread: the web process sends wake-ups from its pool
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["generation", "provenance.audit_log"], related_name="jobs")


@setup_logging.connect
def keep_django_logging(**_: object) -> None:
    """Let Django's LOGGING stand: Celery would otherwise put its own handlers in its place."""
    log_what_python_would_print()


class Channel(pgmq.Channel):
    """Hands out wake-ups, and goes on after one that could not be acknowledged."""

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        """Acknowledge a wake-up; where the database went away meanwhile, let it come twice.

        Without this its place among the prefetched stays taken, and a worker that prefetches one hears nothing more.
        """
        try:
            super().basic_ack(delivery_tag, multiple=multiple)
        except psycopg.Error:
            self.qos.ack(delivery_tag)
            raise


class Transport(pgmq.Transport):
    """Carries wake-ups over our own PostgreSQL."""

    Channel = Channel
