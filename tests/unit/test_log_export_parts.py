"""The parts of the export's verifier against other people's: signatures, notes, canonical JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from provenance.audit_log.errors import LogError
from provenance.audit_log.note import Checkpoint, open_checkpoint, sign_note
from provenance.audit_log.offline.ed25519 import ORDER, PRIME, ed25519_verifies
from provenance.audit_log.offline.findings import Findings
from provenance.audit_log.offline.notes import open_head, parse_key
from provenance.audit_log.offline.openings import canonical
from tests.simulators.bundles import SIZE, findings_of, unpacked
from tests.simulators.logs import a_log, a_signer


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Return an unpacked export bundle."""
    return unpacked(tmp_path / "bundle")


@settings(deadline=None)  # the pure check takes as long as the machine's load has it
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100), st.data())
def test_signatures_are_judged_as_cryptography_judges_them(seed: bytes, message: bytes, data: st.DataObject) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    assert ed25519_verifies(public, signature, message)
    at, change = data.draw(st.integers(0, 63)), data.draw(st.integers(1, 255))
    changed = signature[:at] + bytes([signature[at] ^ change]) + signature[at + 1 :]
    assert not ed25519_verifies(public, changed, message)
    assert not ed25519_verifies(public, signature, message + b"x")
    assert not ed25519_verifies(public[::-1], signature, message)


def test_the_vector_of_rfc_8032_verifies_and_no_second_spelling_of_it() -> None:
    public = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
    signature = bytes.fromhex(
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )
    message = bytes.fromhex("af82")
    assert ed25519_verifies(public, signature, message)
    larger = (int.from_bytes(signature[32:], "little") + ORDER).to_bytes(32, "little")
    assert not ed25519_verifies(public, signature[:32] + larger, message)
    for short in (signature[:-1], signature + b"\0", b""):
        assert not ed25519_verifies(public, short, message)
    assert not ed25519_verifies(public[:-1], signature, message)
    assert not ed25519_verifies(b"\xff" * 32, signature, message)


def test_a_point_has_one_spelling() -> None:
    # Under the neutral point as key, which signs anything, the base point and 1 are a signature.
    signature = b"\x58" + b"\x66" * 31 + (1).to_bytes(32, "little")
    assert ed25519_verifies((1).to_bytes(32, "little"), signature, b"")
    assert not ed25519_verifies((PRIME + 1).to_bytes(32, "little"), signature, b"")


def test_a_checkpoint_of_another_log_under_the_same_key_is_refused(bundle: Path) -> None:
    other = Checkpoint("other.example/log", SIZE, a_log(SIZE).root())
    (bundle / "log/checkpoint").write_text(sign_note(other.text(), [a_signer()]))
    code, found = findings_of(bundle)
    assert (code, [each["code"] for each in found]) == (2, ["checkpoint-unsigned"])


@given(st.integers(0, len(a_log(SIZE).checkpoint().encode()) - 1), st.integers(0, 255))
def test_notes_are_opened_by_both_readers_or_by_neither(at: int, change: int) -> None:
    data = bytearray(a_log(SIZE).checkpoint().encode())
    data[at] ^= change
    try:
        opened = open_checkpoint(data.decode(), keys=[a_signer().verifier]).checkpoint
        expected = (opened.size, opened.root, ())
    except (LogError, UnicodeDecodeError):
        expected = None
    key, findings = parse_key(a_signer().vkey), Findings()
    assert open_head(bytes(data), path="", key=key, witnesses=(), findings=findings) == expected
    assert bool(findings) == (expected is None)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_canonical_json_is_spelt_as_others_spell_it(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_spelt_as_others_spell_them(value: float) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [2**53, -(2**53), float("nan"), float("inf"), "\ud800", {"\udfff": 1}])
def test_what_has_no_canonical_spelling_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        canonical(value)
