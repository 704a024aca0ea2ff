"""Notes, checkpoints and cosignatures: the specification's bytes, and no other text passes for signed."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from provenance.audit_log.errors import CheckpointMalformed, KeyMalformed, NoteForged, NoteMalformed, NoteNotSigned
from provenance.audit_log.note import (
    Checkpoint,
    Ed25519NoteSigner,
    VerifierKey,
    cosigned_at,
    open_checkpoint,
    open_note,
    sign_note,
    split_note,
    with_signatures,
)
from tests.simulators.logs import ORIGIN, a_signer, a_witness, private_key

TEXT = Checkpoint(ORIGIN, 20_852_163, hashlib.sha256(b"root").digest()).text()
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

# The example of the specification of signed notes, with a text that has an empty line and one that is not ASCII.
PUBLISHED = """Ognuno sta solo sul cuor della terra
trafitto da un raggio di sole:

ed è subito sera.

— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=
"""  # noqa: E501 (as published)
# That of the specification of cosignatures.
COSIGNED = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""  # noqa: E501 (as published)


def spelt(algorithm: int, public: bytes) -> str:
    return base64.b64encode(bytes([algorithm]) + public).decode()


def signed(text: str = TEXT) -> str:
    return sign_note(text, [a_signer()])


# ---- the bytes -----------------------------------------------------------------------------------------------


def test_a_note_is_text_empty_line_and_signature_lines() -> None:
    signer = a_signer()
    public = private_key("log").public_key().public_bytes_raw()
    key_id = hashlib.sha256(ORIGIN.encode() + b"\n\x01" + public).digest()[:4]
    signature = private_key("log").sign(TEXT.encode())
    assert signed() == f"{TEXT}\n— {ORIGIN} {base64.b64encode(key_id + signature).decode()}\n"
    assert signer.vkey == f"{ORIGIN}+{key_id.hex()}+{spelt(1, public)}"


def test_a_checkpoint_is_origin_size_and_root() -> None:
    checkpoint = Checkpoint("example.com/behind-the-sofa", 20_852_163, bytes(32), ("more",))
    assert checkpoint.text() == f"example.com/behind-the-sofa\n20852163\n{'A' * 43}=\nmore\n"
    assert Checkpoint.parse(checkpoint.text()) == checkpoint


def test_the_published_examples_are_read() -> None:
    text, signatures = split_note(PUBLISHED)
    assert text.endswith(":\n\ned è subito sera.\n")
    assert [(each.name, each.key_id.hex(), len(each.signature)) for each in signatures] == [
        ("quasimodo.example/salvatore", "367ba04b", 64)
    ]
    text, signatures = split_note(COSIGNED)
    assert Checkpoint.parse(text).size == 20_852_163
    assert [len(each.signature) for each in signatures] == [64, 72]
    assert int.from_bytes(signatures[1].signature[:8], "big") == 1_679_315_147


def test_a_cosignature_is_over_header_time_and_text() -> None:
    line = a_witness().cosign(TEXT, at=NOON)
    (_, [_, found]) = split_note(signed() + line)
    message = f"cosignature/v1\ntime {int(NOON.timestamp())}\n{TEXT}".encode()
    assert int.from_bytes(found.signature[:8], "big") == int(NOON.timestamp())
    Ed25519PublicKey.from_public_bytes(a_witness().verifier.public).verify(found.signature[8:], message)
    assert found.key_id == hashlib.sha256(b"witness.example/one\n\x04" + a_witness().verifier.public).digest()[:4]


# ---- keys ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [a_signer(), a_witness()], ids=["log", "witness"])
def test_a_key_is_read_from_its_text(key: Ed25519NoteSigner) -> None:
    assert VerifierKey.parse(key.vkey) == VerifierKey.parse(f" {key.vkey}\n") == key.verifier


def broken_keys() -> list[str]:
    name, key_id, encoded = a_signer().vkey.split("+", 2)
    return [
        "", name, f"{name}+{key_id}", f"{name}+{key_id}+", f"other+{key_id}+{encoded}", f"{name}+00000000+{encoded}",
        f"{name}+{key_id}+{encoded[:-1]}", f"{name}+{key_id}+{encoded}\n=", f"na me+{key_id}+{encoded}",
        f"+{key_id}+{encoded}", f"{name}+{key_id}+{spelt(2, bytes(32))}",
    ]  # fmt: skip


@pytest.mark.parametrize("vkey", broken_keys())
def test_no_other_text_is_a_key(vkey: str) -> None:
    with pytest.raises(KeyMalformed):
        VerifierKey.parse(vkey)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u3000b", "a\nb", "a\x7fb"])
def test_no_signer_has_a_name_that_breaks_its_lines(name: str) -> None:
    with pytest.raises(KeyMalformed):
        Ed25519NoteSigner(name, private_key("log"))


# ---- opening -------------------------------------------------------------------------------------------------


def test_a_note_opens_for_those_who_know_a_signer() -> None:
    assert open_note(signed(), [a_signer().verifier]) == (TEXT, (ORIGIN,))
    with pytest.raises(NoteNotSigned) as caught:
        open_note(signed(), [a_signer("other").verifier])
    assert ORIGIN in caught.value.said("en") and ORIGIN in caught.value.said("zh-Hans")
    with pytest.raises(NoteNotSigned):
        open_note(signed(), [])


def test_unknown_signatures_are_passed_over_and_one_key_counts_once() -> None:
    both = sign_note(TEXT, [a_signer("other", name="other.example"), a_signer(), a_signer()])
    assert open_note(both, [a_signer().verifier]).names == (ORIGIN,)


@given(st.integers(0, len(signed().encode()) - 1), st.integers(1, 255))
def test_a_note_with_any_byte_changed_does_not_open(at: int, change: int) -> None:
    data = bytearray(signed().encode())
    data[at] ^= change
    with pytest.raises((NoteMalformed, NoteForged, NoteNotSigned, UnicodeDecodeError)):
        open_note(data.decode(), [a_signer().verifier])


@given(st.integers(0, len(signed()) - 1))
def test_a_note_cut_anywhere_does_not_open(cut: int) -> None:
    with pytest.raises((NoteMalformed, NoteForged, NoteNotSigned)):
        open_note(signed()[:cut], [a_signer().verifier])


def malformed() -> dict[str, str]:
    line = signed().rpartition("\n\n")[2]
    return {
        "nothing": "",
        "no signature": TEXT,
        "no lines": TEXT + "\n",
        "carriage return": signed(TEXT).replace("\n", "\r\n"),
        "control character": TEXT + "\x07\n\n" + line,
        "hyphen": signed().replace("— ", "- "),
        "two spaces": signed().replace("— ", "—  "),
        "blank after": signed() + "\n",
        "no last newline": signed()[:-1],
        "trailing space": signed()[:-1] + " \n",
        "101 signatures": TEXT + "\n" + line * 101,
        "too long": "x" * 1_000_001 + "\n\n" + line,
        "short signature": f"{TEXT}\n— {ORIGIN} AAAAAA==\n",
        "surrogate": "\ud800\n\n" + line,
    }


@pytest.mark.parametrize("note", malformed().values(), ids=malformed())
def test_a_malformed_note_is_refused(note: str) -> None:
    with pytest.raises(NoteMalformed):
        open_note(note, [a_signer().verifier])


def test_base64_that_ends_in_other_spare_bits_is_refused() -> None:
    note = signed()
    at = note.rindex("=") - 1
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    note = note[:at] + alphabet[alphabet.index(note[at]) ^ 1] + note[at + 1 :]
    with pytest.raises(NoteMalformed):
        open_note(note, [a_signer().verifier])


@pytest.mark.parametrize("text", ["no newline", "bell\x07\n", "tab\t\n", ""])
def test_such_a_text_is_not_signed(text: str) -> None:
    with pytest.raises(NoteMalformed):
        sign_note(text, [a_signer()])


# ---- checkpoints and witnesses -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "a\n1\n", "a\n01\n" + "A" * 43 + "=\n", "a\n-1\n" + "A" * 43 + "=\n", "a\n1\n" + "A" * 44 + "\n",
        "a\n1\nAA==\n",
        "\n1\n" + "A" * 43 + "=\n", "a\n1\n" + "A" * 43 + "=\n\nmore\n", "a\n١\n" + "A" * 43 + "=\n",
        "a\n99999999999999999999\n" + "A" * 43 + "=\n", "a\n1\n" + "A" * 43 + "=",
    ],
)  # fmt: skip
def test_no_other_text_is_a_checkpoint(text: str) -> None:
    with pytest.raises(CheckpointMalformed):
        Checkpoint.parse(text)


def test_a_checkpoint_opens_under_its_logs_own_key_only() -> None:
    keys = [a_signer().verifier]
    assert open_checkpoint(signed(), keys=keys).checkpoint.size == 20_852_163
    other = sign_note(Checkpoint("other.example/log", 1, bytes(32)).text(), [a_signer()])
    with pytest.raises(CheckpointMalformed):
        open_checkpoint(other, keys=keys)


def test_after_a_rotation_either_key_opens() -> None:
    keys = [a_signer("old").verifier, a_signer().verifier]
    assert open_checkpoint(signed(), keys=keys).checkpoint == open_checkpoint(signed(), keys=keys[1:]).checkpoint


def test_a_witness_is_named_only_where_it_cosigned_this_text() -> None:
    witness, keys = a_witness(), [a_signer().verifier]
    note = with_signatures(signed(), [witness.cosign(TEXT, at=NOON)])
    opened = open_checkpoint(note, keys=keys, witnesses=[witness.verifier])
    assert opened.witnesses == ("witness.example/one",)
    assert cosigned_at(note, witness.verifier) == NOON
    assert open_checkpoint(note, keys=keys).witnesses == ()
    assert open_checkpoint(note, keys=keys, witnesses=[a_witness("other").verifier]).witnesses == ()
    assert open_checkpoint(signed(), keys=keys, witnesses=[witness.verifier]).witnesses == ()
    assert cosigned_at(signed(), witness.verifier) is None


def test_a_cosignature_of_another_checkpoint_is_a_forgery() -> None:
    witness = a_witness()
    line = witness.cosign(Checkpoint(ORIGIN, 1, bytes(32)).text(), at=NOON)
    note = with_signatures(signed(), [line])
    assert cosigned_at(note, witness.verifier) is None
    with pytest.raises(NoteForged):
        open_checkpoint(note, keys=[a_signer().verifier], witnesses=[witness.verifier])


def test_a_witness_alone_vouches_for_no_checkpoint() -> None:
    witness = a_witness()
    alone = TEXT + "\n" + witness.cosign(TEXT, at=NOON)
    with pytest.raises(NoteNotSigned):
        open_checkpoint(alone, keys=[a_signer().verifier], witnesses=[witness.verifier])


def test_the_same_line_is_added_once_and_no_broken_one() -> None:
    line = a_witness().cosign(TEXT, at=NOON)
    once = with_signatures(signed(), [line])
    assert once == signed() + line == with_signatures(once, [line, line])
    with pytest.raises(NoteMalformed):
        with_signatures(signed(), ["not a line\n"])
