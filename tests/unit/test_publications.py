"""Every publication of an offer, each held against the vocabulary of the standard that it follows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.licensing.declared import BROADER_PURPOSES
from provenance.licensing.forms import OfferForm, terms_in
from provenance.licensing.money import Money
from provenance.licensing.publications import odrl, reservations, rsl
from provenance.licensing.publications.published import Published
from provenance.licensing.terms import COMMERCIALIZE, EVERY_USE, OPEN_LICENCES, TRAIN, USE_STYLE, Price, Terms

ODRL_ACTIONS = {"derive", "attribute", "nextPolicy", "obtainConsent", "ensureExclusivity", "cc:CommercialUse"}
ODRL_OPERANDS = {"purpose", "spatial", "recipient", "dateTime", "count", "payAmount", "unitOfCount"}
ODRL_OPERATORS = {
    "eq", "gt", "gteq", "lt", "lteq", "neq", "isA", "hasPart", "isPartOf", "isAllOf", "isAnyOf", "isNoneOf",
}  # fmt: skip
RSL_USAGES = {"all", "ai-all", "ai-train", "ai-input", "ai-index", "search"}
RSL_USERS = {"commercial", "non-commercial", "education", "government", "personal"}
RSL_PAYMENTS = {"purchase", "subscription", "training", "crawl", "use", "contribution", "attribution", "free"}
PLUS_CODES = {
    "DMI-UNSPECIFIED", "DMI-ALLOWED", "DMI-PROHIBITED-AIMLTRAINING", "DMI-PROHIBITED-GENAIMLTRAINING",
    "DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING", "DMI-PROHIBITED", "DMI-PROHIBITED-SEECONSTRAINT",
    "DMI-PROHIBITED-SEEEMBEDDEDRIGHTSEXPR", "DMI-PROHIBITED-SEELINKEDRIGHTSEXPR",
}  # fmt: skip
CAWG_ENTRIES = {"cawg.ai_generative_training", "cawg.ai_training", "cawg.ai_inference", "cawg.data_mining"}
RSL = "{https://rslstandard.org/rsl}"


def published(terms: Terms, **more: Any) -> Published:
    values: dict[str, Any] = {
        "id": "6f1c", "url": "https://c.example/licences/6f1c", "subject_kind": "work", "subject_id": "77",
        "subject_url": "https://c.example/api/v1/works/77", "name": "Wave <&>", "name_zh": "水墨",
        "party": "Ada & Söhne", "party_id": "aa",
        "is_organisation": False, "is_open": True, "terms": terms, "terms_digest": terms.digest(), "version": 2,
        "state": "standing", "published_at": datetime(2026, 11, 25, tzinfo=UTC),
    }  # fmt: skip
    return Published(**{**values, **more})


FULL = terms_in(
    OfferForm(
        permissions=tuple(EVERY_USE - {TRAIN}), prohibitions=(TRAIN,), purposes=("editorial", "education"),
        territories=("EU", "JP"), no_territories=("FR",), recipients=("Acme",), count=9,
        starts_at=datetime(2026, 1, 1, tzinfo=UTC), ends_at=datetime(2027, 1, 1, tzinfo=UTC),
        price=Price(Money(1234, "EUR"), "image"), attribution="© Ada <b>", attribution_url="https://ada.example",
        share_alike=True, label=True, retain_credentials=True, approval=True, exclusive=True, content_rating="teen",
        max_similarity=80,
    )
)  # fmt: skip
every_terms = st.sampled_from([FULL, *OPEN_LICENCES.values()]) | st.builds(
    lambda permissions, purposes, price: terms_in(
        OfferForm(permissions=(USE_STYLE, *permissions), purposes=purposes, price=price)
    ),
    st.lists(st.sampled_from(sorted(EVERY_USE)), max_size=4).map(tuple),
    st.lists(st.sampled_from(sorted(BROADER_PURPOSES)), max_size=2).map(tuple),
    st.none()
    | st.builds(
        Price,
        st.builds(Money, st.integers(0, 10**9), st.sampled_from(["EUR", "JPY", "KWD"])),
        st.sampled_from(["image", "flat"]),
    ),
)


def every(value: Any, key: str) -> list[Any]:
    """Return everything that stands under a key, however deep."""
    if isinstance(value, dict):
        found = [value[key]] if key in value else []
        return found + [one for inner in value.values() for one in every(inner, key)]
    return [one for inner in value for one in every(inner, key)] if isinstance(value, list) else []


def is_known(word: str, known: set[str]) -> bool:
    return word in known or word.startswith(("gen:", "c2pa:"))


@given(every_terms)
def test_odrl_speaks_its_vocabulary_and_our_profile_alone(terms: Terms) -> None:
    policy = odrl.policy(published(terms))
    assert policy["@context"][0] == "http://www.w3.org/ns/odrl.jsonld" and policy["@type"] == "Offer"
    assert policy["uid"] and policy["profile"] and len(policy["permission"]) == len(terms.permissions)
    named = [one for one in every(policy, "action") if isinstance(one, str)]
    assert all(is_known(one, ODRL_ACTIONS) for one in named), named
    assert all(is_known(one, ODRL_OPERANDS) for one in every(policy, "leftOperand"))
    assert set(every(policy, "operator")) <= ODRL_OPERATORS
    assert all("target" in rule and "assigner" in rule for rule in policy["permission"])


def test_odrl_says_everything_that_the_terms_say() -> None:
    policy = odrl.policy(published(FULL))
    rule = policy["permission"][0]
    by_operand = {one["leftOperand"]: one for one in rule["constraint"] if one["operator"] != "isNoneOf"}
    assert by_operand["count"]["rightOperand"] == {"@value": "9", "@type": "xsd:integer"}
    assert by_operand["spatial"]["rightOperand"] == ["urn:iso:std:iso:3166:EU", "urn:iso:std:iso:3166:JP"]
    assert by_operand["gen:maxSimilarity"]["unit"] == "gen:percent" and len(rule["constraint"]) == len(FULL.constraints)
    pay = next(duty["action"][0] for duty in rule["duty"] if isinstance(duty["action"], list))
    assert pay["refinement"][0]["rightOperand"]["@value"] == "12.34"
    assert pay["refinement"][0]["unit"] == "urn:iso:std:iso:4217:EUR"
    assert policy["prohibition"][0]["action"] == "gen:aiTrain" and policy["obligation"][0]["action"]


@given(every_terms)
def test_rsl_speaks_its_vocabulary(terms: Terms) -> None:
    root = ElementTree.fromstring(rsl.document([published(terms)]))
    assert root.tag == f"{RSL}rsl"
    (content,) = root
    assert content.get("url") == "https://c.example/api/v1/works/77"
    licence = content.find(f"{RSL}license")
    assert licence is not None
    for element in licence:
        tokens = set((element.text or "").split())
        known = {"usage": RSL_USAGES, "user": RSL_USERS}.get(element.get("type", ""))
        if element.tag in {f"{RSL}permits", f"{RSL}prohibits"} and known:
            assert tokens and tokens <= known
        if element.tag == f"{RSL}payment":
            assert element.get("type") in RSL_PAYMENTS
    assert content.findtext(f"{RSL}terms") == "https://c.example/licences/6f1c"
    assert content.findtext(f"{RSL}copyright") == "Ada & Söhne"


@given(every_terms)
def test_rsl_never_permits_what_the_terms_do_not(terms: Terms) -> None:
    root = ElementTree.fromstring(rsl.document([published(terms)]))
    permitted = {token for one in root.iter(f"{RSL}permits") if one.get("type") == "usage"
                 for token in (one.text or "").split()}  # fmt: skip
    prohibited = {token for one in root.iter(f"{RSL}prohibits") if one.get("type") == "usage"
                  for token in (one.text or "").split()}  # fmt: skip
    assert permitted.isdisjoint(prohibited) and permitted | prohibited == {"ai-train", "ai-input"}
    assert ("ai-train" in permitted) <= (TRAIN in terms.permissions)
    users = [one.text for one in root.iter(f"{RSL}permits") if one.get("type") == "user"]
    assert COMMERCIALIZE in terms.permissions or users in (["non-commercial"], [])


def test_a_price_is_told_in_the_currencys_own_units() -> None:
    for price, kind, amount in (
        (Price(Money(5, "EUR"), "image"), "use", "0.05"),
        (Price(Money(500, "JPY"), "flat"), "purchase", "500"),
        (Price(Money(1, "KWD"), "image"), "use", "0.001"),
    ):
        root = ElementTree.fromstring(rsl.document([published(replace(FULL, price=price))]))
        (payment,) = root.iter(f"{RSL}payment")
        (found,) = root.iter(f"{RSL}amount")
        assert (payment.get("type"), found.text, found.get("currency")) == (kind, amount, price.money.currency)


@given(every_terms, st.booleans())
def test_cawg_and_plus_speak_their_vocabularies(terms: Terms, is_open: bool) -> None:
    offer = published(terms, is_open=is_open)
    said = reservations.training_mining(offer)
    entries = said["data"]["entries"]
    assert said["label"] == "cawg.training-mining" and entries.keys() == CAWG_ENTRIES
    assert {entry["use"] for entry in entries.values()} <= {"allowed", "notAllowed", "constrained"}
    assert all(("constraint_info" in entry) == (entry["use"] == "constrained") for entry in entries.values())
    base, _, code = reservations.plus_data_mining(offer).rpartition("/")
    assert base == "http://ns.useplus.org/ldf/vocab" and code in PLUS_CODES
    sees = "plus:OtherConstraints" in reservations.xmp_properties(offer)
    assert sees == (code == "DMI-PROHIBITED-SEECONSTRAINT")


@pytest.mark.parametrize(
    ("licence", "is_open", "use", "code"),
    [
        ("CC0-1.0", True, "allowed", "DMI-ALLOWED"),
        ("CC0-1.0", False, "constrained", "DMI-PROHIBITED-SEECONSTRAINT"),
        ("CC-BY-4.0", True, "constrained", "DMI-PROHIBITED-SEECONSTRAINT"),
        ("CC-BY-ND-4.0", True, "notAllowed", "DMI-PROHIBITED-AIMLTRAINING"),
    ],
)
def test_all_of_them_say_the_same_of_training(licence: str, is_open: bool, use: str, code: str) -> None:
    offer = published(OPEN_LICENCES[licence], is_open=is_open)
    assert reservations.training_mining(offer)["data"]["entries"]["cawg.ai_training"]["use"] == use
    assert reservations.plus_data_mining(offer).endswith(code)
    is_free = use == "allowed"
    assert reservations.content_usage(offer) == f"train-ai={'y' if is_free else 'n'}"
    listed, rest = reservations.tdm_declarations([("/works/77", offer)])
    assert listed["tdm-reservation"] == (0 if is_free else 1) and listed["location"] == "/works/77"
    assert rest == {"location": "/*", "tdm-reservation": 1}


def test_robots_name_the_licences_and_the_preference() -> None:
    lines = reservations.robots(licence_url="https://c.example/licences.xml", usage="train-ai=n").splitlines()
    assert "License: https://c.example/licences.xml" in lines and "Content-Usage: train-ai=n" in lines
