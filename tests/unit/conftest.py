"""What several files of these tests share: keys to sign with, and models small enough to run here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from provenance.credentials.development_ca import DevelopmentCA
from provenance.credentials.signing import PemKey
from tests.simulators.tokens import SoftToken, soft_token


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> PemKey:
    """Return a development key."""
    return DevelopmentCA(tmp_path_factory.mktemp("keys")).signing_key(now=datetime.now(UTC))


@pytest.fixture(scope="session")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftToken]:
    """Return a token; SoftHSM reads where it lies once for each process."""
    patch = pytest.MonkeyPatch()
    yield soft_token(tmp_path_factory.mktemp("hsm"), patch)
    patch.undo()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Lend folders of tiny models, run by one thread: models this small only wait for each other's threads."""
    import torch

    from tests.factories.tiny_orders import TinyModels

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield TinyModels(tmp_path_factory.mktemp("tiny"))
    torch.set_num_threads(threads)
