"""What every test with a database has: files of its own, and wake-ups that reach no other process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from django.core.cache import cache
from pytest_django import Settings

django.setup()  # the run's settings are chosen by now; models are imported where tests are collected


@pytest.fixture(scope="session", autouse=True)
def wake_ups_stay_here() -> None:
    """Send wake-ups through Celery's own transport inside this process; journeys use the real ones."""
    from server.celery import app

    app.conf.update(broker_url="memory://", broker_transport="memory", broker_transport_options={})


@pytest.fixture(scope="session", autouse=True)
def static_files_have_a_folder() -> None:
    """Make the folder that collectstatic would make; the site warns where there is none."""
    from django.conf import settings

    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@pytest.fixture(autouse=True)
def files(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """Lend the store a folder of its own, and forget what throttles counted."""
    folder = tmp_path / "files"
    content = {"BACKEND": "provenance.storage.FolderStorage", "OPTIONS": {"location": str(folder)}}
    settings.STORAGES = {**settings.STORAGES, "content": content}
    cache.clear()
    yield folder


@pytest.fixture
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lend a folder for a development signing key."""
    return tmp_path_factory.mktemp("keys")
