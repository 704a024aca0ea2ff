"""Styles that the browser tests choose from, put into a running Colophon by ``manage.py shell``."""

from __future__ import annotations

from uuid import uuid4

from generation.queries import models_listed
from provenance.actor import Actor
from provenance.licensing.actions.offering import offer_openly, publish_offer
from provenance.licensing.actions.styles import register_style
from provenance.licensing.forms import OfferForm
from provenance.licensing.money import Money
from provenance.licensing.terms import COMMERCIALIZE, NAME_IN_PROMPT, USE_STYLE, Price
from provenance.works.actions.listing import register_work
from provenance.works.actions.parties import record_party
from tests.browser.style_names import CLOSED, HOSTILE, OPEN, PRICED
from tests.simulators.pictures import picture


def seed() -> None:
    """Register a style under an open licence, one without any, one at a price, and one whose name is markup."""
    _style(OPEN, "港湾版画", owner="Mira Halvorsen", slug="harbour-prints", licence="CC-BY-4.0", number=1)
    _style(CLOSED, "盐纸", owner="Tomas Okafor", slug="salt-paper", licence="", number=2)
    _style(PRICED, "铜线", owner="Ines Varga", slug="copper-lines", licence="", number=4, price=Money(250, "EUR"))
    _style(HOSTILE, HOSTILE, owner="<script>document.title='hit'</script>", slug="hostile", licence="MIT", number=3)


def _style(
    name: str, name_zh: str, *, owner: str, slug: str, licence: str, number: int, price: Money | None = None
) -> None:
    account = uuid4()
    actor = Actor(account_id=account, roles=frozenset({"artist"}))
    party = record_party(actor=actor, name=owner, member=account)
    work = register_work(
        actor=actor,
        party=party,
        data=picture(seed=1000 + number),
        title=f"{name} 1",
        author=owner,
        rights_evidence="painted it",
        licence=licence,
    )
    style = register_style(
        actor=actor,
        party=party,
        slug=slug,
        name=name,
        name_zh=name_zh,
        works=[work],
        model_digest=models_listed()[0].digest,
        token=f"in the style {slug}",
    )
    if licence:
        offer_openly(actor=actor, party=party, subject_kind="style", subject_id=style.pk, licence=licence)
    if price:
        form = OfferForm(permissions=(USE_STYLE, NAME_IN_PROMPT, COMMERCIALIZE), price=Price(price, "image"))
        publish_offer(actor=actor, party=party, subject_kind="style", subject_id=style.pk, form=form)
