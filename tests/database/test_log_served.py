"""The log over HTTP: what a stranger's tool reads, and proofs that it can check by itself."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from provenance.audit_log import queries, sequencing
from provenance.audit_log.note import VerifierKey, open_checkpoint
from provenance.audit_log.proof import verify_proof
from provenance.audit_log.sequencing import sequence
from provenance.audit_log.tiles import TileReader, unpack_entries
from provenance.audit_log.tree import leaf_hash, root_at, verify_consistency, verify_inclusion
from server.api.throttles import PerAccount
from tests.factories.delivered import an_output
from tests.factories.log import entries, one_entry
from tests.factories.records import an_artist

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("home")]
IMMUTABLE = "public, max-age=31536000, immutable"


def log_of(client: Client, many: int) -> tuple[list[str], VerifierKey]:
    """Publish a log of so many entries; their leaf hashes, and the key as a stranger reads it."""
    leaves = entries(many - 1)
    sequence()
    return leaves, VerifierKey.parse(client.get("/log/vkey").content.decode())


def asked(client: Client, path: str, **question: Any) -> tuple[int, dict[str, Any]]:
    answer = client.get(f"/api/v1/audit/proofs/{path}", question)
    return answer.status_code, answer.json()


def hashes(answer: dict[str, Any]) -> list[bytes]:
    return [base64.b64decode(each) for each in answer["hashes"]]


def raw(digest: str) -> bytes:
    return bytes.fromhex(digest.removeprefix("sha256:"))


def is_problem(answer: Any, *, status: int, code: str) -> bool:
    body = answer.json()
    return bool(answer.status_code == status and body["code"] == code and body["said"]["zh-Hans"])


# ---- files ----------------------------------------------------------------------------------------------------


def test_before_the_first_checkpoint_a_reader_is_told_when_to_come_back(client: Client) -> None:
    answer = client.get("/log/checkpoint")
    assert is_problem(answer, status=503, code="log-no-checkpoint-yet") and answer["Retry-After"] == "2"


def test_a_stranger_reads_the_whole_log_and_it_adds_up(client: Client) -> None:
    leaves, key = log_of(client, 300)
    answer = client.get("/log/checkpoint")
    head = open_checkpoint(answer.content.decode(), keys=[key]).checkpoint
    assert answer["Cache-Control"] == "no-cache" and answer["Content-Type"] == "text/plain; charset=utf-8"

    def read(path: str) -> bytes:
        found = client.get(f"/log/{path}")
        if found.status_code == 404:
            raise FileNotFoundError(path)
        assert found["Cache-Control"] == IMMUTABLE
        return found.content

    assert head.size == 300 and head.root == root_at(300, TileReader(read, size=300).read_hash)
    held = [*unpack_entries(read("tile/entries/000")), *unpack_entries(read("tile/entries/001.p/44"))]
    assert [f"sha256:{leaf_hash(data).hex()}" for data in held][: len(leaves)] == leaves
    assert b"account" not in b"".join(held) and b"number" not in b"".join(held)


@pytest.mark.parametrize(
    "path",
    ["tile/0/001", "tile/0/000.p/5", "tile/9/000", "tile/entries/7", "tile/0/000.p/0", "tile/0/../checkpoint",
     "tile/0/x000/001", "tile/0/000.p/999", "tile/../../../etc/passwd", "tile/0/%00"],
)  # fmt: skip
def test_what_is_no_tile_of_this_log_is_not_found(path: str, client: Client) -> None:
    log_of(client, 3)
    assert is_problem(client.get(f"/log/{path}"), status=404, code="not-found")


def test_a_partial_tile_stays_readable_after_the_full_one_replaced_it(client: Client, files: Path) -> None:
    log_of(client, 100)
    before = {path: client.get(f"/log/{path}").content for path in ("tile/0/000.p/100", "tile/entries/000.p/100")}
    entries(200)
    sequence()
    assert not (files / "log/tile/0/000.p").exists() and not (files / "log/tile/entries/000.p").exists()
    assert (files / "log/tile/0/000").stat().st_size == 8192
    assert {path: client.get(f"/log/{path}").content for path in before} == before


# ---- proofs by question ---------------------------------------------------------------------------------------


def test_an_inclusion_proof_leads_from_the_leaf_to_the_signed_root(client: Client) -> None:
    leaves, key = log_of(client, 300)
    status, answer = asked(client, "inclusion", leaf=leaves[270])
    head = open_checkpoint(answer["checkpoint"], keys=[key]).checkpoint
    assert status == 200 and answer["index"] == 270 and raw(answer["root"]) == head.root
    assert verify_inclusion(raw(leaves[270]), index=270, size=300, proof=hashes(answer), root=head.root)
    by_index = asked(client, "inclusion", index=270, size=271)[1]
    assert verify_inclusion(raw(leaves[270]), index=270, size=271, proof=hashes(by_index), root=raw(by_index["root"]))


def test_a_consistency_proof_shows_that_an_older_log_is_the_beginning(client: Client) -> None:
    log_of(client, 77)
    old = open_checkpoint(client.get("/log/checkpoint").content.decode(), keys=queries.keys()).checkpoint
    entries(223)
    sequence()
    _, answer = asked(client, "consistency", old=77)
    assert answer["new"] == 300 and raw(answer["old_root"]) == old.root
    assert verify_consistency(
        old_size=77, new_size=300, old_root=old.root, new_root=raw(answer["new_root"]), proof=hashes(answer)
    )


@pytest.mark.parametrize(
    ("path", "question", "status", "code"),
    [
        ("inclusion", {"leaf": "sha256:" + "0" * 64}, 404, "log-entry-unknown"),
        ("inclusion", {"leaf": "nonsense"}, 422, "invalid-request"),
        ("inclusion", {}, 422, "invalid-request"),
        ("inclusion", {"index": 0, "leaf": "sha256:" + "0" * 64}, 422, "invalid-request"),
        ("inclusion", {"index": 3}, 422, "log-not-in-tree"),
        ("inclusion", {"index": 1, "size": 1}, 422, "log-not-in-tree"),
        ("inclusion", {"index": 0, "size": 9}, 422, "log-not-in-tree"),
        ("inclusion", {"index": -1}, 422, "invalid-request"),
        ("inclusion", {"index": 10**30}, 422, "invalid-request"),
        ("consistency", {"old": 3, "new": 2}, 422, "log-not-an-earlier-size"),
        ("consistency", {"old": 1, "new": 4}, 422, "log-not-in-tree"),
        ("consistency", {}, 422, "invalid-request"),
    ],
)
def test_a_question_without_an_answer_gets_a_sentence(
    path: str, question: dict[str, Any], status: int, code: str, client: Client
) -> None:
    log_of(client, 3)
    answer = client.get(f"/api/v1/audit/proofs/{path}", question)
    assert is_problem(answer, status=status, code=code), answer.content


def test_an_entry_that_waits_is_known_and_not_yet_provable(client: Client) -> None:
    log_of(client, 3)
    leaf = one_entry()
    answer = client.get("/api/v1/audit/proofs/inclusion", {"leaf": leaf})
    assert is_problem(answer, status=503, code="log-not-yet-published") and answer["Retry-After"] == "2"
    sequence()
    assert asked(client, "inclusion", leaf=leaf)[0] == 200


# ---- an image's proof -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/images/{}/proof", "/api/v1/images/{}/proof"])
def test_every_image_has_a_proof_file_that_anyone_can_check(address: str, keys: Path, client: Client) -> None:
    sequencing.key_in_force()
    output = an_output(keys, an_artist())
    path = address.format(output.digest)
    early = client.get(path)
    assert early.status_code == 503 and early["Retry-After"] == "2"
    sequence()
    answer = client.get(path)
    key = VerifierKey.parse(client.get("/log/vkey").content.decode())
    opened = verify_proof(answer.content.decode(), leaf_hash=raw(output.delivered_leaf), keys=[key])
    assert answer["Content-Type"].startswith("text/plain") and opened.checkpoint.size == queries.size()
    assert ".tlog-proof" in answer["Content-Disposition"]


def test_an_unknown_image_has_no_proof(client: Client) -> None:
    answer = client.get(f"/images/sha256:{'0' * 64}/proof")
    assert is_problem(answer, status=404, code="log-entry-unknown")


def test_proofs_are_counted_by_address_and_the_log_itself_is_not(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PerAccount.THROTTLE_RATES, "account", "1/min")
    entries(1)
    sequence()
    codes = [client.get(f"/images/sha256:{'0' * 64}/proof").status_code for _ in range(2)]
    assert codes == [404, 429]
    assert [client.get("/log/checkpoint").status_code for _ in range(3)] == [200] * 3


def test_the_schema_describes_the_log(client: Client) -> None:
    schema = client.get("/api/schema?format=json").content.decode()
    assert "/api/v1/audit/proofs/inclusion" in schema and "/log/checkpoint" in schema
