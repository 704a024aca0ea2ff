"""A verdict in a terminal, for a person: one sentence first, then who, what and from what, then each check."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from provenance.verification.evidence import Result
from provenance.verification.facts import Facts, Making
from provenance.verification.manifest_checks import signer_name
from provenance.verification.plain_text import plain_text
from provenance.verification.verdict import Check, Outcome, Verdict

WIDTH = 88
LONGEST_VALUE = 600
LONGEST_TOKEN = WIDTH - 19
_TELLING = {"manifest.present", "signer.trusted", "timestamp"}
"""Worth a line of their own even where nothing was checked."""
_MARKS: Mapping[Result, tuple[str, str]] = {
    "passed": ("✓", "32"),
    "failed": ("✗", "31"),
    "not_checked": ("·", "2"),
    "pending": ("…", "2"),
}
_COLOURS: Mapping[Outcome, str] = {
    "trusted": "32",
    "untrusted": "33",
    "failed": "31",
    "no_manifest": "36",
    "unreadable": "31",
}
_WORDS: Mapping[str, tuple[str, str]] = {
    "says": ("What the credentials state", "凭证所述"),
    "unsound": (
        "A check below has failed, so do not rely on this.",
        "下方有核验未通过，请勿依赖这些陈述。",
    ),
    "checks": ("Checks", "核验"),
    "signer": ("signer", "签名者"),
    "made_at": ("made at", "生成时间"),
    "making": ("made with AI", "AI 生成"),
    "prompt": ("prompt", "提示词"),
    "negative": ("negative prompt", "反向提示词"),
    "model": ("model", "模型"),
    "references": ("made from", "所用参考"),
    "inputs": ("input", "输入图片"),
    "credits": ("credit", "署名"),
    "seed": ("seed", "种子"),
    "settings": ("settings", "参数"),
    "basis": ("licence basis", "许可依据"),
    "log": ("log entry", "日志条目"),
    "generator": ("software", "软件"),
    "committed": ("committed, not shown: {0}", "仅承诺，不公开：{0}"),
    "private": ("kept private", "保密"),
    "quiet": ("not checked or nothing to check: {0}", "未核验或无可核验：{0}"),
    "comma": (", ", "、"),
    "library": (
        "Checked with c2pa-rs {0}, offline; trusted signers: {1}.",
        "使用 c2pa-rs {0} 离线核验；可信签名者：{1}。",
    ),
    "nobody": ("none given", "未提供"),
}
_LABELS: Mapping[str, tuple[str, str]] = {
    "manifest.integrity": ("changes", "改动"),
    "signature.valid": ("signature", "签名"),
    "signer.trusted": ("signer", "签名者"),
    "signer.not_expired": ("certificate's term", "证书期限"),
    "timestamp": ("timestamp", "时间戳"),
    "ingredient": ("an ingredient", "素材"),
    "record.found": ("records", "记录"),
    "record.agrees": ("agreement with the records", "与记录是否一致"),
    "log.inclusion": ("audit log", "审计日志"),
    "licence.today": ("licences today", "许可现状"),
    "dispute": ("disputes", "争议"),
    "key.revoked": ("the signing key today", "签名密钥现状"),
}
_KINDS: Mapping[str, tuple[str, str]] = {
    "style": ("style", "风格"),
    "adapter": ("adapter", "适配器"),
    "work": ("work", "作品"),
    "image": ("image", "图像"),
    "mask": ("mask", "蒙版"),
}
_BASES: Mapping[str, tuple[str, str]] = {
    "grant": ("a grant", "授权"),
    "open-licence": ("an open licence", "开放许可"),
    "own-work": ("own work", "自有作品"),
    "model-licence": ("the model's licence", "模型许可"),
    "public-domain": ("public domain", "公有领域"),
}
_MAKING: Mapping[Making, tuple[str, str]] = {
    "generated": ("yes, wholly", "是，全部"),
    "composite": ("yes, over an input picture", "是，基于输入图片"),
    "from_generated": ("something that it was made from was", "其素材是"),
    "captured": ("not stated; captured by a camera or scanner", "未说明；由相机或扫描仪拍摄"),
    "drawn": ("not stated; made with software", "未说明；由软件制作"),
    "not_stated": ("not stated", "未说明"),
}


def printed(verdict: Verdict, *, name: str, language: str, is_coloured: bool) -> str:
    """Return the verdict as lines of text; nothing in it can steer the terminal."""
    page = _Page(language=language, is_coloured=is_coloured)
    page.paragraph(plain_text(name, longest=200), style="1")
    page.paragraph(verdict.summary(language), style=f"1;{_COLOURS[verdict.outcome]}")
    if verdict.facts is not None:
        page.heading("says")
        if verdict.outcome == "failed":
            page.paragraph(page.word("unsound"), style="31", first="  ", rest="  ")
        for label, value in _statements(verdict, verdict.facts, page):
            page.pair(label, value)
    page.heading("checks")
    _checks(verdict, page)
    names = ", ".join(verdict.trust.names) or page.word("nobody")
    page.line()
    page.paragraph(page.word("library").format(verdict.library_version, plain_text(names)), style="2")
    return "\n".join(page.lines) + "\n"


class _Page:
    def __init__(self, *, language: str, is_coloured: bool) -> None:
        self.lines: list[str] = []
        self.column = 1 if language == "zh-Hans" else 0
        self.language, self.is_coloured = language, is_coloured

    def word(self, key: str) -> str:
        return _WORDS[key][self.column]

    def painted(self, style: str, text: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self.is_coloured else text

    def line(self, text: str = "") -> None:
        self.lines.append(text)

    def paragraph(self, text: str, *, style: str, first: str = "", rest: str = "") -> None:
        for row in _wrapped(text, first=first, rest=rest):
            self.line(self.painted(style, row) if style else row)

    def heading(self, key: str) -> None:
        self.line()
        self.line(self.painted("1", self.word(key)))

    def pair(self, label: str, value: str) -> None:
        shown = plain_text(value, longest=LONGEST_VALUE)
        padded = self.word(label) + " " * max(1, 17 - _columns(self.word(label)))
        for row in _wrapped(shown, first="  " + padded, rest=" " * 19):
            self.line(row)


def _statements(verdict: Verdict, facts: Facts, page: _Page) -> Iterator[tuple[str, str]]:
    yield "signer", signer_name(verdict.signer)
    yield from _filled("made_at", facts.made_at)
    yield "making", _MAKING[facts.making][page.column]
    yield from _prompt(facts, page)
    yield from _filled("model", _joined(facts.model, "name", "identifier", "revision", "licence"))
    for reference in facts.references:
        yield "references", _joined(_named(reference, "kind", page), "kind", "name", "licence", "url")
    for picture in facts.inputs:
        yield "inputs", _joined(_named(picture, "role", page), "role", "name", "licence")
    for credit in facts.credits:
        yield "credits", credit
    yield from _filled("seed", facts.seed)
    yield from _filled("settings", ", ".join(f"{name} {value}" for name, value in facts.settings.items()))
    for line in facts.basis:
        stated = str(line.get("basis", ""))
        named = _BASES.get(stated, (stated, stated))[page.column]
        yield "basis", _joined({**line, "basis": named}, "subject", "basis", "licence")
    yield from _filled("log", _joined(facts.log, "origin", "leaf_hash"))
    yield from _filled("generator", facts.generator)


def _prompt(facts: Facts, page: _Page) -> Iterator[tuple[str, str]]:
    disclosure = facts.prompt.get("disclosure", "")
    if disclosure == "committed":
        yield "prompt", page.word("committed").format(facts.prompt.get("commitment", ""))
    elif disclosure == "private":
        yield "prompt", page.word("private")
    else:
        yield from _filled("prompt", facts.prompt.get("text", ""))
        yield from _filled("negative", facts.prompt.get("negative_text", ""))


def _filled(label: str, value: str) -> Iterator[tuple[str, str]]:
    if value:
        yield label, value


def _named(mapping: Mapping[str, Any], key: str, page: _Page) -> Mapping[str, Any]:
    words = _KINDS.get(str(mapping.get(key)), ("", ""))
    return {**mapping, key: words[page.column]}


def _joined(mapping: Mapping[str, Any], *names: str) -> str:
    return " · ".join(str(mapping[name]) for name in names if mapping.get(name))


def _checks(verdict: Verdict, page: _Page) -> None:
    telling = _TELLING if verdict.facts is not None else {"manifest.present"}
    quiet = []
    for check in verdict.checks:
        if check.result == "not_checked" and check.code not in telling:
            quiet.append(plain_text(check.subject, longest=80) or _LABELS[check.code][page.column])
            continue
        mark, style = _MARKS[check.result]
        painted = style if check.result == "failed" else ""
        page.paragraph(check.said(page.language), style=painted, first=f"  {mark} ", rest="    ")
        for code in _codes(check):
            page.line(page.painted("2", f"      {code}"))
    if quiet:
        listed = page.word("quiet").format(page.word("comma").join(quiet))
        page.paragraph(listed, style="2", first="  · ", rest="    ")


def _codes(check: Check) -> Iterator[str]:
    if check.result == "failed":
        codes = (plain_text(str(one.get("code", ""))) for one in check.evidence.get("findings", ()))
        yield from dict.fromkeys(codes)
        if said := check.evidence.get("library_said"):
            yield plain_text(str(said), longest=200)
    elif url := check.evidence.get("url"):
        yield plain_text(str(url), longest=300)


def _wrapped(text: str, *, first: str, rest: str) -> list[str]:
    rows, row, is_empty = [], first, True
    for token in _tokens(text):
        if not is_empty and _columns(row + token.rstrip()) > WIDTH:
            rows.append(row.rstrip())
            row = rest
        row += token
        is_empty = False
    return [*rows, row.rstrip()]


def _tokens(text: str) -> Iterator[str]:
    """Yield what a line may break after: a word, or a single wide character with its punctuation."""
    for token in re.findall(r"[^\s\u2e80-\uffef]+[、。，；：）]*\s*|.[、。，；：）]*\s*", text):
        yield from (token[start : start + LONGEST_TOKEN] for start in range(0, len(token), LONGEST_TOKEN))


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
