"""A PKCS#11 token in a folder: SoftHSM with keys imported into it, and what a server needs to use it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from provenance.credentials.hardware_token import HardwareToken
from tests import services
from tests.simulators.certificates import Chain

PIN = "834512"


@dataclass(frozen=True)
class SoftToken:
    """One token, its library, and the label of each key in it."""

    library: Path
    label: str
    folder: Path

    def keep(self, label: str, chain: Chain) -> None:
        """Put a chain's private key into the token, under a label."""
        path = self.folder / f"{label}.pem"
        path.write_bytes(chain.key_pem())
        _run("--import", str(path), "--token", self.label, "--pin", PIN, "--label", label, "--id", uuid4().hex)

    def key(self, label: str, *, pin: str = PIN, **more: Any) -> HardwareToken:
        """Return a key of the token as the server uses it."""
        return HardwareToken(library=self.library, token=self.label, key=label, pin=pin, **more)


def soft_token(folder: Path, monkeypatch: pytest.MonkeyPatch, *, label: str = "atelier") -> SoftToken:
    """Return a new token; skip where there is no SoftHSM."""
    library = Path(services.require_tool("softhsm"))
    pytest.importorskip("pkcs11", reason="python-pkcs11 is not here: pip install 'colophon[hsm]'")
    (folder / "tokens").mkdir(parents=True)
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(configuration))
    _run("--init-token", "--free", "--label", label, "--so-pin", PIN, "--pin", PIN)
    return SoftToken(library=library, label=label, folder=folder)


def _run(*arguments: str) -> None:
    subprocess.run(["softhsm2-util", *arguments], check=True, capture_output=True, timeout=60)
