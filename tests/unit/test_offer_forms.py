"""Terms from a form: what is filled in becomes ODRL's words, and what contradicts itself is told by its field."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from provenance.errors import Fault
from provenance.licensing.constraints import DATE_TIME, SPATIAL, Constraint
from provenance.licensing.errors import CurrenciesDiffer, TermsInvalid, UnknownLicence
from provenance.licensing.exclusive import overlap
from provenance.licensing.forms import OfferForm, terms_in
from provenance.licensing.money import Money
from provenance.licensing.terms import COMMERCIALIZE, OPEN_LICENCES, TRAIN, USE_ADAPTER, USE_STYLE, Price, Terms

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
EUR = Price(Money(250, "EUR"), "image")


def form(**more: Any) -> OfferForm:
    return OfferForm(**{"permissions": (USE_STYLE, USE_ADAPTER, COMMERCIALIZE), **more})


def test_a_full_form_is_read_back_as_it_was_recorded() -> None:
    terms = terms_in(
        form(
            prohibitions=(TRAIN,), purposes=("advertising",), territories=("FR", "DE"), recipients=("Acme",),
            starts_at=START, ends_at=END, count=100, price=EUR, attribution="© Ada", attribution_url="https://ada.example",
            share_alike=True, label=True, retain_credentials=True, approval=True, exclusive=True,
            content_rating="teen", max_similarity=85,
        )
    )  # fmt: skip
    assert Terms.from_json(terms.as_json()) == terms
    assert Constraint(SPATIAL, "isAnyOf", ("DE", "FR")) in terms.constraints
    assert (terms.most_uses, terms.needs_approval, terms.is_exclusive) == (100, True, True)
    assert terms.ends_at == "2027-01-01T00:00:00+00:00" and terms.as_json()["price"]["per"] == "image"
    credit = next(duty for duty in terms.duties if duty.action == "attribute")
    assert (credit.text, credit.url) == ("© Ada", "https://ada.example")


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"permissions": ()}, "permissions"),
        ({"permissions": (COMMERCIALIZE,)}, "permissions"),
        ({"permissions": ("dance",)}, "permissions"),
        ({"prohibitions": (USE_STYLE,)}, "prohibitions"),
        ({"purposes": ("fun",)}, "purposes"),
        ({"purposes": ("research",), "no_purposes": ("non-commercial",)}, "constraints"),
        ({"territories": ("XX",)}, "territories"),
        ({"territories": ("DE",), "no_territories": ("EU",)}, "constraints"),
        ({"starts_at": END, "ends_at": START}, "ends_at"),
        ({"starts_at": START, "ends_at": START}, "ends_at"),
        ({"count": 0}, "count"),
        ({"count": 10**10}, "count"),
        ({"content_rating": "PG-13"}, "content_rating"),
        ({"max_similarity": 40}, "max_similarity"),
        ({"max_similarity": 100}, "max_similarity"),
        ({"is_open": True, "price": EUR}, "is_open"),
        ({"is_open": True, "count": 3}, "is_open"),
        ({"is_open": True, "approval": True}, "is_open"),
        ({"exclusive": True}, "exclusive"),
        ({"exclusive": True, "territories": ("DE",), "ends_at": END}, "exclusive"),
        ({"licence": "CC-BY-4.0"}, "licence"),
    ],
    ids=str,
)
def test_what_contradicts_itself_is_told_by_its_field(more: dict[str, Any], field: str) -> None:
    with pytest.raises(TermsInvalid) as caught:
        terms_in(form(**more))
    assert caught.value.values["field"] == field and caught.value.said("zh-Hans")


@pytest.mark.parametrize("licence", [code for code in OPEN_LICENCES if code != "CC-BY-ND-4.0"])
def test_a_licence_by_its_id_stands_for_all_of_its_terms(licence: str) -> None:
    assert terms_in(OfferForm(licence=licence, is_open=True)) is OPEN_LICENCES[licence]


def test_a_licence_without_derivatives_cannot_be_offered_as_a_reference() -> None:
    with pytest.raises(TermsInvalid, match="adapt"):
        terms_in(OfferForm(licence="CC-BY-ND-4.0", is_open=True))
    with pytest.raises(UnknownLicence):
        terms_in(OfferForm(licence="WTFPL", is_open=True))


@pytest.mark.parametrize(("amount", "currency"), [(-1, "EUR"), (10**15 + 1, "EUR"), (5, "ABC")])
def test_a_price_that_there_is_not_is_a_fault_of_money(amount: int, currency: str) -> None:
    with pytest.raises(Fault):
        Price(Money(amount, currency), "image")


# ---- terms among themselves -----------------------------------------------------------------------------------


def test_a_style_narrowed_to_a_work_costs_no_less_and_allows_no_more() -> None:
    work = terms_in(form(permissions=(USE_STYLE,), territories=("EU",), price=EUR))
    for price in (None, Price(Money(100, "EUR"), "image"), Price(Money(900, "EUR"), "image")):
        style = terms_in(form(price=price, territories=("DE", "JP"))).narrowed_to(work)
        assert style.is_within(work) and style.permissions == {USE_STYLE}
        assert style.price and style.price.money.minor_units == max(250, price.money.minor_units if price else 0)


def test_prices_that_cannot_be_compared_are_refused() -> None:
    work = terms_in(form(price=EUR))
    for price in (Price(Money(900, "USD"), "image"), Price(Money(900, "EUR"), "flat")):
        with pytest.raises(CurrenciesDiffer):
            terms_in(form(price=price)).narrowed_to(work)


def test_terms_are_within_others_only_if_they_cost_as_much_and_hold_no_longer() -> None:
    bound = terms_in(form(price=EUR, ends_at=END))
    assert terms_in(form(price=EUR, starts_at=START, ends_at=END)).is_within(bound)
    assert not terms_in(form(price=EUR)).is_within(bound)
    assert not terms_in(form(price=Price(Money(249, "EUR"), "image"), ends_at=END)).is_within(bound)


def exclusive(**more: Any) -> Terms:
    return terms_in(form(**{"exclusive": True, "territories": ("DE",), "starts_at": START, "ends_at": END, **more}))


def test_exclusive_terms_overlap_where_place_time_purpose_and_use_do() -> None:
    mine = exclusive(purposes=("advertising",))
    assert overlap(mine, terms_in(form()))
    assert overlap(mine, terms_in(form(territories=("EU",), purposes=("commercial",))))
    for free in (
        form(territories=("FR",)),
        form(no_territories=("DE",)),
        form(starts_at=END),
        form(ends_at=START),
        form(purposes=("editorial",)),
        form(permissions=(TRAIN, COMMERCIALIZE)),
        form(prohibitions=(TRAIN,), permissions=("derive",)),
    ):
        assert not overlap(mine, terms_in(free)) and not overlap(terms_in(free), mine)


def test_one_that_begins_when_the_other_ends_does_not_overlap_and_a_tick_earlier_does() -> None:
    mine = exclusive()
    later = Constraint(DATE_TIME, "gteq", ("2026-12-31T23:59:59.999999+00:00",))
    assert overlap(mine, Terms("x", frozenset({USE_STYLE}), constraints=(later,)))
