"""The worked example of docs/formats/audit-log.md is what the code writes, byte for byte."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provenance.audit_log.check import Asked, check_log
from provenance.audit_log.entry import Leaf, commitment_to
from provenance.audit_log.note import Cosigner, Ed25519NoteSigner, with_signatures
from provenance.audit_log.proof import make_proof, verify_proof
from provenance.audit_log.tiles import TileReader
from provenance.audit_log.tree import inclusion_proof, leaf_hash
from tests.simulators.logs import SimulatedLog, jsonl

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENT = (REPOSITORY / "docs" / "formats" / "audit-log.md").read_text("utf-8")
FIRST = json.loads((REPOSITORY / "tests" / "vectors" / "entry.json").read_text("utf-8"))
SECOND = {
    "index": 1,
    "id": "0b5e8f7c-54a1-4b7e-8f0a-3c1d2e4f5a6b",
    "salt": bytes(range(32, 64)).hex(),
    "details": {"actor": None, "note": "落款", "share": 0.25},
}
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def second_leaf() -> bytes:
    return Leaf(
        id=UUID(str(SECOND["id"])),
        kind="PigmentGround",
        at=NOON,
        commitment=commitment_to(SECOND["details"], salt=bytes(range(32, 64))),  # type: ignore[arg-type]
    ).encoded()


def example() -> dict[str, str]:
    """Return every block of the worked example under its heading."""
    signer = Ed25519NoteSigner("colophon.example/log", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    witness = Cosigner("witness.example/one", Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64))))
    log = SimulatedLog(signer).grow([FIRST["leaf"].encode(), second_leaf()])
    note = with_signatures(log.checkpoint(), [witness.cosign(log.head().text(), at=NOON)])
    log.files["checkpoint"] = note.encode()
    opening = {"index": 0, "id": FIRST["id"], "salt": FIRST["salt"], "details": FIRST["details"]}
    report = check_log(
        log,
        Asked(keys=[signer.verifier], witnesses=[witness.verifier], openings=("", jsonl([opening, SECOND]))),
    )
    assert list(report["findings"]) == [] and report["witnesses"] == (witness.name,)
    hashes = inclusion_proof(1, 2, TileReader(log.read, size=2).read_hash)
    proof = make_proof(index=1, hashes=hashes, note=note)
    assert verify_proof(proof, leaf_hash=leaf_hash(second_leaf()), keys=[signer.verifier]).checkpoint == log.head()
    bundle = log.files["tile/entries/000.p/2"]
    return {
        "leaves": FIRST["leaf"] + "\n" + second_leaf().decode() + "\n",
        "openings": jsonl([opening, SECOND]).decode(),
        "lengths": f"{bundle[:2].hex()} {int.from_bytes(bundle[:2], 'big')} bytes\n"
        f"{len(second_leaf()).to_bytes(2, 'big').hex()} {len(second_leaf())} bytes\n",
        "tile": "".join(log.files["tile/0/000.p/2"][at : at + 32].hex() + "\n" for at in (0, 32)),
        "root": log.root().hex() + "\n",
        "checkpoint": note,
        "vkeys": f"{signer.vkey}\n{witness.vkey}\n",
        "proof": proof,
    }


@pytest.mark.parametrize("name", example())
def test_the_document_shows_what_the_code_writes(name: str) -> None:
    assert f"<!-- {name} -->\n```\n{example()[name]}```\n" in DOCUMENT


def test_the_time_that_the_witness_signs_is_told() -> None:
    assert f"`time {int(NOON.timestamp())}`" in DOCUMENT


def test_every_file_of_the_example_is_named() -> None:
    for path in ("checkpoint", "tile/0/000.p/2", "tile/entries/000.p/2"):
        assert f"`{path}`" in DOCUMENT
