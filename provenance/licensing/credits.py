"""The line that people read: what a picture was made with, and whom that credits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provenance.licensing.terms import BY_GRANT, MODEL_LICENCES, OPEN_LICENCES, Duty, naming_nobody


def licence_name(licence: str) -> str:
    """Return a licence as people know it, such as "CC BY 4.0"; the id itself for others, nothing for a grant."""
    if licence == BY_GRANT:
        return ""
    known = OPEN_LICENCES.get(licence) or MODEL_LICENCES.get(licence)
    return known.name if known and known.name else licence


def licence_url(licence: str) -> str:
    """Return where a licence can be read; empty for one of our own."""
    known = OPEN_LICENCES.get(licence) or MODEL_LICENCES.get(licence)
    return known.url if known else ""


def style_credit(*, style: str, style_zh: str = "", author: str, licence: str) -> dict[str, str]:
    """Return the credit for a style in both languages; it never says that the author made the picture."""
    name = licence_name(licence)
    terms_en, terms_zh = (f", {name}", f"，{name}") if name else ("", "")
    called = style_zh or style
    called = called if called.endswith("风格") else f"{called} 风格"
    return {
        "en": f"Made with {style}, trained on works by {author}{terms_en}; "
        f"{author} did not make or endorse this image.",
        "zh-Hans": f"使用 {called}生成，该风格以 {author} 的作品训练{terms_zh}；{author} 并未创作或认可此图像。",
    }


def work_credit(*, title: str, author: str, licence: str) -> dict[str, str]:
    """Return the credit for a work that went into a picture, in both languages."""
    name = licence_name(licence)
    terms_en, terms_zh = (f", {name}", f"，{name}") if name else ("", "")
    return {
        "en": f"Uses “{title}” by {author}{terms_en}, changed; {author} did not make or endorse this image.",
        "zh-Hans": f"使用了 {author} 的《{title}》{terms_zh}，有改动；{author} 并未创作或认可此图像。",
    }


def credited_to(author: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recorded answer with another credit, one of whose authors is not named, nor whose it is."""
    duties = naming_nobody(Duty.from_json(duty) for duty in answer["duties"])
    return {**answer, "author": author, "owner": "", "duties": [duty.as_json() for duty in duties]}


def without_names(decision: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recorded decision without what was found in the prompt, for those who may not read that."""
    kept = [answer for answer in decision["references"] if answer["found_in"] == "declared"]
    return {**decision, "references": kept}


def credits_of(decision: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the credit lines that a recorded decision asks for, each once.

    What the prompt merely names is decided on but not credited: nothing was made with it.
    """
    declared = [answer for answer in decision["references"] if answer["found_in"] == "declared"]
    used = [answer for answer in declared if answer["name"]]  # one without a name was erased at its owner's request
    lines = [_credit(answer) for answer in used if answer["kind"] != "model"]
    return [line for index, line in enumerate(lines) if line not in lines[:index]]


def _credit(answer: Mapping[str, Any]) -> dict[str, str]:
    values = {"author": answer["author"], "licence": answer["licence"]}
    if answer["kind"] == "work":
        return work_credit(title=answer["name"], **values)
    return style_credit(style=answer["name"], style_zh=answer.get("name_zh", ""), **values)
