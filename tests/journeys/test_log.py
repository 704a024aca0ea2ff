"""The log of a running Colophon: published by itself, after every fall of the worker that keeps it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request

import pytest

from server.command_line.demo import Server, first_password
from tests.running import Colophon, manage, wait_until
from tests.services import REPOSITORY

pytestmark = [pytest.mark.journey]


def text(colophon: Colophon, path: str) -> str:
    with urllib.request.urlopen(colophon.address + path, timeout=10) as answer:
        return str(answer.read().decode())


def size(colophon: Colophon) -> int:
    return int(text(colophon, "/log/checkpoint").splitlines()[1])


def signed_in(colophon: Colophon) -> Server:
    server = Server(colophon.address)
    server.sign_in(account="artist", password=first_password(colophon.home, account="artist"))
    return server


def picture(server: Server) -> str:
    """Have a picture made and return its digest."""
    record = json.loads(server.call("/api/v1/generations", body={"prompt": "a red apple", "seeds": ["7"], "steps": 2}))
    path = f"/api/v1/generations/{record['id']}"
    done = wait_until(
        lambda: next((r for r in [json.loads(server.call(path))] if r["state"] == "done"), None), what="a picture"
    )
    return str(done["outputs"][0]["digest"])


def proof_of(colophon: Colophon, digest: str) -> str:
    return wait_until(lambda: text(colophon, f"/images/{digest}/proof"), what="the picture's proof")


def test_a_picture_is_proved_and_the_whole_log_checks_from_outside(colophon: Colophon) -> None:
    digest = picture(signed_in(colophon))
    assert proof_of(colophon, digest).startswith("c2sp.org/tlog-proof@v1\nindex ")
    vkey = text(colophon, "/log/vkey").strip()
    assert (colophon.home / "log.vkey").read_text().strip() == vkey
    command = [sys.executable, "-m", "provenance.audit_log.check", f"{colophon.address}/log", "--key", vkey]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "log held by the operator alone" in done.stdout, done.stdout + done.stderr


def test_the_log_goes_on_after_its_worker_was_killed(colophon: Colophon) -> None:
    server = signed_in(colophon)
    proof_of(colophon, picture(server))
    before = size(colophon)
    gone = colophon.kill("housekeeping")
    digest = picture(server)
    colophon.wait_for_another("housekeeping", than=gone)
    proof_of(colophon, digest)
    assert size(colophon) > before


def test_a_rotated_key_signs_the_log_that_is_running(colophon: Colophon) -> None:
    proof_of(colophon, picture(signed_in(colophon)))
    old = text(colophon, "/log/vkey").strip()
    done = manage(colophon.home, "rotate_log_key", COLOPHON_PORT=str(colophon.port))
    assert done.returncode == 0, done.stdout + done.stderr
    new = text(colophon, "/log/vkey").strip()
    assert new == done.stdout.strip().splitlines()[-1] != old
    command = [sys.executable, "-m", "provenance.audit_log.check", f"{colophon.address}/log", "--key", new]
    wait_until(
        lambda: subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=False).returncode == 0,
        what="a checkpoint under the new key",
    )
    assert not any("PRIVATE KEY" in log.read_text(errors="replace") for log in (colophon.home / "logs").glob("*.log"))
