"""Proofs that an entry is in the log, as files: ``c2sp.org/tlog-proof@v1``.

::

    c2sp.org/tlog-proof@v1
    extra <base64>                     (may be absent)
    index <number>
    <base64 hash>                      (each hash of the inclusion proof, the leaf's sibling first)

    <the checkpoint's signed note>
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from provenance.audit_log.errors import ProofFails, ProofMalformed
from provenance.audit_log.note import (
    LARGEST_NOTE,
    OpenedCheckpoint,
    VerifierKey,
    from_base64,
    open_checkpoint,
    split_note,
)
from provenance.audit_log.tree import HASH_BYTES, verify_inclusion

FIRST_LINE = "c2sp.org/tlog-proof@v1"
MOST_HASHES = 63
LARGEST_PROOF = LARGEST_NOTE + 100_000


@dataclass(frozen=True)
class LogProof:
    """An entry's index, the hashes that lead from it to a root, and the note that signs that root."""

    index: int
    hashes: tuple[bytes, ...]
    note: str
    extra: bytes | None = None
    """Told by whoever made the file, and authenticated by nobody."""

    def text(self) -> str:
        """Return the file's text."""
        extra = [] if self.extra is None else [f"extra {base64.b64encode(self.extra).decode()}"]
        hashes = [base64.b64encode(each).decode() for each in self.hashes]
        return "\n".join([FIRST_LINE, *extra, f"index {self.index}", *hashes, "", self.note])

    @classmethod
    def parse(cls, text: str) -> LogProof:
        """Return what a file says, nothing verified; raises ProofMalformed, and NoteMalformed for its checkpoint."""
        if len(text) > LARGEST_PROOF:
            raise ProofMalformed(reason_en="it is too long", reason_zh="文本过长")
        head, separator, note = text.partition("\n\n")
        lines = head.split("\n")
        if not separator or lines.pop(0) != FIRST_LINE:
            raise ProofMalformed(reason_en=f"it does not begin with {FIRST_LINE}", reason_zh=f"首行不是 {FIRST_LINE}")
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = _decoded(lines.pop(0).removeprefix("extra "))
        index = _index(lines.pop(0) if lines else "")
        if len(lines) > MOST_HASHES:
            raise ProofMalformed(reason_en="it has over 63 hashes", reason_zh="哈希超过 63 个")
        split_note(note)
        return cls(index, tuple(_hash(line) for line in lines), note, extra)


def make_proof(*, index: int, hashes: Sequence[bytes], note: str, extra: bytes | None = None) -> str:
    """Return the text of a proof file."""
    return LogProof(index, tuple(hashes), note, extra).text()


def verify_proof(
    proof: LogProof | str,
    *,
    leaf_hash: bytes,
    keys: Iterable[VerifierKey],
    witnesses: Iterable[VerifierKey] = (),
) -> OpenedCheckpoint:
    """Return the signed checkpoint that a proof shows a leaf to be in.

    Raises ProofMalformed, what open_checkpoint raises, and ProofFails where the hashes do not lead to the signed root.
    """
    parsed = LogProof.parse(proof) if isinstance(proof, str) else proof
    opened = open_checkpoint(parsed.note, keys=keys, witnesses=witnesses)
    head = opened.checkpoint
    if not verify_inclusion(leaf_hash, index=parsed.index, size=head.size, proof=parsed.hashes, root=head.root):
        raise ProofFails(index=parsed.index, size=head.size)
    return opened


def _index(line: str) -> int:
    text = line.removeprefix("index ")
    if text == line or not (text.isascii() and text.isdigit()) or len(text) > 19 or (text[0] == "0" and text != "0"):
        raise ProofMalformed(reason_en="it names no index", reason_zh="没有编号")
    return int(text)


def _hash(line: str) -> bytes:
    data = _decoded(line)
    if len(data) != HASH_BYTES:
        raise ProofMalformed(reason_en="a line is not a hash of 32 bytes", reason_zh="有一行不是 32 字节的哈希")
    return data


def _decoded(text: str) -> bytes:
    data = from_base64(text)
    if data is None:
        raise ProofMalformed(reason_en="a line is not base64", reason_zh="有一行不是 base64")
    return data
