"""``credits.txt`` of a download: whom a picture credits, on which terms, and the notices that go with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from provenance.licensing.credits import credits_of, licence_name, licence_url
from provenance.licensing.inheriting import POLICY, conditions, inherited_terms

TEXTS = Path(__file__).with_name("texts")
NOTICE, LICENCE_TEXT = "gen:notice", "gen:licenceText"
RULE = "-" * 72


def credits_text(decision: Mapping[str, Any], *, record: str) -> str:
    """Return the file in both languages: credit lines, licences and duties of all that was used, and their notices.

    ``record`` is where the record of the pictures can be read.
    """
    used = [answer for answer in decision["references"] if answer["found_in"] == "declared" and answer["name"]]
    return "\n".join(
        [*_said(decision, used, record, "en"), RULE, *_said(decision, used, record, "zh-Hans"), *_texts(used)]
    )


def _said(decision: Mapping[str, Any], used: Iterable[Mapping[str, Any]], record: str, language: str) -> Iterator[str]:
    is_zh = language == "zh-Hans"
    yield "署名与许可" if is_zh else "Credits and licences"
    yield ""
    yield from (
        (line[language] for line in credits_of(decision))
        if credits_of(decision)
        else (["无需署名。" if is_zh else "No credit is due."])
    )
    yield ""
    for answer in used:
        yield from _one(answer, is_zh=is_zh)
    asked = conditions(inherited_terms(decision))[language]
    if asked:
        yield "本图片的使用条件：" if is_zh else "Conditions on using the pictures:"
        yield f"  {asked}"
        yield f"  {POLICY[language]}"
        yield ""
    yield f"记录：{record}" if is_zh else f"Record: {record}"
    yield ""


def _one(answer: Mapping[str, Any], *, is_zh: bool) -> Iterator[str]:
    name, url = licence_name(answer["licence"]), licence_url(answer["licence"])
    on_terms = {"own-work": ("own work", "自己的作品"), "grant": ("by a grant", "依授权")}.get(answer["basis"])
    licence = on_terms[is_zh] if on_terms and not name else f"{name} {url}".strip()
    kind = {"model": ("Model", "模型"), "work": ("Work", "作品")}.get(answer["kind"], ("Style", "风格"))[is_zh]
    yield f"{kind}{'：' if is_zh else ': '}{answer['name']}"
    if answer["author"]:
        yield f"  {'作者：' if is_zh else 'Author: '}{answer['author']}"
    yield f"  {'许可：' if is_zh else 'Licence: '}{licence}"
    if answer["terms_digest"]:
        yield f"  {'条款摘要：' if is_zh else 'Terms digest: '}{answer['terms_digest']}"
    for duty in answer["duties"]:
        yield f"  - {duty['zh-Hans' if is_zh else 'en']}"
        yield from (f"    {duty[name]}" for name in ("text", "url") if duty.get(name))
    yield ""


def _texts(used: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the notices and licence texts that have to be passed on, each once."""
    told: set[str] = set()
    for answer in used:
        for duty in answer["duties"]:
            if duty["action"] not in {NOTICE, LICENCE_TEXT}:
                continue
            yield from (RULE, f"{answer['name']}: NOTICE", "", _notice(answer, duty), "")
            licence = answer["licence"]
            if licence not in told and (text := _licence_text(licence)):
                told.add(licence)
                yield from (RULE, licence_name(licence), "", text, "")


def _notice(answer: Mapping[str, Any], duty: Mapping[str, Any]) -> str:
    """Return the notice that the rightsholder gave, or the one that the record can make."""
    return duty.get("text") or f"Copyright (c) {answer['author'] or answer['owner'] or answer['name']}"


def _licence_text(licence: str) -> str:
    path = TEXTS / f"{licence}.txt"
    return path.read_text("utf-8") if licence in {"MIT", "Apache-2.0"} else ""
