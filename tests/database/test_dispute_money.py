"""Royalties in a dispute: they wait while it stands, go on when it is dismissed, and change hands with the work."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from provenance.licensing.actions.paying import prepay
from provenance.licensing.models import Notification, Offer
from provenance.works.models import Party, Style
from server.accounts.models import Account
from tests.factories.records import a_model, a_party, a_style, an_artist, an_auditor, kinds_of_entries
from tests.factories.royalties import (
    a_counted_grant,
    a_decision,
    a_licensee,
    a_price,
    balances,
    earned,
    standings,
)
from tests.simulators.caller import Caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Party:
    return a_party("Ada Painter", member=an_artist("owner"))


@pytest.fixture
def style(owner: Party) -> Style:
    return a_style(a_model(), party=owner)


@pytest.fixture
def lines(style: Style, owner: Party) -> list[Any]:
    """Have two images earn the style's owner 250 each."""
    decision = a_decision(price=a_price(250, splits={owner.pk: 10_000}), id=str(style.pk))
    return earned(a_licensee(), decision, images=2)


@pytest.fixture
def auditor() -> Account:
    return an_auditor()


def complete_notice(style: Style, auditor: Account) -> str:
    """Give notice against a style and have it found complete; return the dispute's address."""
    notice = {
        "subject_kind": "style", "subject": str(style.pk), "ground": "mine", "name": "Zed", "contact": "z@example.org",
        "text": "Mine.", "good_faith": True, "accurate": True,
    }  # fmt: skip
    address = f"/api/v1/disputes/{Caller().post('/api/v1/disputes', notice).json()['id']}"
    Caller(auditor).post(f"{address}/assessment", {"complete": True, "reason": "Yes."})
    return address


def test_royalties_are_held_while_a_dispute_stands_and_go_on_when_it_is_dismissed(
    style: Style, lines: list[Any], auditor: Account
) -> None:
    assert standings(lines) == {"accrued": 2}
    address = complete_notice(style, auditor)
    assert standings(lines) == {"held": 2}
    Caller(auditor).post(f"{address}/resolution", {"upheld": False, "reason": "No."})
    assert standings(lines) == {"accrued": 2}


def test_what_was_held_goes_to_the_new_owner_by_reversing_lines(
    style: Style, lines: list[Any], owner: Party, auditor: Account
) -> None:
    painter = a_party("The painter", member=an_artist("painter"))
    address = complete_notice(style, auditor)
    body = {"upheld": True, "reason": "Theirs.", "remedy": "reassign", "new_owner": str(painter.pk)}
    assert Caller(auditor).post(f"{address}/resolution", body).json()["state"] == "upheld"
    assert standings(lines) == {"reversed": 2}
    assert balances(painter.pk) == {"accrued": 500} and balances(owner.pk) == {}


def test_what_a_rejected_style_earned_stays_held(style: Style, lines: list[Any], auditor: Account) -> None:
    address = complete_notice(style, auditor)
    Caller(auditor).post(f"{address}/resolution", {"upheld": True, "reason": "Yes.", "remedy": "withdraw"})
    assert standings(lines) == {"held": 2}


def test_a_reassignment_refunds_unused_prepaid_uses_and_tells_the_licensee(auditor: Account) -> None:
    licensee, painter = a_licensee(), a_party("The painter", member=an_artist("painter"))
    grant = a_counted_grant(4, licensee=licensee)
    former = grant.offer.party
    with transaction.atomic():
        prepay(
            grant_id=grant.pk, licensee_id=grant.licensee_id, subject_kind="style",
            subject_id=grant.offer.subject_id, terms_digest=grant.terms_digest,
            price=a_price(1_000, splits={former.pk: 10_000}, per="flat"),
        )  # fmt: skip
    decision = a_decision(price=None, right=grant.pk, basis="grant", id=str(grant.offer.subject_id))
    earned(licensee, decision, images=1)
    address = complete_notice(Style.objects.get(pk=grant.offer.subject_id), auditor)
    body = {"upheld": True, "reason": "Theirs.", "remedy": "reassign", "new_owner": str(painter.pk)}
    assert Caller(auditor).post(f"{address}/resolution", body).json()["state"] == "upheld"
    assert balances() == {"accrued": 250, "owed": -250} and balances(painter.pk) == {"accrued": 250}
    told = Notification.objects.get(account_id=grant.licensee_id)
    assert (told.kind, told.grant_id) == ("grant-revoked", grant.pk)


def test_a_reassignment_ends_no_offer_that_a_later_version_replaced(style: Style, auditor: Account) -> None:
    painter = a_party("The painter", member=an_artist("painter"))
    Offer.objects.filter(subject_id=style.pk).update(superseded_at=timezone.now())
    address = complete_notice(style, auditor)
    body = {"upheld": True, "reason": "Theirs.", "remedy": "reassign", "new_owner": str(painter.pk)}
    assert Caller(auditor).post(f"{address}/resolution", body).json()["state"] == "upheld"
    assert "OfferEnded" not in kinds_of_entries() and not Offer.objects.exclude(withdrawn_at=None).exists()
