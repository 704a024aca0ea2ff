"""Royalties in a dispute: they wait while it stands, go on when it is dismissed, and change hands with the work."""

from __future__ import annotations

from typing import Any

import pytest

from provenance.works.models import Party, Style
from server.accounts.models import Account
from tests.factories.records import a_model, a_party, a_style, an_artist, an_auditor
from tests.factories.royalties import a_decision, a_licensee, a_price, balances, earned, standings
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
