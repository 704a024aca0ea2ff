"""What an erased person offered: offers end, no public page names them, and nobody's list of news does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from generation.actions import reconciling
from generation.actions.erasing import ABOUT_SOMEBODY, ACTS_OF_OFFICE, MONEY, erase_person
from provenance.actor import COLOPHON
from provenance.audit_log.entry import Statement
from provenance.audit_log.models import Opening
from provenance.licensing.models import Notification, Offer
from provenance.works.actions.parties import review_claim
from tests.factories.records import an_artist, an_auditor
from tests.factories.shops import Shop, a_shop
from tests.simulators.caller import Caller

pytestmark = pytest.mark.django_db
CREDIT = "© Ada Unmistakable"


@pytest.fixture
def shop() -> Shop:
    return a_shop()


@pytest.fixture
def offer(shop: Shop) -> dict[str, Any]:
    return shop.offer(attribution=CREDIT)


def erase(shop: Shop) -> None:
    erase_person(actor=shop.owner.actor(), account_id=shop.owner.pk)


def differences() -> list[Any]:
    run = reconciling.reconcile(reconciling.begin_here(actor=COLOPHON))
    return [json.loads(line) for line in reconciling.report_lines(run)]


@pytest.mark.parametrize("suffix", ["", ".jsonld", ".xml", ".json"])
def test_no_published_form_of_an_erased_persons_offer_names_them(
    shop: Shop, offer: dict[str, Any], suffix: str
) -> None:
    address = f"/licences/{offer['id']}{suffix}"
    before = Caller().get(address).content.decode()
    erase(shop)
    after = Caller().get(address).content.decode()
    assert "Ada Painter" in before or CREDIT in before
    assert not [name for name in ("Ada Painter", "Ada Unmistakable") if name in after]
    assert offer["id"] not in Caller().get("/licences.xml").content.decode()


def test_an_erased_persons_offers_end_and_keep_the_digest_of_their_terms(shop: Shop, offer: dict[str, Any]) -> None:
    erase(shop)
    kept = Offer.objects.get()
    assert kept.withdrawn_at and kept.terms_digest == offer["terms_digest"]
    assert Caller().get(f"/licences/{offer['id']}.json").json()["terms_digest"] == offer["terms_digest"]
    assert differences() == []


def test_what_accounts_were_told_of_an_erased_persons_style_names_it_no_more(
    shop: Shop, offer: dict[str, Any]
) -> None:
    licensee = an_artist("licensee")
    taken = Caller(licensee).post(f"/api/v1/offers/{offer['id']}/grants", {})
    assert taken.status_code == 201, taken.content
    Caller(shop.owner).post(f"/api/v1/grants/{taken.json()['id']}/revoke", {})
    assert set(Notification.objects.values_list("account_id", "subject")) == {
        (shop.owner.pk, "Fx Emoji"), (licensee.pk, "Fx Emoji"),
    }  # fmt: skip
    erase(shop)
    (told,) = Notification.objects.all()
    assert (told.account_id, told.subject) == (licensee.pk, "erased · 已删除")


def test_what_an_auditor_decided_outlasts_the_auditor_and_goes_with_whom_it_was_about(shop: Shop) -> None:
    vera = an_auditor()
    review_claim(actor=vera.actor(), party=shop.party, claim="evidence-reviewed", reason="Ada showed her passport")
    erase_person(actor=COLOPHON, account_id=vera.pk)
    assert Opening.objects.get(entry__kind="ClaimReviewed").details["reason"] == "Ada showed her passport"
    erase(shop)
    assert not Opening.objects.filter(entry__kind="ClaimReviewed").exists()


def test_every_kind_that_stays_readable_is_a_kind_of_entry() -> None:
    kinds, waiting = set(), list(Statement.__subclasses__())
    while waiting:
        kind = waiting.pop()
        kinds.add(kind.__name__)
        waiting += kind.__subclasses__()
    named = (*ACTS_OF_OFFICE, *ABOUT_SOMEBODY, *MONEY)
    assert set(named) <= kinds and len(named) == len(set(named))
