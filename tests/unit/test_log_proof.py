"""Proof files: one entry's way to a signed root, in the published form."""

from __future__ import annotations

import base64
import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.audit_log.errors import LogError, NoteNotSigned, ProofFails, ProofMalformed
from provenance.audit_log.proof import LogProof, make_proof, verify_proof
from provenance.audit_log.tiles import TileReader
from provenance.audit_log.tree import inclusion_proof, leaf_hash
from tests.simulators.logs import SimulatedLog, a_leaf, a_log, a_signer

KEYS = [a_signer().verifier]


@functools.cache
def log() -> SimulatedLog:
    return a_log(300)


def proof_of(index: int, *, extra: bytes | None = None) -> str:
    hashes = inclusion_proof(index, 300, TileReader(log().read, size=300).read_hash)
    return make_proof(index=index, hashes=hashes, note=log().checkpoint(), extra=extra)


def test_a_proof_has_the_published_form() -> None:
    hashes = inclusion_proof(299, 300, TileReader(log().read, size=300).read_hash)
    lines = [base64.b64encode(each).decode() + "\n" for each in hashes]
    head = "c2sp.org/tlog-proof@v1\nextra aGV5\nindex 299\n"
    assert proof_of(299, extra=b"hey") == head + "".join(lines) + "\n" + log().checkpoint()
    assert proof_of(299) == proof_of(299, extra=b"hey").replace("extra aGV5\n", "")


@given(st.integers(0, 299), st.none() | st.binary(max_size=20))
def test_a_proof_is_read_back_and_believed(index: int, extra: bytes | None) -> None:
    proof = LogProof.parse(proof_of(index, extra=extra))
    assert (proof.index, proof.extra, proof.text()) == (index, extra, proof_of(index, extra=extra))
    assert verify_proof(proof, leaf_hash=leaf_hash(a_leaf(index)), keys=KEYS).checkpoint == log().head()


def test_a_log_of_one_entry_proves_it_without_hashes() -> None:
    single = a_log(1)
    text = make_proof(index=0, hashes=[], note=single.checkpoint())
    assert text.startswith("c2sp.org/tlog-proof@v1\nindex 0\n\ncolophon.example/log\n1\n")
    assert verify_proof(text, leaf_hash=leaf_hash(a_leaf(0)), keys=KEYS).checkpoint.size == 1


def test_a_proof_proves_no_other_leaf() -> None:
    with pytest.raises(ProofFails) as caught:
        verify_proof(proof_of(7), leaf_hash=leaf_hash(a_leaf(8)), keys=KEYS)
    assert "7" in caught.value.said("en") and "7" in caught.value.said("zh-Hans")


def test_a_proof_under_a_key_that_nobody_told_proves_nothing() -> None:
    with pytest.raises(NoteNotSigned):
        verify_proof(proof_of(7), leaf_hash=leaf_hash(a_leaf(7)), keys=[a_signer("other").verifier])


@given(st.integers(0, len(proof_of(7).encode()) - 1), st.integers(1, 255))
def test_a_proof_with_any_byte_changed_is_refused(at: int, change: int) -> None:
    data = bytearray(proof_of(7).encode())
    data[at] ^= change
    with pytest.raises((LogError, UnicodeDecodeError)):
        verify_proof(data.decode(), leaf_hash=leaf_hash(a_leaf(7)), keys=KEYS)


@given(st.integers(0, len(proof_of(7)) - 1))
def test_a_proof_cut_anywhere_is_refused(cut: int) -> None:
    with pytest.raises(LogError):
        verify_proof(proof_of(7)[:cut], leaf_hash=leaf_hash(a_leaf(7)), keys=KEYS)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("@v1", "@v2"), ("index 7", "index 07"), ("index 7", "index -7"), ("index 7", "index ٧"), ("index 7", "index"),
        ("index 7\n", "index 7\n" + "A" * 43 + "=\n" * 64), ("index 7\n", "index 7\nAAAA\n"),
        ("index 7\n", "index 7\n" + ("A" * 43 + "=\n") * 64), ("index 7\n", "extra AA=\nindex 7\n"),
        ("index 7\n", "extra AA==\nextra AA==\nindex 7\n"), ("index 7", "index " + "9" * 20),
    ],
)  # fmt: skip
def test_no_other_text_is_a_proof(old: str, new: str) -> None:
    assert old in proof_of(7)
    with pytest.raises(ProofMalformed):
        LogProof.parse(proof_of(7).replace(old, new, 1))


def test_a_hash_that_ends_in_other_spare_bits_is_refused() -> None:
    lines = proof_of(7).split("\n")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    assert lines[2].endswith("=")
    lines[2] = lines[2][:-2] + alphabet[alphabet.index(lines[2][-2]) ^ 1] + "="
    with pytest.raises(ProofMalformed):
        LogProof.parse("\n".join(lines))


def test_a_proof_without_end_is_refused() -> None:
    with pytest.raises(ProofMalformed):
        LogProof.parse("c2sp.org/tlog-proof@v1\n" + "x" * 2_000_000)
