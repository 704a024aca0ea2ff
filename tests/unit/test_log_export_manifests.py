"""An export's manifests against what the log's own entries state of them."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from provenance.audit_log.bundle import write_bundle
from provenance.audit_log.entry import Leaf, commitment_to
from provenance.audit_log.offline.command import check_bundle
from provenance.audit_log.offline.files import open_files
from provenance.audit_log.offline.findings import Findings
from tests.simulators.logs import SimulatedLog, a_log

URN = "urn:c2pa:7"
SIGNED = b"\0\0jumb urn:c2pa:7 as signed"
OTHER = b"\0\0jumb urn:c2pa:7 made later, under the same name"
SALT = bytes(32)


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def bundle_with(tmp_path: Path, *, store: bytes, details: Mapping[str, Any]) -> Findings:
    """Return what is found in an export whose one entry states some details and that brings one store along."""
    leaf = Leaf(
        id=UUID(int=2**80, version=4), kind="CredentialSigned", at=datetime(2026, 11, 1, tzinfo=UTC),
        commitment=commitment_to(details, salt=SALT),
    )  # fmt: skip
    log: SimulatedLog = a_log(0)
    log.grow([leaf.encoded()])
    target = io.BytesIO()
    opening = {"index": 0, "id": str(leaf.id), "salt": SALT.hex(), "details": details}
    write_bundle(
        target, log_files=log.files.items(), vkey=log.signer.vkey, openings=[opening], manifests=[(URN, store)]
    )
    zipfile.ZipFile(io.BytesIO(target.getvalue())).extractall(tmp_path)
    findings = Findings()
    check_bundle(open_files(str(tmp_path)), keys=[], witnesses=[], since=[], findings=findings)
    return findings


def test_the_store_that_an_entry_states_passes(tmp_path: Path) -> None:
    assert bundle_with(tmp_path, store=SIGNED, details={"manifest": URN, "store": digest(SIGNED)}) == []


def test_a_store_that_carries_the_name_and_is_listed_but_is_not_the_one_that_was_signed_is_named(
    tmp_path: Path,
) -> None:
    found = bundle_with(tmp_path, store=OTHER, details={"manifest": URN, "store": digest(SIGNED)})
    path = f"manifests/{hashlib.sha256(OTHER).hexdigest()}.c2pa"
    assert found == [
        {"code": "manifest-not-stated", "path": path, "manifest": URN, "index": 0, "stated": digest(SIGNED)}
    ]


@pytest.mark.parametrize("details", [{"store": 7, "manifest": URN}, {"store": digest(SIGNED)}])
def test_an_opening_that_states_no_readable_store_is_named(tmp_path: Path, details: dict[str, Any]) -> None:
    (found,) = bundle_with(tmp_path, store=SIGNED, details=details)
    assert found["code"] == "opening-malformed", json.dumps(found)
