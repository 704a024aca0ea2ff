"""Entries of the log: what the leaf shows, what the commitment covers, what does not fit."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.actor import COLOPHON, Actor
from provenance.audit_log.entry import EntryTooLarge, Leaf, Statement, commitment_to
from provenance.canonical import canonical_json, parse_timestamp

VECTOR = json.loads((Path(__file__).parent.parent / "vectors" / "entry.json").read_text())
SALT = bytes(range(32))
ACCOUNT = UUID("6f1c5a52-6a2b-4c3e-9d55-0e7b2a6a9f10")


@dataclass(frozen=True, kw_only=True)
class PigmentGround(Statement):
    """A kind of statement that only these tests make."""

    pigment: UUID
    at: datetime
    notes: Any


def vector_leaf() -> Leaf:
    return Leaf(
        id=UUID(VECTOR["id"]),
        kind=VECTOR["kind"],
        at=parse_timestamp(VECTOR["at"]),
        commitment=VECTOR["commitment"],
    )


def test_the_commitment_is_the_hash_of_salt_and_canonical_details() -> None:
    assert commitment_to(VECTOR["details"], salt=bytes.fromhex(VECTOR["salt"])) == VECTOR["commitment"]


def test_the_leaf_has_exactly_the_documented_bytes() -> None:
    assert vector_leaf().encoded() == VECTOR["leaf"].encode()


def test_the_leaf_hash_is_that_of_rfc_9162() -> None:
    assert vector_leaf().hash() == VECTOR["leaf_hash"]
    assert vector_leaf().hash() == "sha256:" + hashlib.sha256(b"\0" + VECTOR["leaf"].encode()).hexdigest()


def test_the_leaf_shows_nothing_of_the_details() -> None:
    assert set(json.loads(vector_leaf().encoded())) == {"v", "id", "kind", "at", "commitment"}


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_another_salt_makes_another_commitment(first: bytes, second: bytes) -> None:
    same = commitment_to({"a": "b"}, salt=first) == commitment_to({"a": "b"}, salt=second)
    assert same == (first == second)


def details_of(size: int) -> dict[str, str]:
    empty = len(canonical_json({"text": ""}))
    return {"text": "x" * (size - empty)}


def test_65535_bytes_of_details_fit() -> None:
    assert commitment_to(details_of(65_535), salt=SALT).startswith("sha256:")


def test_65536_bytes_of_details_are_refused_with_their_size() -> None:
    with pytest.raises(EntryTooLarge) as caught:
        commitment_to(details_of(65_536), salt=SALT)
    assert "65536" in caught.value.said("en") and "65536" in caught.value.said("zh-Hans")


def test_the_size_counts_bytes_and_not_characters() -> None:
    with pytest.raises(EntryTooLarge):
        commitment_to({"text": "落" * 22_000}, salt=SALT)


def test_a_statement_is_named_for_what_happened_and_written_in_plain_json() -> None:
    said = PigmentGround(
        actor=Actor(account_id=ACCOUNT, roles=frozenset({"artist"})),
        pigment=ACCOUNT,
        at=datetime(2026, 3, 1, tzinfo=UTC),
        notes={"by": (ACCOUNT, {1: None})},
    )
    assert said.kind() == "PigmentGround"
    assert said.details() == {
        "actor": str(ACCOUNT),
        "pigment": str(ACCOUNT),
        "at": "2026-03-01T00:00:00.000000Z",
        "notes": {"by": [str(ACCOUNT), {"1": None}]},
    }


def test_what_colophon_does_by_itself_names_no_account() -> None:
    said = PigmentGround(actor=COLOPHON, pigment=ACCOUNT, at=datetime(2026, 3, 1, tzinfo=UTC), notes=[])
    assert said.details()["actor"] is None
