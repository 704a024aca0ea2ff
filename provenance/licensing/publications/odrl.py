"""An offer as an ODRL 2.2 policy in JSON-LD (W3C Recommendations odrl-model and odrl-vocab, 2018)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provenance.licensing.constraints import COUNT, DATE_TIME, SPATIAL, Constraint
from provenance.licensing.publications.published import Published
from provenance.licensing.terms import COMMERCIALIZE, TRAIN, Duty, Price

CONTEXT = "http://www.w3.org/ns/odrl.jsonld"
PREFIXES: Mapping[str, str] = {
    "cc": "http://creativecommons.org/ns#",
    "dcterms": "http://purl.org/dc/terms/",
    "gen": "urn:colophon:gen:",
    "c2pa": "urn:colophon:c2pa:",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
"""Words that ODRL lacks stand under gen: and c2pa:, in a profile of this program."""
PROFILE = "urn:colophon:odrl-profile:1"
_ACTIONS = {COMMERCIALIZE: "cc:CommercialUse", TRAIN: "gen:aiTrain"}
_TYPED = {DATE_TIME: "xsd:dateTime", COUNT: "xsd:integer"}


def policy(published: Published) -> dict[str, Any]:
    """Return an offer as an ODRL policy of type Offer, with every condition on each of its rules."""
    terms = published.terms
    shared = {"target": published.subject_url, "assigner": _party(published)}
    constraints = [_constraint(one) for one in terms.constraints]
    duties = [_duty(duty) for duty in terms.duties]
    if terms.price:
        duties.append(_compensate(terms.price))
    limits = {"constraint": constraints} if constraints else {}
    asked = {"duty": duties} if duties else {}
    rules: dict[str, Any] = {
        "permission": [{**shared, "action": action(one), **limits, **asked} for one in sorted(terms.permissions)],
    }
    if terms.prohibitions:
        rules["prohibition"] = [{**shared, "action": action(one)} for one in sorted(terms.prohibitions)]
    if terms.is_exclusive:
        rules["obligation"] = [{**shared, "action": "ensureExclusivity"}]
    return {
        "@context": [CONTEXT, dict(PREFIXES)],
        "@type": "Offer",
        "uid": published.url,
        "profile": PROFILE,
        "dcterms:identifier": published.id,
        "dcterms:license": terms.url or terms.licence,
        "dcterms:hasVersion": str(published.version),
        "dcterms:issued": published.published_at.isoformat(),
        "dcterms:title": published.name,
        "gen:termsDigest": published.terms_digest,
        "gen:state": published.state,
        **({"dcterms:replaces": published.replaces} if published.replaces else {}),
        **({"dcterms:isReplacedBy": published.replaced_by} if published.replaced_by else {}),
        **rules,
    }


def action(name: str) -> str:
    """Return one of our actions as ODRL, Creative Commons or our own profile names it."""
    return _ACTIONS.get(name, name)


def _party(published: Published) -> dict[str, str]:
    kind = "Organization" if published.is_organisation else "Individual"
    return {"@type": kind, "uid": f"urn:uuid:{published.party_id}", "dcterms:title": published.party}


def _constraint(constraint: Constraint) -> dict[str, Any]:
    values: list[Any] = [_value(constraint, one) for one in constraint.right_operand]
    said: dict[str, Any] = {
        "leftOperand": constraint.left_operand,
        "operator": constraint.operator,
        "rightOperand": values if constraint.operator in {"isAnyOf", "isNoneOf"} else values[0],
    }
    return {**said, "unit": f"gen:{constraint.unit}"} if constraint.unit else said


def _value(constraint: Constraint, value: str) -> Any:
    if kind := _TYPED.get(constraint.left_operand):
        return {"@value": value, "@type": kind}
    return f"urn:iso:std:iso:3166:{value}" if constraint.left_operand == SPATIAL else value


def _duty(duty: Duty) -> dict[str, Any]:
    described = [{"@value": duty.en, "@language": "en"}, {"@value": duty.zh, "@language": "zh-Hans"}]
    said: dict[str, Any] = {"action": action(duty.action), "dcterms:description": described}
    if duty.text:
        said["gen:creditLine"] = duty.text
    if duty.url:
        said["gen:creditUrl"] = {"@id": duty.url}
    return said


def _compensate(price: Price) -> dict[str, Any]:
    """Return the duty to pay: an amount in the currency's own units, for each picture or once."""
    amount = price.money.written().removesuffix(f" {price.money.currency}")
    per = "gen:deliveredImage" if price.per == "image" else "gen:grant"
    refinements = [
        {
            "leftOperand": "payAmount",
            "operator": "eq",
            "rightOperand": {"@value": amount, "@type": "xsd:decimal"},
            "unit": f"urn:iso:std:iso:4217:{price.money.currency}",
        },
        {"leftOperand": "unitOfCount", "operator": "eq", "rightOperand": per},
    ]
    return {"action": [{"rdf:value": {"@id": "odrl:compensate"}, "refinement": refinements}]}
