"""The log knows which settings are in force, hears of each change once, and of no secret."""

from __future__ import annotations

import pytest

from provenance.audit_log.actions import state_settings
from provenance.audit_log.models import Opening
from server.environment import Environment
from tests.factories.records import kinds_of_entries

pytestmark = pytest.mark.django_db


def test_settings_are_stated_when_they_change_and_only_then() -> None:
    assert state_settings({"provider": "A", "pipeline": "p"})
    assert not state_settings({"provider": "A", "pipeline": "p"})
    assert state_settings({"provider": "B", "pipeline": "p"})
    newest = Opening.objects.order_by("-entry__at").first()
    assert newest is not None and newest.details["changed"] == ["provider"]
    assert kinds_of_entries() == ["SettingsChanged", "SettingsChanged"]


def test_what_is_stated_holds_no_secret_and_no_path() -> None:
    secrets = {
        "database_url": "postgresql://u:hunter2@db/colophon", "celery_broker_url": "amqp://u:hunter2@mq//",
        "bucket_secret_key": "hunter2", "timestamp_url": "https://u:hunter2@stamps.example/", "home": "/srv/hunter2",
    }  # fmt: skip
    stated = Environment(**secrets).stated
    assert "hunter2" not in str(stated)
    assert stated["timestamps"] == "on" and stated["signing_key"] == "development"
