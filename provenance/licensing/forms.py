"""Terms as a rightsholder fills them in: one flat form, held against itself before anything is published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from provenance.licensing.constraints import (
    CONTENT_RATING,
    COUNT,
    DATE_TIME,
    MAX_SIMILARITY,
    PURPOSE,
    RECIPIENT,
    SPATIAL,
    Constraint,
    leaves_room,
)
from provenance.licensing.declared import BROADER_PURPOSES, COUNTRIES, RATINGS, REGIONS
from provenance.licensing.errors import TermsInvalid, UnknownLicence
from provenance.licensing.terms import (
    ATTRIBUTE,
    BY_GRANT,
    COMMERCIALIZE,
    EVERY_USE,
    KEEP_CREDENTIALS,
    LABEL,
    NO_ENDORSEMENT,
    OBTAIN_APPROVAL,
    OPEN_LICENCES,
    SHARE_ALIKE,
    Duty,
    Price,
    Terms,
)

LARGEST_COUNT = 10**9
LEAST_SIMILARITY = 75
"""Percent. Pictures that have nothing in common already agree in half of their fingerprints' bits."""
MOST_VALUES = 260


@dataclass(frozen=True, kw_only=True)
class OfferForm:
    """What a rightsholder fills in; a licence by its SPDX id stands for all of the rest."""

    licence: str = ""
    is_open: bool = False
    permissions: Sequence[str] = ()
    prohibitions: Sequence[str] = ()
    purposes: Sequence[str] = ()
    no_purposes: Sequence[str] = ()
    territories: Sequence[str] = ()
    no_territories: Sequence[str] = ()
    recipients: Sequence[str] = ()
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    count: int | None = None
    price: Price | None = None
    attribution: str = ""
    attribution_url: str = ""
    share_alike: bool = False
    label: bool = False
    retain_credentials: bool = False
    approval: bool = False
    exclusive: bool = False
    content_rating: str = ""
    max_similarity: int | None = None


def terms_in(form: OfferForm) -> Terms:
    """Return the terms that a form asks for; raise TermsInvalid or UnknownLicence with what to mend."""
    if form.licence and form.licence != BY_GRANT:
        return _ready_made(form)
    _check_words(form)
    terms = Terms(
        licence=BY_GRANT,
        permissions=frozenset(form.permissions),
        duties=_duties(form),
        prohibitions=frozenset(form.prohibitions),
        constraints=_constraints(form),
        price=form.price,
        is_exclusive=form.exclusive,
    )
    require_sound(terms, is_open=form.is_open)
    return terms


def require_sound(terms: Terms, *, is_open: bool) -> None:
    """Raise TermsInvalid for terms that contradict themselves, or that nobody could ever use."""
    if both := sorted(terms.permissions & terms.prohibitions):
        said = ", ".join(both)
        raise _invalid("prohibitions", f"{said} is permitted and prohibited at once.", f"{said} 既被允许又被禁止。")
    if not terms.permissions - {COMMERCIALIZE}:
        raise _invalid("permissions", "permit at least one use.", "请至少允许一种使用。")
    if not leaves_room(terms.constraints):
        raise _invalid(
            "constraints",
            "these conditions contradict each other: no use could ever meet them.",
            "这些条件相互矛盾：任何使用都无法满足。",
        )
    if is_open and (terms.price or terms.most_uses is not None or terms.needs_approval or terms.is_exclusive):
        raise _invalid(
            "is_open",
            "an offer with a price, a count, an approval or exclusivity is taken one by one; it cannot be open.",
            "有价格、次数、需批准或独家的要约须逐个取得，不能对所有人开放。",
        )
    if terms.is_exclusive:
        _require_scope(terms)


def _require_scope(terms: Terms) -> None:
    ordered = {one.operator[:2] for one in terms.constraints if one.left_operand == DATE_TIME}
    if not any(one.left_operand == SPATIAL for one in terms.constraints) or ordered != {"gt", "lt"}:
        raise _invalid(
            "exclusive",
            "name the territories, the start and the end for which it is exclusive.",
            "请写明独家的地域、开始和结束时间。",
        )


def _ready_made(form: OfferForm) -> Terms:
    terms = OPEN_LICENCES.get(form.licence)
    if terms is None:
        raise UnknownLicence(licence=form.licence[:80], known=", ".join(OPEN_LICENCES))
    if form != OfferForm(licence=form.licence, is_open=form.is_open):
        raise _invalid(
            "licence",
            f"{form.licence} has terms of its own; leave everything else out, or leave the licence out.",
            f"{form.licence} 自有条款；请不要填写其他内容，或不填许可证。",
        )
    if not terms.permissions:
        raise _invalid(
            "licence",
            f"{form.licence} lets nobody adapt the work, so it cannot be offered as a reference.",
            f"{form.licence} 不允许改编作品，因此不能作为参考提供。",
        )
    return terms


def _check_words(form: OfferForm) -> None:
    """Raise TermsInvalid for a word that nobody could compare a use with."""
    for field, said, known in (
        ("permissions", form.permissions, EVERY_USE),
        ("prohibitions", form.prohibitions, EVERY_USE),
        ("purposes", form.purposes, BROADER_PURPOSES.keys()),
        ("no_purposes", form.no_purposes, BROADER_PURPOSES.keys()),
        ("territories", form.territories, COUNTRIES | REGIONS.keys()),
        ("no_territories", form.no_territories, COUNTRIES | REGIONS.keys()),
        ("content_rating", [form.content_rating] if form.content_rating else [], frozenset(RATINGS)),
    ):
        if strange := sorted(set(said) - known):
            named = strange[0][:40]
            some = ", ".join(sorted(known)[:12])
            raise _invalid(field, f"“{named}” is not known here. Use words such as {some}.",
                           f"此处不认识“{named}”。可用的词如 {some}。")  # fmt: skip
    if form.starts_at and form.ends_at and form.ends_at <= form.starts_at:
        raise _invalid("ends_at", "the offer would end before it starts.", "要约的结束时间早于开始时间。")
    if form.count is not None and not 1 <= form.count <= LARGEST_COUNT:
        raise _invalid("count", f"must be from 1 to {LARGEST_COUNT}.", f"必须在 1 到 {LARGEST_COUNT} 之间。")
    if form.max_similarity is not None and not LEAST_SIMILARITY <= form.max_similarity < 100:
        raise _invalid(
            "max_similarity",
            f"must be from {LEAST_SIMILARITY} to 99 percent: below that, pictures with nothing in common are as alike.",
            f"必须在 {LEAST_SIMILARITY} 到 99 之间（百分比）：更低时，毫不相干的图片也同样相似。",
        )


def _constraints(form: OfferForm) -> tuple[Constraint, ...]:
    lists = (
        (PURPOSE, "isAnyOf", form.purposes),
        (PURPOSE, "isNoneOf", form.no_purposes),
        (SPATIAL, "isAnyOf", form.territories),
        (SPATIAL, "isNoneOf", form.no_territories),
        (RECIPIENT, "isAnyOf", form.recipients),
    )
    found = [Constraint(left, operator, tuple(sorted(set(right)))) for left, operator, right in lists if right]
    single = (
        (DATE_TIME, "gteq", form.starts_at.isoformat() if form.starts_at else "", ""),
        (DATE_TIME, "lt", form.ends_at.isoformat() if form.ends_at else "", ""),
        (COUNT, "lteq", str(form.count) if form.count else "", ""),
        (CONTENT_RATING, "lteq", form.content_rating, ""),
        (MAX_SIMILARITY, "lteq", str(form.max_similarity) if form.max_similarity else "", "percent"),
    )
    return (*found, *(Constraint(left, operator, (right,), unit) for left, operator, right, unit in single if right))


def _duties(form: OfferForm) -> tuple[Duty, ...]:
    duties = []
    if form.attribution or form.attribution_url:
        duties += [attribution(form.attribution, form.attribution_url), NO_ENDORSEMENT]
    wanted = (
        (form.share_alike, SHARE_ALIKE),
        (form.label, LABEL),
        (form.retain_credentials, KEEP_CREDENTIALS),
        (form.approval, OBTAIN_APPROVAL),
    )
    return (*duties, *(duty for is_wanted, duty in wanted if is_wanted))


def attribution(text: str, url: str) -> Duty:
    """Return the duty to give a credit line as its rightsholder words it."""
    shown = text or url
    return Duty(ATTRIBUTE, f"Give this credit: {shown}", f"请注明：{shown}", text, url)


def _invalid(field: str, en: str, zh: str) -> TermsInvalid:
    return TermsInvalid(field=field, said_en=en, said_zh=zh)
