"""Offers as Really Simple Licensing 1.0 (rslstandard.org/rsl, 2025)."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree

from provenance.licensing.constraints import PURPOSE, SPATIAL, Constraint
from provenance.licensing.declared import REGIONS, broader
from provenance.licensing.publications.published import Published
from provenance.licensing.terms import COMMERCIALIZE, DERIVE, TRAIN, USE_ADAPTER, USE_STYLE, Terms

NAMESPACE = "https://rslstandard.org/rsl"
MEDIA_TYPE = "application/rsl+xml"
USAGES = {TRAIN: "ai-train", USE_STYLE: "ai-input", USE_ADAPTER: "ai-input", DERIVE: "ai-input"}
"""What of our actions RSL has a word for; naming a style in a prompt is none of them."""
USERS = {one: one for one in ("commercial", "non-commercial", "education", "personal")}
"""Which of our purposes RSL has a word for."""


def document(offers: Iterable[Published]) -> bytes:
    """Return an RSL document with one content element for each offer."""
    root = ElementTree.Element("rsl", {"xmlns": NAMESPACE})
    for published in offers:
        _content(root, published)
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _content(root: ElementTree.Element, published: Published) -> None:
    terms = published.terms
    content = ElementTree.SubElement(
        root, "content", {"url": published.subject_url, "lastmod": published.published_at.isoformat()}
    )
    licence = ElementTree.SubElement(content, "license")
    permitted = usages(terms)
    _tokens(licence, "permits", "usage", permitted)
    _tokens(licence, "prohibits", "usage", sorted({"ai-train", "ai-input"} - set(permitted)))
    for tag, users in _users(terms).items():
        _tokens(licence, tag, "user", users or [])
    for tag, places in _places(terms.constraints):
        _tokens(licence, tag, "geo", places)
    _payment(licence, published)
    kind = "organization" if published.is_organisation else "person"
    ElementTree.SubElement(content, "copyright", {"type": kind}).text = published.party
    ElementTree.SubElement(content, "terms").text = published.url


def usages(terms: Terms) -> list[str]:
    """Return which of RSL's usages some terms permit at all; an offer that is taken one by one permits on payment."""
    if _users(terms)["permits"] == []:
        return []  # for purposes alone that RSL cannot name: the terms' own page can
    return sorted({USAGES[one] for one in terms.permissions if one in USAGES})


def _users(terms: Terms) -> dict[str, list[str] | None]:
    """Return RSL's user tokens for what is permitted and prohibited; None where the terms do not say.

    A purpose that RSL has no word for is left out of what is permitted, and prohibits all that is broader.
    """
    permitted: set[str] | None = None if COMMERCIALIZE in terms.permissions else {"non-commercial"}
    prohibited: set[str] = set()
    for one in terms.constraints:
        if one.left_operand == PURPOSE and one.operator in {"isAnyOf", "eq", "isPartOf", "isA"}:
            named = {USERS[purpose] for purpose in one.right_operand if purpose in USERS}
            permitted = named if permitted is None else permitted & named
        elif one.left_operand == PURPOSE:
            prohibited |= {USERS.get(purpose) or next(USERS[up] for up in broader(purpose) if up in USERS)
                           for purpose in one.right_operand}  # fmt: skip
    return {"permits": None if permitted is None else sorted(permitted), "prohibits": sorted(prohibited)}


def _places(constraints: Iterable[Constraint]) -> list[tuple[str, list[str]]]:
    tags = {"isAnyOf": "permits", "isNoneOf": "prohibits"}
    return [
        (
            tags[one.operator],
            sorted({country for place in one.right_operand for country in REGIONS.get(place, {place})}),
        )
        for one in constraints
        if one.left_operand == SPATIAL and one.operator in tags
    ]


def _payment(licence: ElementTree.Element, published: Published) -> None:
    """RSL's payment types: free, attribution, use (each inference), purchase (once)."""
    price, terms = published.terms.price, published.terms
    if price:
        payment = ElementTree.SubElement(licence, "payment", {"type": "use" if price.per == "image" else "purchase"})
        amount = ElementTree.SubElement(payment, "amount", {"currency": price.money.currency})
        amount.text = price.money.written().split()[0]
    else:
        asks_credit = any(duty.action == "attribute" for duty in terms.duties)
        payment = ElementTree.SubElement(licence, "payment", {"type": "attribution" if asks_credit else "free"})
    if terms.url:
        ElementTree.SubElement(payment, "standard").text = terms.url
    else:
        ElementTree.SubElement(payment, "custom").text = published.url


def _tokens(parent: ElementTree.Element, tag: str, kind: str, tokens: list[str]) -> None:
    if tokens:
        ElementTree.SubElement(parent, tag, {"type": kind}).text = " ".join(tokens)
