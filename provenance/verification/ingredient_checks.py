"""The check of an ingredient: what its own credentials showed when it was taken in, and do now.

What could not be confirmed is never told as a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from provenance.credentials.reading import ELSEWHERE, Finding, IngredientRead
from provenance.verification.stamped import ENDED
from provenance.verification.verdict import Check

_UNNAMED = ("The ingredient, an unnamed picture,", "素材（未命名的图片）")


def ingredient_check(ingredient: IngredientRead) -> Check:
    """Return what is found of one ingredient: its own credentials then and now."""
    title = ingredient.title
    en, zh = (f"The ingredient {title}", f"素材 {title} ") if title else _UNNAMED
    evidence = {"manifest": ingredient.manifest_id, "label": ingredient.label}
    if ingredient.faults and all(one.code in ENDED for one in ingredient.faults):
        return Check(
            "ingredient",
            "not_checked",
            f"{en} had credentials whose certificate has ended, so their signature could not be confirmed. "
            "That does not mean that it was changed.",
            f"{zh}自身凭证的签名证书已到期，签名无法确认。这不表示它被改动过。",
            evidence | evidence_of(ingredient.faults),
            subject=title,
        )
    if ingredient.faults:
        return Check(
            "ingredient",
            "failed",
            f"{en} was not as it was signed when it was used, or its own credentials are broken.",
            f"{zh}在使用时已与其签名时不一致，或其自身凭证已损坏。",
            evidence | evidence_of(ingredient.faults),
            subject=title,
        )
    if any(one.code == ELSEWHERE for one in ingredient.findings):
        return Check(
            "ingredient",
            "not_checked",
            f"{en} had its credentials kept elsewhere when it was used; they were not fetched.",
            f"{zh}在使用时其凭证保存在别处，未去获取。",
            evidence | evidence_of(one for one in ingredient.findings if one.code == ELSEWHERE),
            subject=title,
        )
    if not ingredient.own_manifest_id and not any(one.weight == "success" for one in ingredient.findings):
        return Check(
            "ingredient",
            "not_checked",
            f"{en} is named in the signed credentials and carries none of its own to check.",
            f"{zh}已列入签名的凭证，其自身不带可核验的凭证。",
            evidence,
            subject=title,
        )
    return Check(
        "ingredient",
        "passed",
        f"{en} is unchanged since it was signed."
        + (" Its signer is not on the list of trusted signers." if ingredient.is_untrusted else ""),
        f"{zh}自签名以来未被改动。" + ("其签名者不在可信签名者名单中。" if ingredient.is_untrusted else ""),
        evidence | {"own_manifest": ingredient.own_manifest_id},
        subject=title,
    )


def evidence_of(findings: Iterable[Finding]) -> dict[str, Any]:
    """Return findings as a check's evidence holds them, each code once for a place."""
    return {"findings": list(_first_told(findings))}


def _first_told(findings: Iterable[Finding]) -> Iterator[dict[str, str]]:
    seen = set()
    for finding in findings:
        if (finding.code, finding.uri) not in seen:
            seen.add((finding.code, finding.uri))
            yield finding.as_json()
