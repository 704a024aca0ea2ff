"""Verifying one picture: read it, ask the records, and say what is true in one verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from provenance.credentials.reading import LARGEST_STORE, Reading, StoreBeside, read
from provenance.credentials.signing import require_library
from provenance.picture import PictureError, PictureTooLarge
from provenance.verification.copy import Copy
from provenance.verification.evidence import Evidence, NoEvidence, RecordFound
from provenance.verification.facts import facts_of
from provenance.verification.headline import NO_CHANGE, about_file, with_records
from provenance.verification.history import Signed, history_of
from provenance.verification.manifest_checks import manifest_checks
from provenance.verification.record_checks import record_checks
from provenance.verification.stamped import with_stamps
from provenance.verification.trust import Trust, trust_in
from provenance.verification.unread import not_read
from provenance.verification.verdict import Check, FileAlone, Outcome, Verdict

OFFLINE = NoEvidence()
NOT_DECODED = ("pixels", "watermark", "fingerprint")
"""The ways of finding a record that need pixels."""
_TOO_LARGE_TO_DECODE = (
    "The file can be read, but the picture is too large to be decoded: its pixels were not compared with records.",
    "文件可以读取，但图片过大，未予解码：其像素未与记录比对。",
)
_DAMAGED = (
    "The file is damaged: its pixels could not be decoded and were not compared with records.",
    "文件已损坏：无法解码其像素，未与记录比对。",
)


def verify(
    data: bytes,
    *,
    evidence: Evidence = OFFLINE,
    trust_pem: str | None = None,
    trust: Trust | None = None,
    reading: Reading | None = None,
    store: bytes | None = None,
    fetched: Callable[[str], bytes | None] = lambda address: None,
) -> Verdict:
    """Return the verdict on a file's bytes; whatever they are, there is one.

    ``trust_pem`` stands for a list of signers alone; ``reading`` is what these very bytes were just read as with the
    same signers trusted; ``store`` is a manifest store beside the file. ``fetched`` returns the store at an address
    that the file names, or None where it is not to be fetched, as by default none is. Raises TrustUnreadable for a list
    without certificates, and LibraryTooOld.
    """
    library_version = require_library()
    trusted = trust_in(trust_pem) if trust is None else trust
    beside = None if store is None else StoreBeside(store[:LARGEST_STORE])
    reading, fault = (reading, None) if reading else _read(data, trusted, beside)
    if reading.state == "remote" and (found := fetched(reading.problem)) is not None:
        reading, fault = _read(data, trusted, StoreBeside(found[:LARGEST_STORE], address=reading.problem))
    reading, stamp = with_stamps(data, reading, trust=trusted)
    is_present = reading.state == "present"
    copy = Copy(data, manifest_id=reading.manifest_id or None, is_picture=fault is None)
    facts = facts_of(reading) if is_present else None
    records = tuple(evidence.find(copy))
    readable = not_read(data, fault) if fault else _readable(reading, copy=copy, records=records)
    of_file = _in_order(readable, manifest_checks(reading, trust=trusted, stamped=stamp))
    of_records = record_checks(
        records,
        reading=reading,
        facts=facts,
        file_digest=copy.file_digest,
        evidence=evidence,
        left_out=() if records or copy.pixels is not None else NOT_DECODED,
    )
    alone = _alone(reading, of_file)
    outcome, headline_en, headline_zh = with_records(alone, of_records)
    return Verdict(
        outcome=outcome,
        headline_en=headline_en,
        headline_zh=headline_zh,
        file_digest=copy.file_digest,
        size_bytes=len(data),
        media_type=reading.media_type,
        pixel_digest=records[0].delivered_pixels if _is_known(records) else copy.pixel_digest,
        validation_state=reading.validation_state,
        checks=(*of_file, *of_records),
        signer=reading.signer,
        facts=facts,
        history=history_of(reading, signed=_signed(of_file)) if is_present else (),
        records=records,
        library_version=library_version,
        trust=trusted,
        alone=alone,
    )


def _alone(reading: Reading, checks: Sequence[Check]) -> FileAlone:
    outcome = _outcome(reading, checks)
    en, zh = about_file(outcome, checks, reading)
    return FileAlone(outcome=outcome, en=en, zh=zh, has_credentials=reading.state == "present")


def _read(data: bytes, trust: Trust, beside: StoreBeside | None) -> tuple[Reading, PictureError | None]:
    try:
        return read(data, trust_pem=trust.signers.pem or None, beside=beside), None
    except PictureError as error:
        return Reading(media_type="", state="not_looked_for"), error


def _is_known(records: Sequence[RecordFound]) -> bool:
    """Say whether a record holds the very bytes: its pixel digest was taken from them, so they need no decoding."""
    return bool(records) and records[0].layer == "file"


def _readable(reading: Reading, *, copy: Copy, records: Sequence[RecordFound]) -> Check:
    evidence: dict[str, Any] = {"media_type": reading.media_type}
    if _is_known(records):
        evidence |= {"decoded": False, "known_by": "file"}
    elif isinstance(copy.fault, PictureTooLarge):
        return Check("picture.readable", "passed", *_TOO_LARGE_TO_DECODE, evidence | {"decoded": False})
    elif copy.fault is not None:
        return Check("picture.readable", "failed", *_DAMAGED, evidence | {"decoded": False, "fault": "damaged"})
    else:
        evidence |= {"decoded": True}
    return Check("picture.readable", "passed", "The file can be read as a picture.", "文件可作为图片读取。", evidence)


def _in_order(readable: Check, of_manifest: Sequence[Check]) -> tuple[Check, ...]:
    """Return the file's checks; that it is damaged is told after what its credentials say of changes."""
    at = next((place for place, one in enumerate(of_manifest, 1) if one.code == "manifest.integrity"), 0)
    at = at if readable.result == "failed" and of_manifest[0].result == "passed" else 0
    return (*of_manifest[:at], readable, *of_manifest[at:])


def _signed(checks: Sequence[Check]) -> Signed:
    """Return how much of what the newest manifest signed holds, by the checks of it."""
    failed = {one.code for one in checks if one.result == "failed"}
    if "signature.valid" in failed:
        return "nothing"
    return "credentials" if "manifest.integrity" in failed else "file"


def _outcome(reading: Reading, checks: Sequence[Check]) -> Outcome:
    results = {(one.code, one.result) for one in checks}
    failed = {code for code, result in results if result == "failed"}
    if "picture.readable" in failed and reading.state != "present":
        return "unreadable"
    if failed - NO_CHANGE:
        return "failed"
    if reading.state != "present":
        return "no_manifest"
    is_trusted = reading.validation_state == "Trusted" and ("signer.trusted", "passed") in results
    return "trusted" if is_trusted else "untrusted"
