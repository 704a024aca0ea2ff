"""What an offline check can find, said in both languages."""

from __future__ import annotations

from typing import Any

MOST_FINDINGS = 1_000
DOUBTS = {"cannot-read", "checkpoint-missing", "checkpoint-unsigned", "key-malformed", "log-empty"}
"""Findings after which nothing could be checked; all others mean that something is wrong."""
SENTENCES: dict[str, tuple[str, str]] = {
    "cannot-read": ("{path} cannot be read: {reason}.", "无法读取 {path}：{reason}。"),
    "checkpoint-missing": ("There is no checkpoint at {path}.", "{path} 处没有检查点。"),
    "checkpoint-malformed": ("{path} is not a signed checkpoint.", "{path} 不是签名的检查点。"),
    "checkpoint-forged": (
        "{path} or its signature was changed: {name} did not sign this.",
        "{path} 或其签名被更改：{name} 未签署此文本。",
    ),
    "checkpoint-unsigned": ("{path} is not signed by the key {name}.", "{path} 不是由密钥 {name} 签署的。"),
    "key-malformed": ("{path} is not a verifier key.", "{path} 不是验证密钥。"),
    "key-differs": ("log.vkey is not the key that you gave.", "log.vkey 与您给出的密钥不同。"),
    "log-empty": ("The log is empty: there is nothing to check.", "日志为空：没有可核对的内容。"),
    "file-missing": ("{path} is missing.", "缺少 {path}。"),
    "tile-damaged": (
        "{path} has {found} bytes and should have {expected}.",
        "{path} 有 {found} 字节，应为 {expected} 字节。",
    ),
    "bundle-damaged": ("{path} is damaged from entry {index} on.", "{path} 自第 {index} 条起损坏。"),
    "entry-changed": ("Entry {index} in {path} was changed.", "{path} 中的第 {index} 条被更改。"),
    "entry-moved": (
        "Entry {index} in {path} was put there; it belongs at {place}.",
        "{path} 中的第 {index} 条被移动；它原在第 {place} 条。",
    ),
    "tile-changed": (
        "{path} was changed: its hash {place} is not that of what it covers.",
        "{path} 被更改：其第 {place} 个哈希与所覆盖内容不符。",
    ),
    "changed-together": (
        "{path} and {tile} were changed together; neither fits the signed tree.",
        "{path} 与 {tile} 一同被更改，均不符合签名的树。",
    ),
    "disagree": (
        "Entry {index} in {path} and {tile} differ; neither fits the signed tree.",
        "{path} 中的第 {index} 条与 {tile} 不一致，均不符合签名的树。",
    ),
    "tiles-disagree": (
        "Hash {place} in {path} is not that of what it covers; neither fits the signed tree.",
        "{path} 的第 {place} 个哈希与所覆盖内容不符，均不符合签名的树。",
    ),
    "file-unfit": ("{path} was changed: it does not fit the signed tree.", "{path} 被更改：与签名的树不符。"),
    "root-differs": (
        "These {size} entries have the root {found}; the checkpoint signs {signed}.",
        "这 {size} 条的根为 {found}；检查点签署的是 {signed}。",
    ),
    "leaf-malformed": (
        "Entry {index} in {path} is not a leaf of version 1.",
        "{path} 中的第 {index} 条不是版本 1 的叶。",
    ),
    "leaf-twice": ("Entry {index} has the id of an earlier entry.", "第 {index} 条的编号与先前条目重复。"),
    "opening-malformed": ("Line {line} of {path} is not an opening.", "{path} 第 {line} 行不是披露记录。"),
    "opening-twice": ("Line {line} of {path} opens entry {index} again.", "{path} 第 {line} 行重复披露第 {index} 条。"),
    "opening-nowhere": (
        "An opening names entry {index}, which the log does not have.",
        "有披露记录指向第 {index} 条，但日志中没有该条。",
    ),
    "opening-of-other": (
        "The opening of entry {index} names another entry's id.",
        "第 {index} 条的披露记录写的是另一条目的编号。",
    ),
    "opening-fails": (
        "The opening of entry {index} does not open its commitment: details or salt were changed.",
        "第 {index} 条的披露记录与承诺不符：细节或盐值被更改。",
    ),
    "manifest-line": ("Line {line} of {path} does not list a manifest.", "{path} 第 {line} 行未列出清单。"),
    "manifest-changed": (
        "{path} is not the manifest that is listed: its digest is {found}.",
        "{path} 不是所列的清单：其摘要为 {found}。",
    ),
    "manifest-swapped": (
        "{path} is not the manifest {manifest}: it does not carry that name.",
        "{path} 不是清单 {manifest}：其中没有该名称。",
    ),
    "manifest-not-stated": (
        "{path} is not the manifest store that entry {index} states for {manifest}: that one is {stated}.",
        "{path} 不是第 {index} 条就 {manifest} 所记的清单存储：所记为 {stated}。",
    ),
    "manifest-unlisted": ("{path} is in the bundle but not listed.", "{path} 在包中但未列出。"),
    "file-twice": ("{path} is in the archive twice.", "{path} 在压缩包中出现两次。"),
    "held-shrunk": (
        "The checkpoint in {path} has {held} entries, the log only {size}: entries were taken away.",
        "{path} 的检查点有 {held} 条，日志只有 {size} 条：条目被移除。",
    ),
    "held-forked": (
        "Fork: {path} and the log's checkpoint both have {size} entries and different roots.",
        "分叉：{path} 与日志检查点均为 {size} 条，但根不同。",
    ),
    "held-rewritten": (
        "History was rewritten: the log's first {held} entries are not those of the checkpoint in {path}.",
        "历史被改写：日志的前 {held} 条与 {path} 的检查点不符。",
    ),
    "proof-malformed": ("{path} is no sound log proof. {reason_en}", "{path} 不是有效的日志证明。{reason_zh}"),
    "proof-fails": ("{path} does not lead from this leaf to its signed root.", "{path} 无法从此叶推至其签名的根。"),
    "proof-elsewhere": (
        "{path} proves entry {index}, but the log has another entry there.",
        "{path} 证明的是第 {index} 条，但日志该处是另一条目。",
    ),
    "and-more": ("There is more; only the first {count} findings are told.", "还有更多；仅列出前 {count} 项。"),
}


class Findings(list[dict[str, Any]]):
    """What is wrong: dicts of ``code`` and the values that its sentence names."""

    def tell(self, code: str, **values: Any) -> None:
        """Add a finding; of more than a thousand, only say that there are more."""
        if len(self) < MOST_FINDINGS:
            self.append({"code": code, **values})
        elif len(self) == MOST_FINDINGS:
            self.append({"code": "and-more", "count": MOST_FINDINGS})

    @property
    def exit_code(self) -> int:
        """Return 0 without findings, 2 where nothing could be checked, else 1."""
        if not self:
            return 0
        return 2 if all(each["code"] in DOUBTS for each in self) else 1


def said(finding: dict[str, Any], language: str = "en") -> str:
    """Return a finding's sentence."""
    values = {name: printable(str(value)) for name, value in finding.items()}
    return SENTENCES[finding["code"]][language == "zh-Hans"].format(**values)


def printable(text: str) -> str:
    """Return a stranger's text on one line, without characters that steer a terminal."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text[:500])
