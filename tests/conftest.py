"""What every test can ask for, and what no test can do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import services
from tests.running import Colophon

# Here and not in pyproject.toml: pytest-django reads settings named there before this file could choose
# the run's folder and database. A conftest is loaded in time when it sets the variable itself.
RUN = services.open_run()
services.choose_settings(RUN)
services.close_the_network()


def pytest_configure(config: pytest.Config) -> None:
    """Let xdist's workers choose their own settings: pytest-django would read inherited ones before this file."""
    if services.is_controller() and config.getoption("dist", "no") != "no":
        os.environ.pop("DJANGO_SETTINGS_MODULE", None)


def pytest_unconfigure() -> None:
    """Stop the run's database once every worker is done."""
    if services.is_controller():
        services.close_run(RUN)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip in one line, or fail where COLOPHON_REQUIRE says so, what this machine cannot run."""
    if item.get_closest_marker("rabbitmq"):
        services.require_tool("rabbitmq")
    if item.get_closest_marker("server_postgresql"):
        services.require_tool("postgresql")
    if item.get_closest_marker("browser"):
        services.require_tool("chromium")
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no CUDA device is here")


@pytest.fixture(scope="session")
def run_folder() -> Path:
    """Return the folder that this run's processes share."""
    return RUN


@pytest.fixture(scope="session")
def postgresql() -> None:
    """Have the database of this run answer: the embedded one, or the server's with COLOPHON_TEST_DATABASE=server."""
    if os.environ.get("COLOPHON_TEST_DATABASE") == "server":
        services.require_tool("postgresql")
    else:
        services.start_cluster(RUN)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(postgresql: None) -> None:
    """Let the test database be the very one that DATABASE_URL names, so that real child processes meet it too."""
    from django.conf import settings
    from django.db import connections

    name = settings.DATABASES["default"]["NAME"]
    connections["default"].settings_dict["TEST"]["NAME"] = name


@pytest.fixture
def server_postgresql(request: pytest.FixtureRequest) -> Iterator[str]:
    """Lend a new database on the server PostgreSQL; its address."""
    with services.server_database(f"colophon_lent_{os.getpid()}") as address:
        yield address


@pytest.fixture(scope="session")
def rabbitmq() -> str:
    """Return the address of the RabbitMQ that answers on this machine."""
    return services.require_tool("rabbitmq")


@pytest.fixture(scope="session")
def colophon() -> Iterator[Colophon]:
    """Have a whole Colophon run, with the stand-in pipeline, shared by the journeys of this run."""
    running = Colophon(RUN / f"journey-{services.worker_name()}" / "data")
    running.start()
    yield running
    running.sweep()
