"""An artist with a thousand grants over eight references, of which one for each fits."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from generation.request import GenerationRequest, InputPicture, StyleReference
from provenance.licensing.constraints import Constraint
from provenance.licensing.models import Grant, Offer
from provenance.licensing.money import WHOLE, Money
from provenance.licensing.prices import PER_IMAGE, PriceLine
from provenance.licensing.terms import BY_GRANT, COMMERCIALIZE, DERIVE, NAME_IN_PROMPT, USE_STYLE, Price, Terms
from provenance.works.models import Party, Style, Work
from server.accounts.models import Account
from tests.factories.log import one_entry
from tests.factories.records import a_model, a_party, a_style, a_work, an_artist
from tests.factories.shops import stand_on

DECLARED, NAMED, WORKS, GRANTS = 4, 2, 2, 1_000


@dataclass
class ManyGrants:
    """Eight references of one party, styles and works, and an artist who holds a thousand grants of them."""

    artist: Account
    party: Party
    styles: list[Style]
    works: list[Work]

    @property
    def request(self) -> GenerationRequest:
        """Return a request that makes use of all of them."""
        roles = zip(("image", "mask"), self.works, strict=True)
        return GenerationRequest(
            prompt=f"a red cat, {' '.join(style.token for style in self.styles[DECLARED:])}", disclosure="public",
            seeds=(7,), steps=3, territory="DE", purpose="editorial",
            references=tuple(StyleReference(style=style.slug) for style in self.styles[:DECLARED]),
            inputs=tuple(InputPicture(role=role, work=str(work.pk)) for role, work in roles),
        )  # fmt: skip


def many_grants() -> ManyGrants:
    """Record a thousand grants of six styles and two works, no two of the same terms; the last of each fits."""
    model, owner, artist = a_model(), an_artist("ada"), an_artist("mara")
    party = a_party(member=owner)
    *works, behind = [a_work(owner, party, seed=seed, title=f"Work {seed}") for seed in range(1, WORKS + 2)]
    styles = [
        a_style(model, party=party, slug=f"s{number}", name=f"Style {number}", name_zh="", token=f"tok{number}xyz",
                licence="")
        for number in range(DECLARED + NAMED)
    ]  # fmt: skip
    for style in styles:
        stand_on(style, behind)
    subjects = [*(("style", style.pk) for style in styles), *(("work", work.pk) for work in works)]
    with transaction.atomic():
        one_entry()
        offers = Offer.objects.bulk_create(_offer(party, kind, subject) for kind, subject in subjects)
        Grant.objects.bulk_create(
            _grant(offers[number % len(offers)], number, artist, fits=number >= GRANTS - len(offers))
            for number in range(GRANTS)
        )
    return ManyGrants(artist, party, styles, works)


def _terms(number: int, *, place: str) -> Terms:
    return Terms(
        licence=BY_GRANT,
        permissions=frozenset({USE_STYLE, NAME_IN_PROMPT, DERIVE, COMMERCIALIZE}),
        constraints=(
            Constraint("purpose", "isAnyOf", ("advertising", "editorial")),
            Constraint("spatial", "isAnyOf", (place,)),
            Constraint("count", "lteq", (str(100 + number),)),
        ),
        price=Price(Money(1 + number, "EUR"), "image"),
    )


def _offer(party: Party, kind: str, subject: UUID) -> Offer:
    terms = _terms(0, place="EU")
    return Offer(
        pk=uuid4(), party=party, subject_kind=kind, subject_id=subject, licence=BY_GRANT, is_open=False,
        terms=terms.as_json(), terms_digest=terms.digest(), published_at=timezone.now(),
    )  # fmt: skip


def _grant(offer: Offer, number: int, artist: Account, *, fits: bool) -> Grant:
    terms = _terms(number, place="EU" if fits else "JP")
    assert terms.price is not None  # every one of these has a price
    line = PriceLine(terms.price.money, PER_IMAGE, {str(offer.party_id): WHOLE})
    return Grant(
        offer=offer, licensee_id=artist.pk, terms=terms.as_json(), terms_digest=terms.digest(), price=line.as_json(),
        granted_at=timezone.now(),
    )  # fmt: skip
