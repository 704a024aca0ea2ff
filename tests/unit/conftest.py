"""What several files of these tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulators.tokens import SoftToken, soft_token


@pytest.fixture(scope="session")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftToken]:
    """Return a token; SoftHSM reads where it lies once for each process."""
    patch = pytest.MonkeyPatch()
    yield soft_token(tmp_path_factory.mktemp("hsm"), patch)
    patch.undo()
