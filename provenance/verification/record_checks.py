"""The checks that need somebody's records: found, in agreement, in the log, licences, disputes and the key today."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from provenance.canonical import Digest
from provenance.credentials.reading import Reading
from provenance.verification.comparing import FIELDS, compared
from provenance.verification.evidence import (
    DISPUTE_NOT_CHECKED,
    KEY_NOT_CHECKED,
    LICENCES_NOT_CHECKED,
    LOG_NOT_CHECKED,
    RECORDS_NOT_CHECKED,
    Answer,
    Evidence,
    Layer,
    RecordFound,
)
from provenance.verification.facts import Facts
from provenance.verification.verdict import Check

_FOUND: dict[Layer, tuple[str, str]] = {
    "file": (
        "{keeper}'s records hold this very file, byte for byte.",
        "{keeper} 的记录中有与此文件逐字节相同的文件。",
    ),
    "manifest": (
        "{keeper}'s records hold these credentials, for a file with other bytes.",
        "{keeper} 的记录中有这份凭证，但对应的文件字节不同。",
    ),
    "pixels": (
        "{keeper}'s records hold a picture with exactly these pixels, delivered as another file.",
        "{keeper} 的记录中有像素完全相同、以另一文件交付的图片。",
    ),
    "watermark": (
        "This picture carries the watermark of one in {keeper}'s records.",
        "此图片带有 {keeper} 记录中某图片的水印。",
    ),
    "fingerprint": (
        "This picture looks like one in {keeper}'s records, with small changes at most.",
        "此图片与 {keeper} 记录中的某图片外观相近，至多有细微改动。",
    ),
}
OF_THE_RECORD = {
    "log.inclusion": LOG_NOT_CHECKED,
    "licence.today": LICENCES_NOT_CHECKED,
    "dispute": DISPUTE_NOT_CHECKED,
    "key.revoked": KEY_NOT_CHECKED,
}
"""The checks of a record itself, and what they read where there is no single one to ask about."""
NOT_ASKED = Answer(
    "not_checked",
    "Not asked: nothing has confirmed that this is a copy of the recorded picture, whose own page answers it.",
    "未查询：尚无方法确认此图片是记录中图片的副本；该图片自己的页面会给出答案。",
)
_POSSIBLE = (
    "This may be a copy of a picture in {keeper}'s records; no second method has confirmed it.",
    "此图片可能是 {keeper} 记录中某图片的副本；尚无第二种方法予以确认。",
)
_ONE_AND_OTHERS = (
    "This picture looks like one in {keeper}'s records, with small changes at most, and may be a copy of {0} there, "
    "which no second method has confirmed; which one it is, if any, is not decided here.",
    "此图片与 {keeper} 记录中的某图片外观相近，至多有细微改动；也可能是其中{1}的副本，但尚无第二种方法确认。"
    "究竟是哪一张、是否真是副本，此处不作判断。",
)
_NOT_LOOKED_FOR = (
    "{keeper}'s records hold no such file. As its pixels were not decoded, a picture with the same pixels, the same "
    "watermark or the same looks was not looked for.",
    "{keeper} 的记录中没有此文件。由于未解码其像素，未查找像素、水印或外观相同的图片。",
)
_ERASED = (
    " The record was erased on {date} at the request of the person it concerned; its digests and log entries remain.",
    "该记录已于 {date} 应当事人请求删除；其摘要与日志条目仍然保留。",
)


def record_checks(
    records: Sequence[RecordFound],
    *,
    reading: Reading,
    facts: Facts | None,
    file_digest: Digest,
    evidence: Evidence,
    left_out: Sequence[str] = (),
) -> tuple[Check, ...]:
    """Return what the records answer; of several that fit, none is picked.

    ``left_out`` names the ways of finding a record that this file is not fit for.
    """
    keeper = evidence.keeper
    return _checks(
        records,
        evidence=evidence,
        left_out=left_out,
        agrees=lambda one: _agrees(one, reading=reading, facts=facts, file_digest=file_digest, keeper=keeper),
    )


def checks_found_later(
    records: Sequence[RecordFound], *, has_credentials: bool, evidence: Evidence
) -> tuple[Check, ...]:
    """Return what records answer that a watermark led to, when the file itself is not at hand any more."""
    keeper = evidence.keeper
    return _checks(
        records, evidence=evidence, agrees=lambda _: _not_compared(has_credentials=has_credentials, keeper=keeper)
    )


def _checks(
    records: Sequence[RecordFound],
    *,
    evidence: Evidence,
    agrees: Callable[[RecordFound], Check],
    left_out: Sequence[str] = (),
) -> tuple[Check, ...]:
    found = _found(records, keeper=evidence.keeper, left_out=[*left_out, *evidence.left_out])
    if len(records) != 1:
        nothing = Answer(
            "not_checked",
            "There is no single record to compare with.",
            "没有唯一的记录可供比对。",
        )
        return (
            found,
            _check("record.agrees", nothing),
            *(_check(code, answer) for code, answer in OF_THE_RECORD.items()),
        )
    record = records[0]
    if record.is_possible:
        return (found, agrees(record), *(_check(code, NOT_ASKED) for code in OF_THE_RECORD))
    return (
        found,
        agrees(record),
        _check("log.inclusion", evidence.log_inclusion(record)),
        _check("licence.today", evidence.licences_today(record)),
        _check("dispute", evidence.dispute(record)),
        _check("key.revoked", evidence.signing_key(record)),
    )


def _found(records: Sequence[RecordFound], *, keeper: str, left_out: Sequence[str]) -> Check:
    if not keeper:
        return _check("record.found", RECORDS_NOT_CHECKED)
    if not records:
        return _none_found(keeper, left_out)
    first = records[0]
    evidence: dict[str, Any] = {"layer": first.layer, "images": [_by_what(record) for record in records]}
    evidence |= {"left_out": list(left_out)} if left_out else {}
    if len(records) > 1:
        return Check("record.found", "passed", *_several(records, keeper=keeper), evidence)
    en, zh = (sentence.format(keeper=keeper) for sentence in (_POSSIBLE if first.is_possible else _FOUND[first.layer]))
    if first.erased_at:
        en += _ERASED[0].format(date=f"{first.erased_at:%Y-%m-%d}")
        zh += _ERASED[1].format(date=f"{first.erased_at:%Y-%m-%d}")
    return Check("record.found", "passed", en, zh, evidence)


def _none_found(keeper: str, left_out: Sequence[str]) -> Check:
    if "pixels" in left_out:
        en, zh = (sentence.format(keeper=keeper) for sentence in _NOT_LOOKED_FOR)
        return Check("record.found", "not_checked", en, zh, {"left_out": list(left_out)})
    en = f"{keeper}'s records hold no such picture. That proves nothing about where it comes from."
    zh = f"{keeper} 的记录中没有这张图片。这不能说明它从何而来。"
    if left_out:
        en += " It was not searched for the watermark of a cropped copy, as many pictures are being checked; try later."
        zh += "由于正在核验的图片较多，未搜索裁剪副本中的水印；请稍后再试。"
    return Check("record.found", "not_checked", en, zh, {"left_out": list(left_out)} if left_out else {})


def _by_what(record: RecordFound) -> Mapping[str, Any]:
    return {"image": record.image_digest, **({"match": dict(record.match)} if record.match else {})}


def _several(records: Sequence[RecordFound], *, keeper: str) -> tuple[str, str]:
    count = len(records)
    if records[0].layer in {"file", "manifest", "pixels"}:
        return (
            f"{keeper}'s records hold {count} pictures with exactly these pixels; which one this is cannot be told.",
            f"{keeper} 的记录中有 {count} 张像素完全相同的图片；无法判断是哪一张。",
        )
    if sum(not record.is_possible for record in records) == 1:
        others = ("another one", "另一张") if count == 2 else (f"{count - 1} others", f"另外 {count - 1} 张之一")
        en, zh = (sentence.format(*others, keeper=keeper) for sentence in _ONE_AND_OTHERS)
        return en, zh
    return (
        f"This may be a copy of any of {count} pictures in {keeper}'s records; which one, if any, is not decided here.",
        f"此图片可能是 {keeper} 记录中 {count} 张图片之一的副本；究竟是哪一张、是否真是副本，此处不作判断。",
    )


def _agrees(record: RecordFound, *, reading: Reading, facts: Facts | None, file_digest: Digest, keeper: str) -> Check:
    if facts is None or record.layer in {"watermark", "fingerprint"}:
        return _not_compared(has_credentials=facts is not None, keeper=keeper)
    if record.layer == "pixels" and record.manifest_id in _before(reading):
        return _newer(keeper)
    fields = [one.as_json() for one in compared(record, manifest_id=reading.manifest_id, facts=facts)]
    differing = [one["field"] for one in fields if not one["agrees"]]
    if record.layer == "manifest" and record.image_digest != file_digest:
        differing.append("file")
        fields.append({"field": "file", "manifest": file_digest, "record": record.image_digest, "agrees": False})
    evidence = {"differing": differing, "fields": fields}
    if differing:
        return Check(
            "record.agrees",
            "failed",
            f"The file differs from {keeper}'s record in: {', '.join(FIELDS[one][0] for one in differing)}.",
            f"文件与 {keeper} 的记录不一致之处：{'、'.join(FIELDS[one][1] for one in differing)}。",
            evidence,
        )
    return Check(
        "record.agrees",
        "passed",
        f"What the credentials state agrees with {keeper}'s record.",
        f"凭证所述与 {keeper} 的记录一致。",
        evidence,
    )


def _before(reading: Reading) -> set[str]:
    """Return the manifests that the active one was put over, one after the other; what was but placed in it is none."""
    parents = {one.manifest_id: one.own_manifest_id for one in reading.ingredients if one.relationship == "parentOf"}
    found: set[str] = set()
    before = parents.get(reading.manifest_id, "")
    while before and before not in found:
        found.add(before)
        before = parents.get(before, "")
    return found


def _newer(keeper: str) -> Check:
    return Check(
        "record.agrees",
        "not_checked",
        f"The file carries newer credentials, which name those of {keeper}'s record as what they were put over.",
        f"文件带有更新的凭证，其中注明 {keeper} 记录中的凭证为其前身。",
    )


def _not_compared(*, has_credentials: bool, keeper: str) -> Check:
    if has_credentials:
        return Check(
            "record.agrees",
            "not_checked",
            f"The file carries credentials of another picture than {keeper}'s record is about.",
            f"文件所带凭证与 {keeper} 的记录并非同一图片。",
        )
    return Check(
        "record.agrees",
        "not_checked",
        f"The file carries no credentials that {keeper}'s record could be compared with.",
        f"文件不带可与 {keeper} 的记录比对的凭证。",
    )


def _check(code: str, answer: Answer) -> Check:
    return Check(code, answer.result, answer.en, answer.zh, answer.evidence)
