"""Witnesses: asking them to cosign our checkpoints, and cosigning those of other logs (C2SP tlog-witness).

Request to ``<witness>/add-checkpoint``: ``old <size>``, the hashes of a consistency proof in base64, an empty line,
and the signed checkpoint. Answers: 200 with cosignature lines; 409 with the size that the witness knows; 400, 403,
404 and 422 for what it does not take.
"""

from __future__ import annotations

import base64
import binascii
import re
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction

from provenance.asking import ask, bounded
from provenance.audit_log import actions, files, publishing, queries
from provenance.audit_log.errors import (
    CheckpointMalformed,
    KeyMalformed,
    LogError,
    NoteMalformed,
    OldSizeDiffers,
    RequestMalformed,
    StoryDiffers,
    UnknownLog,
    WitnessSilent,
)
from provenance.audit_log.keys import witness_key
from provenance.audit_log.note import (
    Checkpoint,
    Cosigner,
    VerifierKey,
    cosigned_at,
    open_checkpoint,
    split_note,
    with_signatures,
)
from provenance.audit_log.tiles import TileReader
from provenance.audit_log.tree import EMPTY_ROOT, HASH_BYTES, consistency_proof, verify_consistency

log = structlog.get_logger(__name__)
SECONDS_TO_ANSWER = 5
LARGEST_ANSWER = 64 * 1024
LARGEST_REQUEST = 64 * 1024
MOST_HASHES = 63
SIZE_TYPE = "text/x.tlog.size"


# ---- being witnessed -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Witness:
    """Somebody outside who cosigns our checkpoints: a key told out of band, and an address."""

    key: VerifierKey
    address: str


def witnesses() -> list[Witness]:
    """Return the configured witnesses; raises KeyMalformed for a key that is none."""
    found = []
    for text in settings.ENVIRONMENT.log_witnesses:
        vkey, _, address = text.partition(" ")
        key = VerifierKey.parse(vkey)
        if not key.is_witness:
            raise KeyMalformed(reason_en="it is no witness's", reason_zh="不是见证者的密钥")
        found.append(Witness(key, address.rstrip("/")))
    return found


def witness_keys() -> list[VerifierKey]:
    """Return the keys of the configured witnesses."""
    return [witness.key for witness in witnesses()]


def ask_witnesses() -> int:
    """Ask every witness that has not cosigned the published checkpoint; return how many have now.

    A witness that is slow, gone or of another mind is told of in the process's log and asked again next time.
    """
    note = files.published()
    if note is None or not witnesses():
        return 0
    head = open_checkpoint(note, keys=queries.keys()).checkpoint
    asked = [(each, queries.last_cosigned(each.key.vkey)) for each in witnesses()]
    asked = [(each, old) for each, old in asked if old < head.size]
    with ThreadPoolExecutor(max(len(asked), 1)) as pool:
        answers = list(pool.map(lambda one: _ask(one[0], old=one[1], head=head, note=note), asked))
    for (each, _), line in zip(asked, answers, strict=True):
        if line:
            actions.store_cosignature(size=head.size, witness=each.key.vkey, line=line)
    _publish_cosigned(head.size)
    return len(queries.cosignatures_of(head.size))


def _publish_cosigned(size: int) -> None:
    """Put the cosignatures under the published checkpoint, unless a newer one is in force by now."""
    with actions.as_the_only_sequencer() as is_held:
        note = files.published()
        if not is_held or note is None or Checkpoint.parse(split_note(note)[0]).size != size:
            return
        joined = with_signatures(note, queries.cosignatures_of(size))
        if joined != note:
            publishing.publish(joined)


def _ask(witness: Witness, *, old: int, head: Checkpoint, note: str) -> str:
    """Return a witness's verified signature line; empty where it gave none."""
    try:
        status, body = _post(witness, old=old, head=head, note=note)
        known = _known_size(body) if status == 409 else None
        if known is not None and old != known <= head.size:
            status, body = _post(witness, old=known, head=head, note=note)
        if status != 200:
            raise WitnessSilent(witness=witness.key.name, reason=f"{status} {body[:200]!r}")
        for line in body.splitlines(keepends=True):
            if cosigned_at(with_signatures(note, [line]), witness.key):
                return line
        raise WitnessSilent(witness=witness.key.name, reason="no signature of its key in the answer")
    except LogError as error:
        log.warning("witness did not cosign", witness=witness.key.name, reason=error.said("en"))
    except Exception as error:  # whatever one witness makes us stumble over must not silence the others
        log.exception("witness could not be asked", witness=witness.key.name, reason=type(error).__name__)
    return ""


def _known_size(body: str) -> int | None:
    """Return the size that a witness says it knows; None for anything but a number as the format spells it."""
    found = re.fullmatch(r"(0|[1-9][0-9]{0,18})\n?", body)
    return int(found[1]) if found else None


def _post(witness: Witness, *, old: int, head: Checkpoint, note: str) -> tuple[int, str]:
    hashes = consistency_proof(old, head.size, TileReader(files.read, size=head.size).read_hash)
    lines = [f"old {old}", *(base64.b64encode(each).decode() for each in hashes)]
    body = "\n".join([*lines, "", note]).encode()
    request = urllib.request.Request(f"{witness.address}/add-checkpoint", data=body, method="POST")
    try:
        with ask(request, seconds=SECONDS_TO_ANSWER) as answer:
            return answer.status, _bounded(answer)
    except urllib.error.HTTPError as error:
        return _refusal(witness, error)
    except (OSError, ValueError, HTTPException) as error:
        raise WitnessSilent(witness=witness.key.name, reason=_reason(error)) from error


def _refusal(witness: Witness, error: urllib.error.HTTPError) -> tuple[int, str]:
    try:
        with error:
            return error.code, _bounded(error)
    except (OSError, ValueError, HTTPException) as broken:
        raise WitnessSilent(witness=witness.key.name, reason=_reason(broken)) from broken


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:200]


def _bounded(answer: Any) -> str:
    return bounded(answer, most=LARGEST_ANSWER).decode(errors="replace")


# ---- being a witness -------------------------------------------------------------------------------------------


def own_key() -> Cosigner:
    """Return the key with which we cosign other logs."""
    environment = settings.ENVIRONMENT
    return witness_key(environment.log_keys_folder, name=environment.witness_name)


@transaction.atomic
def cosign(body: bytes, *, at: datetime) -> str:
    """Return our signature line under another log's checkpoint, once it continues what we cosigned before.

    Raises UnknownLog, RequestMalformed, NoteNotSigned, OldSizeDiffers and StoryDiffers; nothing is kept then.
    """
    old, proof, note = _parsed(body)
    head = _opened(note)
    if old > head.size:
        raise RequestMalformed(reason_en="the old size is above the checkpoint's", reason_zh="旧规模大于检查点")
    known = actions.hold_witnessed(head.origin)
    size = known.size if known else 0
    if old != size:
        raise OldSizeDiffers(size=size)
    root = bytes.fromhex(known.root.removeprefix("sha256:")) if known else EMPTY_ROOT
    if head.size == size and known and head.root != root:
        raise OldSizeDiffers(size=size)
    if not verify_consistency(old_size=size, new_size=head.size, old_root=root, new_root=head.root, proof=proof):
        raise StoryDiffers(origin=head.origin, old=size, new=head.size)
    actions.keep_witnessed(head, note=note)
    return own_key().cosign(head.text(), at=at)


def _opened(note: str) -> Checkpoint:
    origin = Checkpoint.parse(split_note(note)[0]).origin
    keys = [VerifierKey.parse(vkey) for vkey in settings.ENVIRONMENT.log_witnessed]
    keys = [key for key in keys if key.name == origin]
    if not keys:
        raise UnknownLog(origin=origin[:200])
    return open_checkpoint(note, keys=keys).checkpoint


def _parsed(body: bytes) -> tuple[int, Sequence[bytes], str]:
    try:
        head, _, note = body.decode().partition("\n\n")
        first, *lines = head.split("\n")
        word, _, old = first.partition(" ")
        hashes = [base64.b64decode(line, validate=True) for line in lines]
    except (UnicodeDecodeError, binascii.Error, ValueError) as error:
        raise RequestMalformed(reason_en="it is not text in base64 lines", reason_zh="不是 base64 文本行") from error
    if word != "old" or not (old.isascii() and old.isdigit() and len(old) <= 19 and str(int(old)) == old):
        raise RequestMalformed(reason_en="its first line is not an old size", reason_zh="首行不是旧规模")
    if len(hashes) > MOST_HASHES or any(len(each) != HASH_BYTES for each in hashes):
        raise RequestMalformed(reason_en="its proof is no list of hashes", reason_zh="证明不是哈希列表")
    try:
        Checkpoint.parse(split_note(note)[0])
    except (NoteMalformed, CheckpointMalformed) as error:
        raise RequestMalformed(reason_en=error.said("en"), reason_zh=error.said("zh-Hans")) from error
    return int(old), hashes, note
