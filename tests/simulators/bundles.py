"""Export bundles, and what their own verifier says of them."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from provenance.audit_log.bundle import write_bundle
from tests.simulators.logs import SimulatedLog, a_log, an_opening

SIZE = 300
STORES = [(f"urn:c2pa:{number}", b"\0\0jumb urn:c2pa:%d \xff" % number) for number in (1, 2)]


def a_bundle(log: SimulatedLog | None = None, *, openings: range = range(SIZE), stores: Any = STORES) -> bytes:
    log = log or a_log(SIZE)
    target = io.BytesIO()
    write_bundle(
        target, log_files=log.files.items(), vkey=log.signer.vkey, openings=map(an_opening, openings), manifests=stores
    )
    return target.getvalue()


def unpacked(folder: Path) -> Path:
    """Unpack an export bundle into a folder."""
    zipfile.ZipFile(io.BytesIO(a_bundle())).extractall(folder)
    return folder


def verify(bundle: Path, *arguments: object) -> tuple[int, str]:
    """Run a bundle's own script with nothing on Python's path; return exit code and what it says."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-W", "error", str(bundle / "verify.py"), *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=60, cwd="/",
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def findings_of(bundle: Path, *arguments: object) -> tuple[int, list[dict[str, Any]]]:
    code, text = verify(bundle, "--json", *arguments)
    told = json.loads(text)["findings"]
    return code, [{name: value for name, value in each.items() if name not in ("en", "zh-Hans")} for each in told]
