"""The demonstration's log: taken away over HTTP as a stranger takes it, and checked without the server."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from provenance.audit_log.entry import Leaf, commitment_to
from provenance.audit_log.note import Checkpoint, split_note
from provenance.audit_log.proof import LogProof
from provenance.audit_log.proofs import paths_of
from server.command_line.demo import DemoFailed, Server

SECONDS_TO_A_PROOF = 30


def keep_log(server: Server, *, record: dict[str, Any], out: Path) -> None:
    """Save the log with its key, the picture's proof, and the entry that the proof is of."""
    digest = record["outputs"][0]["digest"]
    proof = _proof(server, path=f"/images/{digest}/proof")
    (out / "picture.tlog-proof").write_bytes(proof)
    (out / "picture.leaf").write_bytes(_leaf(server, record=record, digest=digest))
    (out / "log.vkey").write_bytes(server.call("/log/vkey"))
    checkpoint = server.call("/log/checkpoint")
    for path in paths_of(Checkpoint.parse(split_note(checkpoint.decode())[0]).size):
        target = out / "log" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(server.call(f"/log/{path}"))
    (out / "log" / "checkpoint").write_bytes(checkpoint)


def _proof(server: Server, *, path: str) -> bytes:
    """Return the picture's proof, once a checkpoint includes its entry: a second or two after its delivery."""
    until = time.monotonic() + SECONDS_TO_A_PROOF
    while True:
        try:
            text = server.call(path)
            LogProof.parse(text.decode())
            return text
        except DemoFailed as error:
            is_early = isinstance(error.__cause__, urllib.error.HTTPError) and error.__cause__.code == 503
            if not is_early or time.monotonic() > until:
                raise
            time.sleep(0.5)


def _leaf(server: Server, *, record: dict[str, Any], digest: str) -> bytes:
    """Return the picture's entry as it stands in the log, once its commitment opens to this very picture."""
    answer = json.loads(server.call(f"/api/v1/audit/entries?kind=OutputDelivered&generation={record['id']}"))
    for entry in answer["results"]:
        if entry["details"]["digest"] == digest:
            if commitment_to(entry["details"], salt=bytes.fromhex(entry["salt"])) != entry["commitment"]:
                raise DemoFailed(step="log", reason="the entry's details are not what its commitment was made of")
            at = datetime.fromisoformat(entry["at"])
            return Leaf(id=UUID(entry["id"]), kind=entry["kind"], at=at, commitment=entry["commitment"]).encoded()
    raise DemoFailed(step="log", reason="no entry tells of this picture")


def checked(out: Path, *, root: Path) -> str:
    """Return what the independent check says of the saved log, proof and entry; a fault in them ends the demo."""
    command = [
        sys.executable, "-m", "provenance.audit_log.check", str(out / "log"),
        "--key", (out / "log.vkey").read_text().strip(),
        "--proof", str(out / "picture.tlog-proof"), "--leaf", str(out / "picture.leaf"),
    ]  # fmt: skip
    told = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if told.returncode != 0:
        raise DemoFailed(step="log", reason=told.stdout + told.stderr)
    return told.stdout
