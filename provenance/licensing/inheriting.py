"""The terms that travel from what a picture was made with to the picture itself.

That conditions travel to generated pictures is Colophon's cautious policy; the law on it is unsettled, and Creative
Commons itself calls it likely more than its licences demand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from provenance.licensing.constraints import POSITIVE, PURPOSE, RECIPIENT, SPATIAL, Constraint
from provenance.licensing.credits import licence_name
from provenance.licensing.declared import PURPOSES_ZH
from provenance.licensing.terms import COMMERCIALIZE, EVERY_USE, Duty, Terms
from provenance.licensing.terms import NON_COMMERCIAL as NOT_FOR_SALE

SHARE_ALIKE, NON_COMMERCIAL, USE_RESTRICTIONS = "nextPolicy", "gen:nonCommercial", "gen:useRestrictions"
TRAVELS = frozenset({SHARE_ALIKE, NON_COMMERCIAL, USE_RESTRICTIONS})
"""Duties that bind whoever uses the picture next; credits and notices go with it in its bundle."""
LIMITS = frozenset({PURPOSE, SPATIAL, RECIPIENT})
"""Operands whose constraints bind the picture too: for what, where and by whom it may be used."""
SEVERAL = "LicenseRef-Colophon-Several"
"""Conditions of several licences that no single licence of theirs meets."""
POLICY = {
    "en": "That conditions travel to the picture is Colophon's cautious policy; the law on it is unsettled.",
    "zh-Hans": "条件随图片传递是 Colophon 的谨慎政策；相关法律尚无定论。",
}


def inherited_terms(decision: Mapping[str, Any]) -> Terms | None:
    """Return the terms that a recorded decision lays on its pictures; None where nothing travels.

    What the prompt merely names was decided on and not used, so nothing travels from it.
    """
    used = [answer for answer in decision["references"] if answer["found_in"] == "declared" and answer["permitted"]]
    return together([_travelling(answer) for answer in used])


def _travelling(answer: Mapping[str, Any]) -> Terms:
    """Return what of an answer's terms travels; a missing permission to commercialise becomes the duty not to."""
    duties = [Duty.from_json(duty) for duty in answer["duties"] if duty["action"] in TRAVELS]
    may_sell = bool(answer.get("commercial", True))  # decisions from before it was recorded say it by a duty alone
    if not may_sell and all(duty.action != NON_COMMERCIAL for duty in duties):
        duties.append(NOT_FOR_SALE)
    limits = (Constraint.from_json(one) for one in answer.get("constraints", ()))
    return Terms(
        licence=str(answer["licence"]),
        permissions=EVERY_USE,
        duties=tuple(duties),
        constraints=tuple(one for one in limits if one.left_operand in LIMITS),
    )


def together(sources: Iterable[Terms]) -> Terms | None:
    """Return the terms under which a picture made with, or like, all of some sources stands; None where none bind."""
    binding = [terms for terms in sources if terms.duties or terms.constraints]
    if not binding:
        return None
    duties = _once(duty for terms in binding for duty in terms.duties)
    may_sell = all(duty.action != NON_COMMERCIAL for duty in duties)
    return Terms(
        licence=_licence(binding),
        permissions=EVERY_USE if may_sell else EVERY_USE - {COMMERCIALIZE},
        duties=duties,
        constraints=tuple(dict.fromkeys(limit for terms in binding for limit in terms.constraints)),
    )


def _licence(sources: Sequence[Terms]) -> str:
    """Return the licence that the picture is to be offered under: the one that is shared alike, or all in one name."""
    alike = {terms.licence for terms in sources if SHARE_ALIKE in _asked(terms)}
    if len(alike) == 1:
        met = set().union(*(_asked(terms) for terms in sources if terms.licence in alike))
        if all(_asked(terms) <= met for terms in sources):
            return alike.pop()
    every = {terms.licence for terms in sources}
    return every.pop() if len(every) == 1 else SEVERAL


def _asked(terms: Terms) -> set[str | Constraint]:
    return {*(duty.action for duty in terms.duties), *terms.constraints}


def _once(duties: Iterable[Duty]) -> tuple[Duty, ...]:
    found: dict[str, Duty] = {}
    for duty in duties:
        found.setdefault(duty.action, duty)
    return tuple(found.values())


def conditions(terms: Terms | None) -> dict[str, str]:
    """Return what inherited terms ask of whoever uses the picture, in both languages; empty where they ask nothing."""
    if terms is None:
        return {"en": "", "zh-Hans": ""}
    name = "" if terms.licence == SEVERAL else licence_name(terms.licence)
    under_en, under_zh = (f" ({name})", f"（{name}）") if name else ("", "")
    limits = [_limit(one) for one in terms.constraints]
    return {
        "en": " ".join([*(duty.en for duty in terms.duties), *(en for en, _ in limits)]) + under_en,
        "zh-Hans": "".join([*(duty.zh for duty in terms.duties), *(zh for _, zh in limits)]) + under_zh,
    }


def conditions_and_policy(terms: Terms | None) -> dict[str, str] | None:
    """Return what inherited terms ask, and that this is our policy, in both languages; None where nothing travelled."""
    if terms is None:
        return None
    asked = conditions(terms)
    return {"en": f"{asked['en']} {POLICY['en']}", "zh-Hans": asked["zh-Hans"] + POLICY["zh-Hans"]}


def _limit(constraint: Constraint) -> tuple[str, str]:
    """Return a limit as people read it; recipients are not named, for the picture goes to strangers."""
    is_only, values = constraint.operator in POSITIVE, constraint.right_operand
    if constraint.left_operand == RECIPIENT:
        return (
            ("Only for the recipients that its terms name.", "仅供其条款所列的接收方使用。")
            if is_only
            else ("Not for the recipients that its terms exclude.", "不得供其条款排除的接收方使用。")
        )
    if constraint.left_operand == SPATIAL:
        en, zh = ", ".join(values), "、".join(values)
        return (
            (f"Only in these territories: {en}.", f"仅限在以下地域使用：{zh}。")
            if is_only
            else (f"Not in these territories: {en}.", f"不得在以下地域使用：{zh}。")
        )
    en, zh = ", ".join(values), "、".join(PURPOSES_ZH.get(value, value) for value in values)
    return (
        (f"Only for these purposes: {en}.", f"仅限用于以下目的：{zh}。")
        if is_only
        else (f"Not for these purposes: {en}.", f"不得用于以下目的：{zh}。")
    )
