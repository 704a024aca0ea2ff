"""What every test with a database has: files of its own, and wake-ups that reach no other process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import pytest
from django.core.cache import cache
from django.db import connection
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


@pytest.fixture(scope="session", autouse=True)
def tables_can_be_emptied_between_tests() -> Iterator[None]:
    """Let Django's flush, and nothing else, pass the triggers that keep the log: only a superuser may ask for that."""
    operations = type(connection.ops)
    flush = operations.execute_sql_flush

    def past_triggers(self: Any, sql_list: list[str]) -> None:
        flush(self, ["SET LOCAL session_replication_role = replica", *sql_list])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "execute_sql_flush", past_triggers)
        yield


@pytest.fixture(autouse=True)
def files(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    """Lend the store a folder of its own, and forget what throttles counted."""
    folder = tmp_path / "files"
    content = {"BACKEND": "provenance.storage.FolderStorage", "OPTIONS": {"location": str(folder)}}
    settings.STORAGES = {**settings.STORAGES, "content": content}
    cache.clear()
    yield folder


@pytest.fixture
def home(tmp_path: Path, settings: Settings) -> Path:
    """Lend keys and log a data folder of their own."""
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"home": tmp_path / "home"})
    return tmp_path / "home"


@pytest.fixture
def unmarked(home: Path, settings: Settings) -> None:
    """Mark no picture: a watermark would give a plain one detail, and would find any before a fingerprint does."""
    settings.COLOPHON_WATERMARK_LEAST_SIDE = 10_000


@pytest.fixture
def mara() -> Any:
    """Record an artist."""
    from tests.factories.records import an_artist

    return an_artist()


@pytest.fixture
def output(keys: Path, mara: Any) -> Any:
    """Deliver the scene."""
    from tests.factories.delivered import a_scene, an_output

    return an_output(keys, mara, a_scene())


@pytest.fixture
def make(keys: Path, mara: Any) -> Any:
    """Return a function that makes a later form of an image of the artist's."""
    from tests.factories.delivered import maker_of_forms

    return maker_of_forms(keys, mara)


@pytest.fixture
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lend a folder for a development signing key."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
def wakes() -> Iterator[list[object]]:
    """Count how often work is announced."""
    from generation.events import work_available

    counted: list[object] = []

    def count(**_: object) -> None:
        counted.append(1)

    work_available.connect(count)
    yield counted
    work_available.disconnect(count)
