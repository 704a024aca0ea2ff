"""What our records answer about an image, in words: of this very file, or of the recorded picture that it copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from provenance.audit_log.errors import LogError
from provenance.audit_log.proofs import Head
from provenance.canonical import Digest, timestamp
from provenance.licensing.inheriting import conditions_and_policy
from provenance.licensing.terms import Terms
from provenance.verification.evidence import Answer, RecordFound


def _it(record: RecordFound) -> tuple[str, str]:
    """Return what to call the image that an answer is about: its file is this one, or only known to be a copy."""
    return ("this image", "此图像") if record.layer == "file" else ("the recorded picture", "记录中的图片")


# ---- the log


def entry_missing(record: RecordFound, *, present: Sequence[Digest]) -> Answer:
    """Say that the log lacks an entry that the record names."""
    en, zh = _it(record)
    return Answer(
        "failed",
        f"An entry of {en} is missing from the operator's log.",
        f"运营者的日志中缺少{zh}的条目。",
        {"present": present},
    )


def entries_wait(*, present: Sequence[Digest]) -> Answer:
    """Say that no published checkpoint includes the entries yet."""
    return Answer(
        "not_checked",
        "The operator's log holds the entries; no published checkpoint includes them yet. Ask again in some seconds.",
        "运营者的日志中有这些条目；尚无已发布的检查点收录它们。请几秒后重试。",
        {"present": present},
    )


def entries_unproved(error: LogError, *, present: Sequence[Digest]) -> Answer:
    """Say that the log's tiles do not lead from the entries to its checkpoint."""
    return Answer(
        "failed",
        f"The operator's log does not prove that it includes the entries. {error.said('en')}",
        f"运营者的日志无法证明收录了这些条目。{error.said('zh-Hans')}",
        {"present": present, "fault": error.code},
    )


def entries_included(
    record: RecordFound, *, leaves: Sequence[Digest], head: Head, indexes: Sequence[int]
) -> Answer:
    """Say under which checkpoint the entries are proved, who vouches for it, and where the proof can be had."""
    en, zh = _it(record)
    origin, size, names = head.checkpoint.origin, head.checkpoint.size, ", ".join(head.witnesses)
    numbers = ", ".join(map(str, indexes))
    held_en = f"cosigned by {names}" if names else "log held by the operator alone"
    held_zh = f"由 {names} 联署见证" if names else "日志仅由运营者自己保管"
    return Answer(
        "passed",
        f"The log {origin} includes the entries of {en}, as numbers {numbers} of {size}, under a signed checkpoint; "
        f"{held_en}.",
        f"日志 {origin} 收录了{zh}的条目（共 {size} 条中的第 {numbers} 条），检查点已签名；{held_zh}。",
        {
            "leaf_hashes": leaves,
            "indexes": indexes,
            "tree_size": size,
            "checkpoint": head.note,
            "witnesses": list(head.witnesses),
            "proof": f"/images/{record.image_digest}/proof",
        },
    )


# ---- licences and disputes


def terms_today(
    record: RecordFound,
    *,
    used: Sequence[Mapping[str, Any]],
    since: datetime,
    changed: Sequence[UUID],
    terms: Terms | None,
) -> Answer:
    """Say whether anything that an image was made with, or its terms, changed since; it keeps its own terms."""
    en, zh = _it(record)
    came = conditions_and_policy(terms)
    with_en = f" It came with conditions: {came['en']}" if came else ""
    with_zh = f"此图像带有条件：{came['zh-Hans']}" if came else ""
    told: dict[str, Any] = {"since": timestamp(since), "asked": [_asked(answer) for answer in used]}
    told |= {"terms_digest": terms.digest()} if terms else {}
    if changed:
        return Answer(
            "passed",
            "Since then a rightsholder has opted out, or an offer, a grant, a style or a work was withdrawn, "
            f"paused, replaced, rejected or disputed; {en} keeps the terms it was made under.{with_en}",
            "此后有权利人选择退出，或有要约、许可、风格或作品被撤回、暂停、取代、否决或提出争议；"
            f"{zh}保留其生成时的条款。{with_zh}",
            {**told, "changed": [str(subject) for subject in changed]},
        )
    return Answer(
        "passed",
        f"The terms that {en} was made under stand unchanged today.{with_en}",
        f"{zh}生成时所依据的条款至今未变。{with_zh}",
        told,
    )


def _asked(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return what was asked about: kind, id and basis, and where its terms are to be read where they are public."""
    is_open = answer["basis"] == "open-licence"
    told = {"kind": answer["kind"], "id": answer["id"], "basis": answer["basis"]}
    return told | ({"href": f"/licences/{answer['right']}"} if is_open else {})


def disputes_today(record: RecordFound, *, asked: Sequence[str], standing: Sequence[Any]) -> Answer:
    """Say which disputes stand over an image or what it was made with; ``asked`` is what they could be about."""
    en, zh = _it(record)
    if not standing:
        return Answer(
            "passed",
            f"No dispute stands today over {en} or what it was made with.",
            f"目前没有针对{zh}或其所用素材的争议。",
            {"asked": list(asked)},
        )
    return Answer(
        "failed",
        f"A dispute stands over {en} or what it was made with; no new uses are allowed until it is decided.",
        f"针对{zh}或其所用素材的争议尚未了结；在裁定之前不允许新的使用。",
        {"disputes": [_told_of(one) for one in standing]},
    )


def _told_of(dispute: Any) -> dict[str, str]:
    """Return what anyone may know of a dispute: no names."""
    return {
        "dispute": str(dispute.pk),
        "subject_kind": dispute.subject_kind,
        "subject": dispute.subject,
        "ground": dispute.ground,
        "since": timestamp(dispute.stands_since),
    }


# ---- the key


def key_today(record: RecordFound, *, signed: Any, revoked: Any) -> Answer:
    """Say whether the key that signed an image was revoked, and whether from a moment before it signed."""
    en, zh = _it(record)
    told: dict[str, Any] = {"key": signed.key_id}
    if revoked is None:
        return Answer(
            "passed",
            f"The key that signed {en} has not been revoked.",
            f"为{zh}签名的密钥未被吊销。",
            told,
        )
    since = f"{revoked.since:%Y-%m-%d %H:%M} UTC"
    told |= {"since": timestamp(revoked.since), "signed_at": timestamp(signed.signed_at)}
    if signed.signed_at < revoked.since:
        return Answer(
            "passed",
            f"The key that signed {en} was revoked from {since} on; it was recorded as signed before that.",
            f"为{zh}签名的密钥自 {since} 起被吊销；记录显示签名在此之前。",
            told,
        )
    return Answer(
        "failed",
        f"The key that signed {en} was revoked from {since} on, and it signed after that.",
        f"为{zh}签名的密钥自 {since} 起被吊销，而签名在此之后。",
        told,
    )
