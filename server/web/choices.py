"""What the page lets an artist choose from: models with what is known of them, styles by their basis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from generation.queries import models_listed
from provenance.licensing.credits import licence_name, licence_url, style_credit
from provenance.licensing.decision import restrictions_to_accept
from provenance.licensing.queries.offers import offers_to_take
from provenance.licensing.queries.standing import Standing, standing
from provenance.licensing.terms import Terms
from provenance.works import queries as works

TRAINING: Mapping[str, Promise] = {
    "known": _("Its training pictures are known, every one."),
    "licensed-by-statement": _(
        "Its maker states that its training pictures were licensed. That statement was not checked here."
    ),
    "undisclosed": _("Its maker does not say what it was trained on."),
}
GROUPS: Mapping[str, tuple[Promise, Promise]] = {
    "own-work": (_("Your own"), _("Styles of parties that you act for.")),
    "grant": (_("Granted to you"), _("Under licences that their rightsholders gave you.")),
    "open-licence": (_("Open to everyone"), _("Under public licences; each asks for credit in its own way.")),
    "none": (
        _("Needs a grant first"),
        _("A request is refused, with its reasons, until the rightsholder has granted you a licence."),
    ),
    "opted-out": (_("Opted out"), _("Their rightsholders do not want to be referred to. They cannot be chosen.")),
}
"""Groups of styles by the basis on which this account could use them, in the order shown."""
BARRED = {"none", "opted-out"}


@dataclass(frozen=True)
class ModelChoice:
    """A model that makes pictures from words, as the page shows it."""

    slug: str
    name: str
    digest: str
    licence: str
    licence_url: str
    training: Promise | str
    training_statement: str
    defaults: Mapping[str, Any]
    sizes: Mapping[str, Any]
    accept: str = ""
    """The digest to accept where the licence's use restrictions bind whoever uses the model."""

    def numbers(self) -> dict[str, Any]:
        """Return what the page's script needs to know of the model's limits and defaults."""
        return {
            "slug": self.slug,
            "digest": self.digest,
            "defaults": dict(self.defaults),
            "sizes": dict(self.sizes),
        }


@dataclass(frozen=True)
class OfferChoice:
    """An offer that somebody without a grant could take."""

    id: UUID
    price: Promise | str


@dataclass(frozen=True)
class StyleChoice:
    """A style with whom it credits and on what terms, as the page shows it."""

    slug: str
    name: str
    model_digest: str
    owner: str
    owner_url: str
    is_recorded_from_licence: bool
    works: int
    basis: str
    licence: str
    licence_url: str
    credit: str
    duties: tuple[str, ...]
    price: Promise | str = ""
    """What a picture costs under the right that it would be made on."""
    offered: tuple[OfferChoice, ...] = ()
    """Of a style that needs a grant: where one is offered, and at which price."""


@dataclass(frozen=True)
class StyleGroup:
    """Styles of which an account would make use on the same basis."""

    basis: str
    title: Promise
    note: Promise
    styles: tuple[StyleChoice, ...]


@dataclass(frozen=True)
class StyleGroups:
    """The styles that an account may use now, and those that it may not."""

    usable: tuple[StyleGroup, ...]
    barred: tuple[StyleGroup, ...]


def page_language() -> str:
    """Return the language of this page as Colophon names it: "en" or "zh-Hans"."""
    return "zh-Hans" if (get_language() or "en").startswith("zh") else "en"


def models_on_offer() -> list[ModelChoice]:
    """Return the models that make pictures from words, the default first."""
    return [_model_choice(model) for model in models_listed() if "text-to-image" in model.tasks]


def style_groups_for(account_id: UUID) -> StyleGroups:
    """Return every style that stands, grouped by the basis on which this account could use it."""
    styles = list(works.styles_listed())
    now = standing(
        licensee=account_id,
        own=frozenset(works.parties_of(account_id)),
        subjects=[style.pk for style in styles],
        parties={style.owner_id for style in styles},
    )
    offered = offers_to_take([style.pk for style in styles])
    groups = list(_grouped(_style_choice(style, now, offered=offered.get(style.pk, ())) for style in styles))
    return StyleGroups(
        usable=tuple(group for group in groups if group.basis not in BARRED),
        barred=tuple(group for group in groups if group.basis in BARRED),
    )


def _model_choice(model: Any) -> ModelChoice:
    return ModelChoice(
        slug=model.slug,
        name=model.name,
        digest=model.digest,
        licence=licence_name(model.licence),
        licence_url=licence_url(model.licence),
        training=TRAINING.get(model.training, ""),
        training_statement=model.training_statement,
        defaults=model.defaults,
        sizes=model.sizes,
        accept=restrictions_to_accept(model.licence),
    )


def _style_choice(style: Any, now: Standing, *, offered: Iterable[Any]) -> StyleChoice:
    basis, terms = _basis(style, now)
    language = page_language()
    # A grant's own terms have a name for machines only; the group says that it is a grant.
    licence = terms.licence if terms and basis == "open-licence" else ""
    is_chinese = language == "zh-Hans"
    return StyleChoice(
        slug=style.slug,
        name=(style.name_zh if is_chinese else "") or style.name,
        model_digest=style.model_digest,
        owner=style.owner.name,
        owner_url=style.owner.url,
        is_recorded_from_licence=style.owner.origin == "public-licence",
        works=style.work_count,
        basis=basis,
        licence=licence_name(licence),
        licence_url=licence_url(licence),
        credit=style_credit(
            style=style.name, style_zh=style.name_zh, author=works.authors_behind(style), licence=licence
        )[language],
        duties=tuple(duty.zh if is_chinese else duty.en for duty in terms.duties) if terms else (),
        price=_price(terms) if terms and basis == "grant" else _price_behind(style, now, basis=basis),
        offered=tuple(OfferChoice(one.pk, _price(Terms.from_json(one.terms))) for one in offered)
        if basis == "none"
        else (),
    )


def _price(terms: Terms) -> Promise | str:
    if terms.price is None:
        return ""
    per_image, flat = _("%(price)s for each picture"), _("%(price)s once")
    said = per_image if terms.price.per == "image" else flat
    return format_lazy("{}", said % {"price": terms.price.money.written()})


def _price_behind(style: Any, now: Standing, *, basis: str) -> Promise | str:
    """Return that an own style stands on works of others that are paid for; nothing of any other style."""
    behind = now.others_works.get(style.pk, ()) if basis == "own-work" else ()
    is_paid = any(right.price for work in behind for right in work.rights)
    return _("Works of others behind it are paid for with each picture.") if is_paid else ""


def _basis(style: Any, now: Standing) -> tuple[str, Terms | None]:
    if now.refuses(style.pk, style.owner_id):
        return "opted-out", None
    if style.owner_id in now.own_parties:
        return "own-work", None
    rights = now.rights.get(style.pk, ())
    return (rights[0].basis, rights[0].terms) if rights else ("none", None)


def _grouped(choices: Iterable[StyleChoice]) -> Iterable[StyleGroup]:
    by_basis: dict[str, list[StyleChoice]] = {basis: [] for basis in GROUPS}
    for choice in choices:
        by_basis[choice.basis].append(choice)
    for basis, found in by_basis.items():
        if found:
            title, note = GROUPS[basis]
            yield StyleGroup(basis=basis, title=title, note=note, styles=tuple(found))
