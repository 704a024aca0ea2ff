"""Taking the log away: an auditor's bundle, which an outsider checks with Python alone; and the verdict's proof."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from generation.evidence import Records
from generation.models import Output
from provenance import storage
from provenance.actor import COLOPHON
from provenance.audit_log import queries, sequencing
from provenance.audit_log.models import Entry, Opening
from provenance.audit_log.note import open_checkpoint
from provenance.audit_log.sequencing import sequence
from provenance.verification.verify import verify
from tests.factories.delivered import an_output
from tests.factories.log import entries
from tests.factories.records import a_token, an_artist, an_auditor, an_operator

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("home")]


@pytest.fixture
def output(keys: Path) -> Output:
    """Lend a delivered image."""
    return an_output(keys, an_artist())


def bearer(account: Any) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {a_token(account)}"}


def bundle_of(client: Client, account: Any) -> zipfile.ZipFile:
    answer = client.get("/api/v1/audit/exports", **bearer(account))
    assert answer.status_code == 200 and answer["Content-Type"] == "application/zip", answer.content
    return zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))


def run_verifier(folder: Path, vkey: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", str(folder / "verify.py"), "--key", vkey]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


# ---- bundles --------------------------------------------------------------------------------------------------


def test_an_auditors_bundle_checks_offline_with_python_alone(output: Output, client: Client, tmp_path: Path) -> None:
    entries(300)
    sequence()
    bundle_of(client, an_auditor()).extractall(tmp_path / "bundle")
    done = run_verifier(tmp_path / "bundle", queries.keys()[-1].vkey)
    assert done.returncode == 0, done.stdout + done.stderr
    opened = (tmp_path / "bundle" / "openings.jsonl").read_text().splitlines()
    assert len(opened) == Opening.objects.count() - 1  # the bundle's own entry came after
    assert list((tmp_path / "bundle" / "manifests").iterdir()) and Entry.objects.filter(kind="LogExported").count() == 1


def test_a_tampered_bundle_is_told_from_a_good_one(output: Output, client: Client, tmp_path: Path) -> None:
    sequence()
    folder = tmp_path / "bundle"
    bundle_of(client, an_auditor()).extractall(folder)
    lines = (folder / "openings.jsonl").read_text().splitlines()
    changed = json.loads(lines[0])
    changed["details"]["key"] = "another"
    (folder / "openings.jsonl").write_text("\n".join([json.dumps(changed), *lines[1:]]) + "\n")
    assert run_verifier(folder, queries.keys()[-1].vkey).returncode == 1


def test_after_an_erasure_the_bundle_lacks_the_opening_and_everything_still_checks(
    output: Output, client: Client, tmp_path: Path
) -> None:
    sequence()
    before = client.get(f"/images/{output.digest}/proof").content
    Opening.objects.filter(entry__leaf_hash=output.delivered_leaf).delete()
    bundle_of(client, an_auditor()).extractall(tmp_path / "bundle")
    assert output.raw_pixels not in (tmp_path / "bundle" / "openings.jsonl").read_text()  # stated there alone
    assert run_verifier(tmp_path / "bundle", queries.keys()[-1].vkey).returncode == 0
    assert client.get(f"/images/{output.digest}/proof").content == before


@pytest.mark.parametrize("who", [an_artist, an_operator])
def test_whoever_is_no_auditor_takes_nothing_away(who: Any, client: Client) -> None:
    entries(2)
    sequence()
    before = Entry.objects.count()
    answer = client.get("/api/v1/audit/exports", **bearer(who("somebody")))
    assert answer.status_code == 403 and Entry.objects.count() == before
    assert client.get("/api/v1/audit/exports").status_code == 401


# ---- the verdict ----------------------------------------------------------------------------------------------


def log_check(output: Output) -> Any:
    verdict = verify(storage.load(output.digest), evidence=Records(keeper="colophon.example"))
    return next(check for check in verdict.checks if check.code == "log.inclusion")


def test_the_verdict_proves_that_the_log_includes_the_image(output: Output) -> None:
    assert log_check(output).result == "not_checked"
    sequence()
    found = log_check(output)
    assert found.result == "passed" and "log held by the operator alone" in found.en and "自己保管" in found.zh
    head = open_checkpoint(found.evidence["checkpoint"], keys=queries.keys()).checkpoint
    assert head.size == found.evidence["tree_size"] == queries.size()
    assert found.evidence["indexes"][-1] == queries.index_of(output.delivered_leaf)
    assert found.evidence["proof"] == f"/images/{output.digest}/proof"


def test_a_damaged_tile_fails_the_verdicts_log_check(output: Output, files: Path) -> None:
    sequence()
    (tile,) = (files / "log" / "tile" / "0" / "000.p").iterdir()
    tile.write_bytes(bytes(len(tile.read_bytes())))
    found = log_check(output)
    assert found.result == "failed" and "does not prove" in found.en


def test_a_bundle_taken_between_a_rotation_and_its_checkpoint_verifies(
    output: Output, client: Client, tmp_path: Path
) -> None:
    sequence()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sequencing, "sequence", lambda: None)
        sequencing.rotate(actor=COLOPHON)
    known = queries.keys()
    old, new = (key.vkey for key in known)
    bundle_of(client, an_auditor()).extractall(tmp_path / "bundle")
    assert (tmp_path / "bundle" / "log.vkey").read_text() == old + "\n"
    assert (tmp_path / "bundle" / "other.vkeys").read_text() == new + "\n"
    done = run_verifier(tmp_path / "bundle", old)
    assert done.returncode == 0, done.stdout + done.stderr
