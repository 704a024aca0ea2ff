"""Record and manifest side by side: each field that both state, with both values, and whether they agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from provenance.canonical import parse_timestamp, timestamp
from provenance.verification.evidence import RecordFound
from provenance.verification.facts import Facts

SIGNED_WITHIN = timedelta(seconds=1)
"""The record keeps the time that the claim states; a keeper may round it."""
FIELDS = {
    "manifest": ("the manifest", "清单"),
    "generation": ("the request", "请求"),
    "model": ("the model", "模型"),
    "model_digest": ("the model's weights", "模型权重"),
    "seed": ("the seed", "种子"),
    "disclosure": ("whether the prompt is disclosed", "提示词的公开方式"),
    "prompt": ("the prompt", "提示词"),
    "prompt_commitment": ("the seal of the prompt", "提示词的封印"),
    "references": ("what it was made with", "所用风格"),
    "inputs": ("the input pictures", "输入图片"),
    "made_at": ("the time of making", "生成时间"),
    "log": ("the log entry", "日志条目"),
    "file": ("the file itself", "文件本身"),
}
"""What each field is called in a sentence."""
_LISTED = ("kind", "role", "name", "digest", "licence")


@dataclass(frozen=True)
class Compared:
    """One field: what the manifest states, what the record holds."""

    field: str
    manifest: Any
    record: Any
    agrees: bool

    def as_json(self) -> dict[str, Any]:
        """Return the field as it stands in a check's evidence."""
        return dict(vars(self))


def compared(record: RecordFound, *, manifest_id: str, facts: Facts) -> tuple[Compared, ...]:
    """Return every field that the record keeps beside what the manifest states of it."""
    return (
        _same("manifest", manifest_id, record.manifest_id),
        _same("generation", facts.generation, record.generation_id),
        _same("model", str(facts.model.get("name", "")), record.model),
        *_kept("model_digest", facts.model.get("weights_digest", ""), record.model_digest),
        *_kept("seed", facts.seed, record.seed),
        *_prompt(record, facts),
        *_listed("references", facts.references, record.references),
        *_listed("inputs", facts.inputs, record.inputs),
        _made_at(record, facts),
        *_log(record, facts),
    )


def _same(field: str, manifest: Any, record: Any) -> Compared:
    return Compared(field, manifest, record, manifest == record)


def _kept(field: str, manifest: Any, record: Any) -> Iterator[Compared]:
    if record:
        yield _same(field, manifest, record)


def _prompt(record: RecordFound, facts: Facts) -> Iterator[Compared]:
    if record.disclosure is None:
        return
    yield _same("disclosure", facts.prompt.get("disclosure", ""), record.disclosure)
    if record.disclosure == "public":
        yield _same("prompt", facts.prompt.get("text", ""), record.prompt_text)
    elif record.disclosure == "committed":
        yield _same("prompt_commitment", facts.prompt.get("commitment", ""), record.prompt_commitment)


def _listed(
    field: str, manifest: Sequence[Mapping[str, Any]], record: Sequence[Mapping[str, str]] | None
) -> Iterator[Compared]:
    if record is not None:
        yield _same(field, _essentials(manifest), _essentials(record))


def _essentials(listed: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{name: one[name] for name in _LISTED if one.get(name)} for one in listed]


def _made_at(record: RecordFound, facts: Facts) -> Compared:
    stated = _moment(facts.made_at)
    agrees = stated is not None and abs(record.made_at - stated) <= SIGNED_WITHIN
    return Compared("made_at", facts.made_at, timestamp(record.made_at), agrees)


def _log(record: RecordFound, facts: Facts) -> Iterator[Compared]:
    stated = facts.log.get("leaf_hash", "")
    if record.request_leaf:
        yield _same("log", stated, record.request_leaf)
    elif record.leaf_hashes:
        yield Compared("log", stated, list(record.leaf_hashes), stated in record.leaf_hashes)


def _moment(text: str) -> datetime | None:
    try:
        return parse_timestamp(text)
    except ValueError:
        return None
