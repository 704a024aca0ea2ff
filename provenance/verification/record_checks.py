"""The checks that need somebody's records: found, in agreement, in the log, and the licences today."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from provenance.canonical import Digest, parse_timestamp
from provenance.credentials.reading import Reading
from provenance.verification.evidence import (
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

SIGNED_WITHIN = timedelta(seconds=1)
"""The record keeps the time that the claim states; a keeper may round it."""
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
}
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
) -> tuple[Check, ...]:
    """Return what the records answer; of several that fit, none is picked."""
    found = _found(records, keeper=evidence.keeper)
    if len(records) != 1:
        nothing = Answer(
            "not_checked",
            "There is no single record to compare with.",
            "没有唯一的记录可供比对。",
        )
        return (
            found,
            _check("record.agrees", nothing),
            _check("log.inclusion", LOG_NOT_CHECKED),
            _check("licence.today", LICENCES_NOT_CHECKED),
        )
    record = records[0]
    return (
        found,
        _agrees(record, reading=reading, facts=facts, file_digest=file_digest, keeper=evidence.keeper),
        _check("log.inclusion", evidence.log_inclusion(record)),
        _check("licence.today", evidence.licences_today(record)),
    )


def _found(records: Sequence[RecordFound], *, keeper: str) -> Check:
    if not keeper:
        return _check("record.found", RECORDS_NOT_CHECKED)
    if not records:
        return Check(
            "record.found",
            "not_checked",
            f"{keeper}'s records hold no such picture. That proves nothing about where it comes from.",
            f"{keeper} 的记录中没有这张图片。这不能说明它从何而来。",
        )
    evidence = {"layer": records[0].layer, "images": [record.image_digest for record in records]}
    if len(records) > 1:
        return Check(
            "record.found",
            "passed",
            f"{keeper}'s records hold {len(records)} pictures with exactly these pixels; "
            "which one this is cannot be told.",
            f"{keeper} 的记录中有 {len(records)} 张像素完全相同的图片；无法判断是哪一张。",
            evidence,
        )
    en, zh = (sentence.format(keeper=keeper) for sentence in _FOUND[records[0].layer])
    if erased := records[0].erased_at:
        en += _ERASED[0].format(date=f"{erased:%Y-%m-%d}")
        zh += _ERASED[1].format(date=f"{erased:%Y-%m-%d}")
    return Check("record.found", "passed", en, zh, evidence)


def _agrees(record: RecordFound, *, reading: Reading, facts: Facts | None, file_digest: Digest, keeper: str) -> Check:
    if facts is None:
        return Check(
            "record.agrees",
            "not_checked",
            f"The file carries no credentials that {keeper}'s record could be compared with.",
            f"文件不带可与 {keeper} 的记录比对的凭证。",
        )
    differing = [*_differences(record, reading, facts)]
    if record.layer == "manifest" and record.image_digest != file_digest:
        differing.append("file")
    if differing:
        return Check(
            "record.agrees",
            "failed",
            f"The file differs from {keeper}'s record in: {', '.join(differing)}.",
            f"文件与 {keeper} 的记录不一致之处：{'、'.join(differing)}。",
            {"differing": differing, "record": record.as_json()},
        )
    return Check(
        "record.agrees",
        "passed",
        f"What the credentials state agrees with {keeper}'s record.",
        f"凭证所述与 {keeper} 的记录一致。",
        {"compared": ["manifest", "generation", "model", "made_at", "log"]},
    )


def _differences(record: RecordFound, reading: Reading, facts: Facts) -> Iterator[str]:
    if record.manifest_id != reading.manifest_id:
        yield "manifest"
    if record.generation_id != facts.generation:
        yield "generation"
    if record.model != facts.model.get("name"):
        yield "model"
    made_at = _moment(facts.made_at)
    if made_at is None or abs(record.made_at - made_at) > SIGNED_WITHIN:
        yield "made_at"
    if record.leaf_hashes and facts.log.get("leaf_hash") not in record.leaf_hashes:
        yield "log"


def _moment(text: str) -> datetime | None:
    try:
        return parse_timestamp(text)
    except ValueError:
        return None


def _check(code: str, answer: Answer) -> Check:
    return Check(code, answer.result, answer.en, answer.zh, answer.evidence)
