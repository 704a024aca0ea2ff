"""A painter whose style nobody may use until it is offered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from provenance.works.models import Party, Style, Work
from server.accounts.models import Account
from tests.factories.log import one_entry
from tests.factories.records import a_model, a_party, a_style, an_artist
from tests.simulators.caller import Caller

PRICE = {"amount": "250", "currency": "EUR", "per": "image"}
USES = ["gen:reference", "gen:styleAdapter", "gen:promptName", "commercialize"]


@dataclass
class Shop:
    """A painter with a style that nobody may use yet."""

    owner: Account
    party: Party
    style: Style

    def body(self, **more: Any) -> dict[str, Any]:
        """Return what an offer of the style would send."""
        return {"subject_kind": "style", "subject": str(self.style.pk), "permissions": USES, **more}

    def offer(self, **more: Any) -> dict[str, Any]:
        """Publish an offer of the style."""
        answer = Caller(self.owner).post("/api/v1/offers", self.body(**more))
        assert answer.status_code == 201, answer.content
        return dict(answer.json())


def a_shop() -> Shop:
    """Record a painter with a style and no offer of it."""
    owner = an_artist("ada")
    party = a_party(member=owner)
    return Shop(owner, party, a_style(a_model(), party=party, licence=""))


def take(account: Account, offer: dict[str, Any]) -> Any:
    """Take an offer for an account, and return the answer."""
    return Caller(account).post(f"/api/v1/offers/{offer['id']}/grants")


def stand_on(style: Style, *works: Work) -> None:
    """Have a style stand on some works, whatever their terms say to that."""
    with transaction.atomic():
        one_entry()
        style.works.set(works)
