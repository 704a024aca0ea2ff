"""The code of Go's checksum database, written by others, agrees with us about our own logs."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from provenance.audit_log.tiles import TileReader
from provenance.audit_log.tree import consistency_proof, inclusion_proof
from tests import services
from tests.simulators.logs import SimulatedLog, a_log, a_signer

SOURCE = Path(__file__).resolve().parent.parent / "oracles" / "read_tlog.go"


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the oracle, built from Debian's packages without a network."""
    go = services.require_tool("go")
    folder = tmp_path_factory.mktemp("oracle")
    around = {**os.environ, "GO111MODULE": "off", "GOPATH": services.GO_SOURCES, "GOCACHE": str(folder / "cache")}
    around |= {"GOFLAGS": "", "GOPROXY": "off", "CGO_ENABLED": "0"}
    built = folder / "read_tlog"
    subprocess.run([go, "build", "-o", str(built), str(SOURCE)], env=around, check=True, timeout=300)
    return built


def told(oracle: Path, folder: Path, **asked: Any) -> dict[str, Any]:
    """Return what the oracle says of a log's folder."""
    done = subprocess.run(
        [str(oracle), str(folder), a_signer().vkey], input=json.dumps(asked), text=True, capture_output=True,
        check=True, timeout=60,
    )  # fmt: skip
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def spelt(hashes: list[bytes]) -> list[str]:
    return [base64.b64encode(each).decode() for each in hashes]


def proofs_of(log: SimulatedLog) -> dict[str, Any]:
    size = len(log.entries)
    reader = TileReader(log.read, size=size)
    return {
        "inclusion": [
            {"index": index, "hashes": spelt(inclusion_proof(index, size, reader.read_hash))}
            for index in sorted({0, size // 3, size // 2, size - 1})
        ],
        "consistency": [
            {
                "old": old,
                "root": spelt([log.root(old)])[0],
                "hashes": spelt(consistency_proof(old, size, reader.read_hash)),
            }
            for old in sorted({1, max(1, size // 3), max(1, size // 256 * 256), max(1, size - 1)})
        ],
    }


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 1_600, 65_536, 66_000])
def test_go_reads_our_files_signature_entries_and_proofs(oracle: Path, tmp_path: Path, size: int) -> None:
    log = a_log(size, steps=(size // 2,))
    asked = proofs_of(log)
    report = told(oracle, log.write(tmp_path), **asked)
    assert report == {
        "error": "",
        "origin": log.signer.name,
        "size": size,
        "root": spelt([log.root()])[0],
        "signers": [log.signer.name],
        "entries": size,
        "inclusion": [True] * len(asked["inclusion"]),
        "consistency": [True] * len(asked["consistency"]),
    }


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/003", "tile/1/000.p/6", "tile/entries/006.p/64"])
def test_go_finds_every_change(oracle: Path, tmp_path: Path, path: str) -> None:
    log = a_log(1_600)
    data = bytearray(log.files[path])
    data[-40] ^= 1
    log.files[path] = bytes(data)
    assert told(oracle, log.write(tmp_path))["error"] != ""


def test_go_does_not_believe_a_proof_of_another_place(oracle: Path, tmp_path: Path) -> None:
    log = a_log(1_600)
    asked = proofs_of(log)
    asked["inclusion"][0]["index"] += 1
    asked["consistency"][1]["old"] += 1
    report = told(oracle, log.write(tmp_path), **asked)
    assert report["inclusion"] == [False, True, True, True]
    assert report["consistency"] == [True, False, True, True]
