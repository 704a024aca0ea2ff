"""The terms that travel from what a picture was made with to the picture itself.

That conditions travel to generated pictures is Colophon's cautious policy; the law on it is unsettled, and Creative
Commons itself calls it likely more than its licences demand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provenance.licensing.credits import licence_name
from provenance.licensing.terms import COMMERCIALIZE, EVERY_USE, Duty, Terms

SHARE_ALIKE, NON_COMMERCIAL, USE_RESTRICTIONS = "nextPolicy", "gen:nonCommercial", "gen:useRestrictions"
TRAVELS = frozenset({SHARE_ALIKE, NON_COMMERCIAL, USE_RESTRICTIONS})
"""Duties that bind whoever uses the picture next; credits and notices go with it in its bundle."""
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
    travelling = [answer for answer in used if any(duty["action"] in TRAVELS for duty in answer["duties"])]
    if not travelling:
        return None
    duties = _once(Duty.from_json(duty) for answer in travelling for duty in answer["duties"])
    kept = tuple(duty for duty in duties if duty.action in TRAVELS)
    may_sell = all(duty.action != NON_COMMERCIAL for duty in kept)
    return Terms(
        licence=_licence(travelling),
        permissions=EVERY_USE if may_sell else EVERY_USE - {COMMERCIALIZE},
        duties=kept,
    )


def _licence(answers: Iterable[Mapping[str, Any]]) -> str:
    """Return the licence that the picture is to be offered under: the one that is shared alike, or all in one name."""
    licences = [(str(answer["licence"]), {duty["action"] for duty in answer["duties"]}) for answer in answers]
    alike = {licence for licence, duties in licences if SHARE_ALIKE in duties}
    if len(alike) == 1 and all(duties & TRAVELS <= _of(alike, licences) for _, duties in licences):
        return alike.pop()
    every = {licence for licence, _ in licences}
    return every.pop() if len(every) == 1 else SEVERAL


def _of(licences: set[str], known: Iterable[tuple[str, set[str]]]) -> set[str]:
    return {action for licence, duties in known if licence in licences for action in duties}


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
    return {
        "en": " ".join(duty.en for duty in terms.duties) + under_en,
        "zh-Hans": "".join(duty.zh for duty in terms.duties) + under_zh,
    }
