"""The roots that whoever trusts this installation trusts follow their files while the server runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from provenance.credentials.development_ca import DevelopmentCA
from provenance.credentials.errors import KeyUnfit
from provenance.credentials.installed_key import installed_key, installed_roots
from server.environment import Environment
from tests.simulators import certificates

NOW = datetime.now(UTC)


def test_the_roots_follow_their_files_while_the_server_runs(tmp_path: Path) -> None:
    retired = certificates.chain(now=NOW).root_pem
    (tmp_path / "retired.pem").write_text(retired)
    environment = Environment(home=tmp_path, signing_retired_roots=tmp_path / "retired.pem")
    before = installed_roots(environment, now=NOW)
    assert before == installed_key(environment, now=NOW).root_pem == installed_roots(environment, now=NOW)
    assert retired.strip() in before
    (tmp_path / "retired.pem").write_text(certificates.chain(now=NOW).root_pem)
    without = installed_roots(environment, now=NOW)
    assert retired.strip() not in without and without == installed_key(environment, now=NOW).root_pem
    for path in environment.keys_folder.glob("*.pem"):
        path.unlink()
    another = installed_roots(environment, now=NOW)
    assert another != without and another == installed_key(environment, now=NOW).root_pem


class Replaced(type(Path())):  # type: ignore[misc]  # the class of paths here
    """A file that somebody replaces as soon as it was read for the first time."""

    followed_by = ""

    def read_text(self, *_: Any, **__: Any) -> str:
        """Return what is in it, and write what follows."""
        text = Path(self).read_text()
        if Replaced.followed_by:
            Path(self).write_text(Replaced.followed_by)
            Replaced.followed_by = ""
        return text


def test_roots_that_are_replaced_while_they_are_read_are_read_again(tmp_path: Path) -> None:
    first, second = (certificates.chain(now=NOW).root_pem for _ in range(2))
    environment = Environment(home=tmp_path)
    installed_key(environment, now=NOW)
    path = Replaced(tmp_path / "retired.pem")
    Path(path).write_text(first)
    Replaced.followed_by = second
    environment = environment.model_copy(update={"signing_retired_roots": path})
    assert first.strip() in installed_roots(environment, now=NOW)
    assert second.strip() in installed_roots(environment, now=NOW)


def test_roots_that_stand_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = Environment(home=tmp_path)
    installed_key(environment, now=NOW)
    first = installed_roots(environment, now=NOW)
    monkeypatch.delattr(DevelopmentCA, "signing_key")
    assert installed_roots(environment, now=NOW) == first


def test_a_key_file_that_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    environment = Environment(home=tmp_path)
    installed_key(environment, now=NOW)
    path = environment.keys_folder / "signer.pem"
    path.chmod(0o644)
    installed_key(environment, now=NOW)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("fault", ["ended", "shut", "gone"])
@pytest.mark.parametrize("is_root_named", [True, False])
def test_a_key_that_cannot_sign_any_more_stops_no_verdict(tmp_path: Path, fault: str, is_root_named: bool) -> None:
    chain, retired = certificates.chain(now=NOW, days=2), certificates.chain(now=NOW)
    for name, text in (("chain", chain.pem), ("root", chain.root_pem), ("retired", retired.root_pem)):
        (tmp_path / f"{name}.pem").write_text(text)
    (tmp_path / "key.pem").write_bytes(chain.key_pem(b"open"))
    environment = Environment(
        home=tmp_path, signing_certificates=tmp_path / "chain.pem", signing_key=tmp_path / "key.pem",
        signing_key_password="shut" if fault == "shut" else "open",
        signing_root=tmp_path / "root.pem" if is_root_named else None,
        signing_retired_roots=tmp_path / "retired.pem",
    )  # fmt: skip
    later = NOW + timedelta(days=3 if fault == "ended" else 0)
    if fault == "gone":
        (tmp_path / "key.pem").unlink()
    with pytest.raises((KeyUnfit, FileNotFoundError)):
        installed_key(environment, now=later)
    assert installed_roots(environment, now=later) == chain.root_pem + retired.root_pem
