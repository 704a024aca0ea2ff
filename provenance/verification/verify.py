"""Verifying one picture: read it, ask the records, and say what is true in one verdict."""

from __future__ import annotations

from collections.abc import Sequence

import c2pa  # type: ignore[import-untyped]  # it ships no types
from cryptography import x509

from provenance.canonical import Digest, pixel_digest, sha256_digest
from provenance.credentials.reading import Reading, read, settings
from provenance.credentials.signing import require_library
from provenance.errors import ProvenanceError
from provenance.picture import PictureError, PictureTooLarge, decode_picture
from provenance.verification.evidence import Evidence, NoEvidence
from provenance.verification.facts import facts_of
from provenance.verification.headline import headline
from provenance.verification.manifest_checks import manifest_checks
from provenance.verification.plain_text import plain_text
from provenance.verification.record_checks import record_checks
from provenance.verification.verdict import Check, Outcome, Trust, Verdict

OFFLINE = NoEvidence()


class TrustUnreadable(ProvenanceError):
    """What was given as the list of trusted signers is none."""

    code = "trust-list-unreadable"
    en = "The list of trusted signers holds no certificate in PEM that can be read. Give the signer's root certificate."
    zh = "可信签名者名单中没有可读取的 PEM 证书。请提供签名者的根证书。"


def verify(data: bytes, *, evidence: Evidence = OFFLINE, trust_pem: str | None = None) -> Verdict:
    """Return the verdict on a file's bytes; whatever they are, there is one.

    Raises TrustUnreadable for a trust list without certificates, and LibraryTooOld.
    """
    library_version = require_library()
    trust = trust_in(trust_pem)
    digest = sha256_digest(data)
    reading, readable, pixels = _looked_at(data, trust_pem)
    facts = facts_of(reading) if reading.state == "present" else None
    records = tuple(evidence.find(file_digest=digest, pixel_digest=pixels, manifest_id=reading.manifest_id or None))
    checks = (
        readable,
        *manifest_checks(reading, trust_given=bool(trust.names)),
        *record_checks(records, reading=reading, facts=facts, file_digest=digest, evidence=evidence),
    )
    outcome = _outcome(reading, checks)
    headline_en, headline_zh = headline(outcome, checks, reading)
    return Verdict(
        outcome=outcome,
        headline_en=headline_en,
        headline_zh=headline_zh,
        file_digest=digest,
        size_bytes=len(data),
        media_type=reading.media_type,
        pixel_digest=pixels,
        validation_state=reading.validation_state,
        checks=checks,
        signer=reading.signer,
        facts=facts,
        records=records,
        library_version=library_version,
        trust=trust,
    )


def trust_in(trust_pem: str | None) -> Trust:
    """Return whom a list of root certificates (PEM) names; raise TrustUnreadable for one that holds none."""
    if trust_pem is None:
        return Trust()
    try:
        certificates = x509.load_pem_x509_certificates(trust_pem.encode())
        names = tuple(plain_text(_name(one), longest=200) for one in certificates)
        c2pa.Context.from_dict(settings(trust_pem=trust_pem)).close()
    except (ValueError, c2pa.C2paError) as error:
        raise TrustUnreadable() from error
    return Trust(names=names, digest=sha256_digest(trust_pem.encode()))


def _looked_at(data: bytes, trust_pem: str | None) -> tuple[Reading, Check, Digest | None]:
    """Return the reading, whether the picture can be read, and the digest of its pixels if they were decoded."""
    try:
        reading = read(data, trust_pem=trust_pem)
    except PictureError as error:
        return Reading(media_type="", state="absent"), _unreadable(error), None
    try:
        pixels = pixel_digest(decode_picture(data).pixels)
    except PictureTooLarge:
        # Larger than is ever decoded, yet its header and its credentials can be read.
        return reading, _readable(reading.media_type, is_decoded=False), None
    except PictureError as error:
        return reading, _unreadable(error), None
    return reading, _readable(reading.media_type, is_decoded=True), pixels


def _readable(media_type: str, *, is_decoded: bool) -> Check:
    return Check(
        "picture.readable",
        "passed",
        "The file can be read as a picture.",
        "文件可作为图片读取。",
        {"media_type": media_type, "decoded": is_decoded},
    )


def _unreadable(error: PictureError) -> Check:
    return Check("picture.readable", "failed", error.said("en"), error.said("zh-Hans"), {"fault": error.code})


def _outcome(reading: Reading, checks: Sequence[Check]) -> Outcome:
    results = {(one.code, one.result) for one in checks}
    failed = {code for code, result in results if result == "failed"}
    if "picture.readable" in failed and reading.state != "present":
        return "unreadable"
    if failed - {"signer.trusted"}:
        return "failed"
    if reading.state != "present":
        return "no_manifest"
    is_trusted = reading.validation_state == "Trusted" and ("signer.trusted", "passed") in results
    return "trusted" if is_trusted else "untrusted"


def _name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()
