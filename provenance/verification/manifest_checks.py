"""The checks that a file answers by itself: its manifest, signature, signer, timestamp and ingredients.

An untrusted signer is never told as a change, and a missing manifest never as a fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from provenance.credentials.reading import TRUSTED, Finding, Reading, Signer
from provenance.verification.history import is_of_signature
from provenance.verification.ingredient_checks import evidence_of, ingredient_check
from provenance.verification.stamped import ENDED, is_vouched
from provenance.verification.trust import Trust
from provenance.verification.verdict import Check

_SIGNED = "claimSignature.validated"



@dataclass(frozen=True)
class _Faults:
    """The active manifest's faults, each under the one check that it decides."""

    ended: tuple[Finding, ...]
    timestamp: tuple[Finding, ...]
    signature: tuple[Finding, ...]
    integrity: tuple[Finding, ...]


_NOTHING_THERE = ("There are no content credentials to check.", "没有可供核验的内容凭证。")
_NOT_LOOKED_INTO = (
    "No content credentials were looked for, so there are none to check.",
    "未查找内容凭证，因此没有可供核验的。",
)
_NOTHING_TO_CHECK = (
    "manifest.integrity",
    "signature.valid",
    "signer.trusted",
    "signer.not_expired",
    "timestamp",
)


def manifest_checks(reading: Reading, *, trust: Trust, stamped: Sequence[Finding] | None = None) -> tuple[Check, ...]:
    """Return what the file's own manifest answers, in the order in which a person would ask.

    ``stamped`` is what a reading that trusts the given timestamp authorities found; None where none were given.
    """
    if reading.state != "present":
        nothing = _NOT_LOOKED_INTO if reading.state == "not_looked_for" else _NOTHING_THERE
        return (
            _manifest_missing(reading),
            *(Check(code, "not_checked", *nothing) for code in _NOTHING_TO_CHECK),
        )
    faults = _sorted_faults(reading.faults)
    return (
        _present(reading),
        _integrity(reading, faults),
        _signature(reading, faults),
        _trusted(reading, faults, trust=trust),
        _in_time(reading, faults, stamped),
        _timestamp(reading, faults, stamped),
        *(ingredient_check(one) for one in reading.ingredients),
    )


def signer_name(signer: Signer | None) -> str:
    """Return whom a certificate names, person or machine first, then organization."""
    if signer is None or not (signer.name or signer.organization):
        return "?"
    if signer.organization in {"", signer.name}:
        return signer.name or signer.organization
    return f"{signer.name} ({signer.organization})" if signer.name else signer.organization


def _sorted_faults(faults: Iterable[Finding]) -> _Faults:
    kinds: dict[str, list[Finding]] = {"ended": [], "timestamp": [], "signature": [], "integrity": []}
    for fault in faults:
        if fault.code in ENDED:
            kinds["ended"].append(fault)
        elif fault.code.startswith("timeStamp."):
            kinds["timestamp"].append(fault)
        elif is_of_signature(fault):
            kinds["signature"].append(fault)
        else:
            kinds["integrity"].append(fault)
    return _Faults(**{name: tuple(found) for name, found in kinds.items()})


def _present(reading: Reading) -> Check:
    evidence = {"manifest": reading.manifest_id}
    said = ("The file carries content credentials.", "文件带有内容凭证。")
    if reading.beside is not None:
        said = ("The content credentials were handed in beside the file.", "内容凭证是与文件一同另行提交的。")
        if reading.beside.address:
            said = ("The content credentials were fetched from the address in the file.", "内容凭证取自文件所示地址。")
            evidence |= {"fetched_from": reading.beside.address}
    return Check("manifest.present", "passed", *said, evidence)


def _manifest_missing(reading: Reading) -> Check:
    if reading.state == "remote":
        return Check(
            "manifest.present",
            "not_checked",
            "The file says that its content credentials are kept elsewhere; they were not fetched.",
            "文件称其内容凭证保存在别处；本次未获取。",
            {"url": reading.problem},
        )
    if reading.state == "not_looked_for":
        return Check(
            "manifest.present",
            "not_checked",
            "Content credentials were not looked for: they are read from PNG, JPEG, WebP and AVIF files alone, "
            "of at most 64 MB and 200 million pixels that are not cut into thousands of parts.",
            "未查找内容凭证：只从不超过 64 MB、2 亿像素且未被切分成数千个部分的 PNG、JPEG、WebP 和 AVIF 文件中读取。",
        )
    if reading.state == "absent":
        return Check(
            "manifest.present",
            "not_checked",
            "The file carries no content credentials. That proves nothing about where it comes from.",
            "文件不带内容凭证。这不能说明它从何而来。",
        )
    return Check(
        "manifest.present",
        "failed",
        "Content credentials cannot be read from what was kept beside this file: they are damaged, or none."
        if reading.beside
        else "Content credentials cannot be read from this file: they or the file's structure are damaged.",
        "无法读取此文件之外另存的内容凭证：其已损坏，或并非内容凭证。"
        if reading.beside
        else "无法从此文件读取内容凭证：凭证或文件结构已损坏。",
        {"library_said": reading.problem},
    )


def _integrity(reading: Reading, faults: _Faults) -> Check:
    is_judged = reading.validation_state in {"Valid", "Trusted"} or faults.ended or faults.signature or faults.timestamp
    if faults.integrity or not is_judged:
        return Check(
            "manifest.integrity",
            "failed",
            "The file is not as it was when it was signed: picture or credentials were changed since.",
            "文件与签名时不一致：图片或凭证此后被改动过。",
            evidence_of(faults.integrity),
        )
    if _SIGNED not in reading.codes("success"):
        return Check(
            "manifest.integrity",
            "not_checked",
            "Picture and credentials fit each other, but no valid signature says that they were so when signed.",
            "图片与凭证相互吻合，但没有有效签名证明签名时即如此。",
        )
    return Check(
        "manifest.integrity",
        "passed",
        "Picture and credentials are as they were when signed.",
        "图片和凭证与签名时一致。",
        evidence_of(one for one in reading.findings if one.code.endswith("Hash.match")),
    )


def _signature(reading: Reading, faults: _Faults) -> Check:
    if _SIGNED in reading.codes("success") and not faults.signature:
        return Check(
            "signature.valid",
            "passed",
            "The signature fits the credentials.",
            "签名与凭证相符。",
            {"algorithm": reading.signer.algorithm if reading.signer else ""},
        )
    if faults.ended and not faults.signature:
        return Check(
            "signature.valid",
            "not_checked",
            "The signature was not confirmed, as its certificate has ended.",
            "签名证书已到期，未能确认签名。",
            evidence_of(faults.ended),
        )
    return Check(
        "signature.valid",
        "failed",
        "The signature does not fit what was signed, so nothing in the credentials can be relied on.",
        "签名与被签内容不符，凭证中的内容均不可依赖。",
        evidence_of(faults.signature),
    )


def _trusted(reading: Reading, faults: _Faults, *, trust: Trust) -> Check:
    name = signer_name(reading.signer)
    note_en, note_zh = _development_note(reading.signer)
    code = "signer.trusted"
    told = [one for one in reading.findings if one.code.startswith("signingCredential.") and one.code not in ENDED]
    evidence = {"issuer": reading.signer.issuer if reading.signer else ""} | evidence_of(told)
    if faults.signature:
        return Check(
            code,
            "not_checked",
            "Who signed cannot be told from a broken signature.",
            "签名无效，无法得知签名者。",
        )
    if TRUSTED in reading.codes("success") or reading.validation_state == "Trusted":
        return Check(code, "passed", *_vouched(reading.signer, trust), evidence)
    if faults.ended and trust.names:  # the library asks no list about it then
        return Check(
            code,
            "not_checked",
            f"The certificate names {name}; it has ended, so whether anybody on the list of trusted signers "
            f"vouches for it was not looked up.{note_en}",
            f"证书所写签名者为 {name}；证书已到期，因此未查询可信签名者名单中是否有人为其作保。{note_zh}",
            evidence,
        )
    if trust.names:
        return Check(
            code,
            "failed",
            f"The certificate names {name}, for whom nobody on the list of trusted signers vouches. "
            f"That does not mean that anything was changed.{note_en}",
            f"证书所写签名者为 {name}，可信签名者名单中无人为其作保。这不表示内容被改动。{note_zh}",
            evidence,
        )
    return Check(
        code,
        "not_checked",
        f"The certificate names {name}; no list of trusted signers was given to check that.{note_en}",
        f"证书所写签名者为 {name}；未提供可信签名者名单，无法核对。{note_zh}",
        evidence,
    )


def _vouched(signer: Signer | None, trust: Trust) -> tuple[str, str]:
    """Return who vouches for a trusted signer: for a development certificate, nobody but whoever made or listed it."""
    name = signer_name(signer)
    if signer is None or not signer.is_development:
        return f"{name} is vouched for by the list of trusted signers.", f"可信签名者名单认可 {name}。"
    if trust.knows_as_own:
        return (
            f"This site knows the certificate of {name} as its own; nobody else vouches for it.",
            f"{name} 的证书是本站自己的证书；此外无人为其作保。",
        )
    note_en, note_zh = _development_note(signer)
    return (
        f"The certificate of {name} comes from a root on the list that was given.{note_en} Nobody else vouches for it.",
        f"{name} 的证书出自所提供名单中的根证书。{note_zh}此外无人为其作保。",
    )


def _development_note(signer: Signer | None) -> tuple[str, str]:
    if signer is None or not signer.is_development:
        return "", ""
    return (
        " It calls itself a development certificate, made by an installation for itself.",
        "该证书自称为开发证书，由某个 Colophon 系统自行生成。",
    )


def _in_time(reading: Reading, faults: _Faults, stamped: Sequence[Finding] | None) -> Check:
    signer = reading.signer
    evidence = {"not_before": signer.not_before, "not_after": signer.not_after} if signer else {}
    if faults.ended:
        return Check(
            "signer.not_expired",
            "failed",
            "The signing certificate has ended, and no timestamp of an authority that is vouched for shows that the "
            "file was signed before.",
            "签名证书已到期，且没有受认可机构的时间戳证明文件在此之前签署。",
            evidence | evidence_of(faults.ended),
        )
    if "claimSignature.insideValidity" not in reading.codes("success"):
        return Check(
            "signer.not_expired",
            "not_checked",
            "Whether the certificate was in force when it signed could not be told.",
            "无法得知签名时证书是否有效。",
            evidence,
        )
    return Check("signer.not_expired", "passed", *_in_force(reading, stamped), evidence)


def _in_force(reading: Reading, stamped: Sequence[Finding] | None) -> tuple[str, str]:
    """Return when a certificate was in force, as far as that is shown: without a good stamp, nothing shows when."""
    if is_vouched(stamped or ()):
        return (
            "The certificate was in force when it signed, as the timestamp shows.",
            "时间戳表明，签名时证书处于有效期内。",
        )
    if "timeStamp.trusted" in reading.codes("success"):
        return (
            "The certificate was in force at the time that its timestamp states.",
            "在时间戳所述时间，证书处于有效期内。",
        )
    return (
        "The certificate is in force today; when it signed is not shown.",
        "证书目前处于有效期内；何时签名未得到证明。",
    )


def _timestamp(reading: Reading, faults: _Faults, stamped: Sequence[Finding] | None) -> Check:
    signer = reading.signer
    authority = signer.timestamp_authority if signer else ""
    evidence = {"time": signer.signed_at, "authority": authority} if signer and signer.signed_at else {}
    if faults.timestamp:
        return Check(
            "timestamp",
            "failed",
            "The timestamp does not fit the signature.",
            "时间戳与签名不符。",
            evidence | evidence_of(faults.timestamp),
        )
    if not evidence and faults.ended:
        return Check(
            "timestamp",
            "not_checked",
            "There is no timestamp that could show that the file was signed before the certificate ended.",
            "没有时间戳可以表明文件是在证书到期前签名的。",
        )
    if not evidence:
        return Check(
            "timestamp",
            "not_checked",
            "There is no timestamp; when the certificate ends, this signature can no longer be confirmed.",
            "没有时间戳；证书到期后将无法再确认此签名。",
        )
    said_en = f"{authority or 'An authority'} stamped the signature at {evidence['time']}; "
    said_zh = f"{authority or '某机构'} 于 {evidence['time']} 加盖时间戳；"
    if stamped is None:
        missing = ("no list of timestamp authorities was given to check that.", "未提供时间戳机构名单，无法核对。")
        return Check("timestamp", "not_checked", said_en + missing[0], said_zh + missing[1], evidence)
    evidence |= evidence_of(stamped)
    if is_vouched(stamped):
        vouched = ("the list of timestamp authorities vouches for it.", "时间戳机构名单认可该机构。")
        return Check("timestamp", "passed", said_en + vouched[0], said_zh + vouched[1], evidence)
    unknown = ("nobody on the list of timestamp authorities vouches for it.", "时间戳机构名单中无人为其作保。")
    return Check("timestamp", "not_checked", said_en + unknown[0], said_zh + unknown[1], evidence)
