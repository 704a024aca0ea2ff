"""What recomputing a statement can find, said in both languages."""

from __future__ import annotations

from typing import Any

from provenance.audit_log.offline.findings import SENTENCES as OF_THE_LOG
from provenance.audit_log.offline.findings import printable

SENTENCES: dict[str, tuple[str, str]] = {
    "amount-differs": (
        "Entry {index} gives party {party} {stated}; by price and splits it is {due}.",
        "第 {index} 条给参与方 {party} 记 {stated}；按价格与分成应为 {due}。",
    ),
    "price-differs": (
        "Entry {index} is not at the price that its request reserved.",
        "第 {index} 条的价格与请求预留的价格不符。",
    ),
    "terms-differ": (
        "Entry {index} is not on the terms of its grant or offer.",
        "第 {index} 条的条款与其授权或要约不符。",
    ),
    "line-missing": (
        "The party's line number {number} is missing: no opened entry holds it.",
        "缺少该参与方的第 {number} 号明细：没有已披露的条目包含它。",
    ),
    "line-twice": ("Line {line} stands a second time in entry {index}.", "明细 {line} 在第 {index} 条中重复出现。"),
    "line-unknown": (
        "Entry {index} moves line {line}, which no opened entry made.",
        "第 {index} 条移动了明细 {line}，但没有已披露的条目产生过它。",
    ),
    "move-impossible": (
        "Entry {index} moves line {line}, which stood as {state}.",
        "第 {index} 条移动了明细 {line}，但它当时的状态是 {state}。",
    ),
    "payout-differs": (
        "The lines of the payout in entry {index} do not add up to its amount.",
        "第 {index} 条付款的明细合计与其金额不符。",
    ),
    "entry-unreadable": (
        "Entry {index} of kind {kind} does not say what such an entry says.",
        "类型为 {kind} 的第 {index} 条内容不符合该类型。",
    ),
    "money-not-opened": (
        "{count} entries about money are not opened in this export, the first at {index}. They may be others', "
        "or have been kept from you: what moved there is not checked.",
        "此导出中有 {count} 条与款项有关的条目未披露，首条为第 {index} 条。它们可能属于他人，也可能对您隐瞒："
        "其中的变动未能核对。",
    ),
    "line-left-out": (
        "The statement leaves out line {line}, number {number}, of entry {index}.",
        "结算单遗漏了第 {index} 条的明细 {line}（第 {number} 号）。",
    ),
    "line-unfounded": (
        "The statement has line {line}, said to be of entry {index}: no opened entry holds it.",
        "结算单含有明细 {line}，称出自第 {index} 条，但没有已披露的条目包含它。",
    ),
    "line-differs": (
        "The statement says {stated} for {field} of line {line}; the entries say {due}.",
        "结算单中明细 {line} 的 {field} 为 {stated}；条目所载为 {due}。",
    ),
    "statement-differs": (
        "The statement's {field} is not what the entries give.",
        "结算单的 {field} 与条目所得不符。",
    ),
    "digest-differs": (
        "The statement's digest is {stated}; the entries give {due}.",
        "结算单摘要为 {stated}；由条目得出 {due}。",
    ),
}
NOT_CHECKED = {"money-not-opened"}
"""Findings after which something could not be checked; others of this list mean that something is wrong."""


def said(finding: dict[str, Any], language: str = "en") -> str:
    """Return a finding's sentence, of the statement or of the log."""
    values = {name: printable(str(value)) for name, value in finding.items()}
    sentences = SENTENCES.get(finding["code"]) or OF_THE_LOG[finding["code"]]
    return sentences[language == "zh-Hans"].format(**values)
