"""The licence decision: may these references be used for this, on what basis, with what duties, at what price?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from provenance.licensing import reasons as say
from provenance.licensing.constraints import Constraint, constraints_for_later, outcome, unmet
from provenance.licensing.declared import COMMERCIAL_UNLESS_SAID, Asked
from provenance.licensing.money import WHOLE, Money
from provenance.licensing.prices import PER_IMAGE, PriceLine
from provenance.licensing.quotes import Quote, quote_for
from provenance.licensing.reasons import Reason, constraint_reason
from provenance.licensing.subjects import Basis, Right, Subject, WorkBehind
from provenance.licensing.terms import (
    COMMERCIALIZE,
    MODEL_LICENCES,
    USE_OUTPUTS,
    USE_RESTRICTIONS,
    Duty,
    Terms,
    naming_nobody,
)
from provenance.works.crediting import is_unnamed

GOOD_ENOUGH = frozenset({"met", "later"})
MOST_RIGHTS_EXPLAINED = 4
"""Of how many rights that do not fit a refusal says why."""


@dataclass(frozen=True)
class HeldWork:
    """A work behind one's own style whose right is paid for or counted: each is, beside all the others."""

    id: str
    right_id: str
    terms_digest: str
    price: PriceLine | None

    def as_json(self) -> dict[str, Any]:
        """Return the work as its style's answer records it."""
        return {
            "kind": "work",
            "id": self.id,
            "basis": "grant",
            "right": self.right_id,
            "terms_digest": self.terms_digest,
            "price": self.price.as_json() if self.price else None,
        }


@dataclass(frozen=True)
class ReferenceDecision:
    """The answer for one subject."""

    subject: Subject
    basis: Basis
    right_id: str = ""
    licence: str = ""
    terms_digest: str = ""
    duties: tuple[Duty, ...] = ()
    reasons: tuple[Reason, ...] = ()
    price: PriceLine | None = None
    constraints: tuple[Constraint, ...] = ()
    works: tuple[HeldWork, ...] = ()
    """Of one's own style: the works behind it that are paid for or counted; the style itself is then not."""
    may_sell: bool = True
    """Whether pictures may be used commercially; where a model's may not, a duty says so, not how it may be run."""

    @property
    def is_permitted(self) -> bool:
        """Say whether there is a basis for the use."""
        return self.basis != "none"

    @property
    def lines(self) -> dict[tuple[str, str], PriceLine]:
        """Return what each picture costs, by right and by what it is paid for."""
        held = [(self.right_id, self.subject.id, self.price)]
        held += [(work.right_id, work.id, work.price) for work in self.works]
        return {(right, subject): line for right, subject, line in held if line}

    def as_json(self) -> dict[str, Any]:
        """Return the answer as it is recorded."""
        subject = self.subject
        return {
            "kind": subject.kind,
            "id": subject.id,
            "name": subject.name,
            **({"name_zh": subject.name_zh} if subject.name_zh else {}),
            "digest": subject.digest,
            "owner": subject.owner,
            "author": subject.author,
            "found_in": subject.found_in,
            "use": subject.needs,
            "permitted": self.is_permitted,
            "basis": self.basis,
            "right": self.right_id,
            "licence": self.licence,
            "terms_digest": self.terms_digest,
            "commercial": self.may_sell,
            "duties": [duty.as_json() for duty in self.duties],
            "constraints": [constraint.as_json() for constraint in self.constraints],
            "checks": [constraint.as_json() for constraint in constraints_for_later(self.constraints)],
            "price": self.price.as_json() if self.price else None,
            "reasons": [reason.as_json() for reason in self.reasons],
            **({"works": [work.as_json() for work in self.works]} if self.works else {}),
        }


@dataclass(frozen=True)
class Decision:
    """The answer for a whole request: permitted only if every reference is, at a price within the ceiling."""

    references: tuple[ReferenceDecision, ...]
    asked: Asked
    quote: Quote | None = None
    reasons: tuple[Reason, ...] = ()
    """Why the request as a whole is refused although each reference is permitted."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """What the model's maker states of its training set; never a claim that it is cleared."""

    @property
    def is_permitted(self) -> bool:
        """Say whether the request may be made."""
        return not self.reasons and all(reference.is_permitted for reference in self.references)

    @property
    def purpose(self) -> str:
        """Return the declared purpose; the one that asks for most where none was."""
        return self.asked.purpose or COMMERCIAL_UNLESS_SAID

    def refusals(self) -> tuple[ReferenceDecision, ...]:
        """Return the references that have no basis."""
        return tuple(reference for reference in self.references if not reference.is_permitted)

    def as_json(self) -> dict[str, Any]:
        """Return the decision as it is recorded."""
        asked = self.asked
        return {
            "permitted": self.is_permitted,
            "purpose": self.purpose,
            "territory": asked.territory,
            "recipient": asked.recipient,
            "content_rating": asked.content_rating,
            "images": asked.images,
            **({} if asked.is_before_acceptance else {"accepted_terms": sorted(asked.accepted_terms)}),
            "ceiling": asked.ceiling.as_json() if asked.ceiling else None,
            "quote": self.quote.as_json() if self.quote else None,
            "references": [reference.as_json() for reference in self.references],
            "reasons": [reason.as_json() for reason in self.reasons],
            "training": dict(self.training),
        }


def decide(subjects: Iterable[Subject], *, asked: Asked, training: Mapping[str, Any] | None = None) -> Decision:
    """Decide for every subject of a request whether it may be used, on what basis, and what all of it costs."""
    found: list[ReferenceDecision] = []
    for subject in subjects:
        found.append(decide_subject(_paid_already(subject, found), asked=asked))
    answers = _with_inherited_restrictions(_each_right_once(found))
    lines = list({key: line for answer in answers for key, line in answer.lines.items()}.values())
    currencies = sorted({line.money.currency for line in lines})
    if len(currencies) > 1:
        refused = (say.CURRENCIES_DIFFER("", currencies=", ".join(currencies)),)
        return Decision(answers, asked, reasons=refused, training=training or {})
    quote = quote_for(lines, images=asked.images)
    return Decision(answers, asked, quote=quote, reasons=_above_ceiling(quote, asked), training=training or {})


def held_to_quote(decision: Decision, *, quoted: Mapping[str, Any] | None) -> Decision:
    """Return a decision made anew, refused where it costs what its requester, who set no ceiling, was never told."""
    quote = decision.quote
    if quote is None or decision.asked.ceiling is not None or not quote.total:
        return decision
    known = int(quoted["total"]) if quoted and quoted["currency"] == quote.currency else 0
    if quote.total <= known:
        return decision
    fault = say.ABOVE_QUOTE("", total=quote.written(), quoted=Money(known, quote.currency).written())
    return replace(decision, reasons=(*decision.reasons, fault))


def decide_subject(subject: Subject, *, asked: Asked) -> ReferenceDecision:
    """Decide for one subject: an opt-out first, then own work, then of the rights that fit the cheapest.

    A style stands on its works: what stops one of them stops the style, its owner's own uses included.
    """
    if barred := _barred(subject):
        return _refused(subject, *barred)
    if subject.is_own:
        return _decide_own(subject, asked=asked)
    right = _fitting(subject, subject.rights, asked=asked)
    return _permitted(subject, right) if right else _refused(subject, *_why_not(subject, asked=asked))


def _paid_already(subject: Subject, answers: Iterable[ReferenceDecision]) -> Subject:
    """Return a party's name with what its declared styles pay for anyway: one grant is paid once for each picture."""
    paid = {right for answer in answers for right, _ in answer.lines}
    if subject.kind != "name" or not paid:
        return subject
    free = {right.id: replace(right, terms=replace(right.terms, price=None)) for right in subject.rights}
    return replace(subject, rights=tuple(free[one.id] if one.id in paid else one for one in subject.rights))


def model_rights(licence: str) -> tuple[Right, ...]:
    """Return what a model's licence allows; nothing for a licence that is not known."""
    terms = MODEL_LICENCES.get(licence)
    return (Right(basis="model-licence", terms=terms, id=licence),) if terms else ()


def restrictions_to_accept(licence: str) -> str:
    """Return the digest that accepts a model licence's use restrictions; empty where it has none."""
    terms = MODEL_LICENCES.get(licence)
    return terms.digest() if terms and USE_RESTRICTIONS in terms.duties else ""


def _barred(subject: Subject) -> list[Reason]:
    """Return why a subject may not be used whatever rights there are; nothing where it may."""
    if subject.is_opted_out:
        is_open = any(right.basis == "open-licence" for right in subject.rights)
        return [(say.OPTED_OUT_BY_POLICY if is_open else say.OPTED_OUT)(subject.called)]
    if subject.is_withdrawn:
        return [say.WITHDRAWN(subject.called)]
    named = ((say.WORK_OPTED_OUT, subject.opted_out_works), (say.WORK_WITHDRAWN, subject.withdrawn_works))
    return [sentence(subject.called, works=works) for sentence, works in named if works]


def _decide_own(subject: Subject, *, asked: Asked) -> ReferenceDecision:
    """Decide on what the requester owns: freely, but for the works of others that it stands on or was made with."""
    if subject.inherited is not None:
        return _decide_inherited(subject, subject.inherited, asked=asked)
    if not subject.others_works:
        return ReferenceDecision(subject, basis="own-work", reasons=(say.OWN_WORK(subject.called),))
    found = [(work, _fitting(subject, work.rights, asked=asked)) for work in subject.others_works]
    if missing := tuple(work.name for work, right in found if right is None):
        return _refused(subject, say.WORKS_WITHOUT_BASIS(subject.called, works=missing))
    rights = [right for _, right in found if right]
    works = _held((work, right) for work, right in found if right)
    if len(currencies := sorted({work.price.money.currency for work in works if work.price})) > 1:
        return _refused(subject, say.CURRENCIES_DIFFER(subject.called, currencies=", ".join(currencies)))
    right = _combined(rights)
    sentence = say.INHERITED if all(one.basis == "own-work" for one in rights) else say.BY_WORKS
    reasons = (sentence(subject.called, right.terms.licence),)
    return replace(_permitted(subject, right), works=works, reasons=reasons)


def _decide_inherited(subject: Subject, terms: Terms, *, asked: Asked) -> ReferenceDecision:
    """Decide on a picture of the requester's own to which conditions travelled from what it was made with."""
    right = Right(basis="own-work", terms=terms, id="")
    if faults := _faults(subject, right, asked=asked):
        return _refused(subject, *faults)
    return replace(_permitted(subject, right), reasons=(say.INHERITED(subject.called, terms.licence),))


def _combined(rights: list[Right]) -> Right:
    """Return the right that is left where several must hold at once: the strictest, narrowed to all the others.

    It has no price: what is paid for or counted is held for each work. One of these is the one that is recorded.
    """
    strictest = max(rights, key=lambda right: (len(right.terms.duties), -len(right.terms.permissions)))
    kept = next((right for right in rights if _is_accountable(right)), strictest)
    terms = replace(kept.terms, price=None)
    for right in rights:
        terms = terms.narrowed_to(replace(right.terms, price=None))
    return replace(kept, terms=terms, terms_digest="")


def _held(rights: Iterable[tuple[WorkBehind, Right]]) -> tuple[HeldWork, ...]:
    """Return the works whose rights are paid for or counted."""
    return tuple(
        HeldWork(work.id, right.id, right.terms_digest or right.terms.digest(), _price_line(right))
        for work, right in rights
        if _is_accountable(right)
    )


def _each_right_once(answers: list[ReferenceDecision]) -> list[ReferenceDecision]:
    """Let a right in several works behind own styles be paid once in a request, for one of them (decision 0031)."""
    named = {(answer.right_id, answer.subject.id) for answer in answers}
    works = [work for answer in answers for work in answer.works]
    works.sort(key=lambda one: ((one.right_id, one.id) not in named, not (one.price and one.price.is_owed), one.id))
    first = {work.right_id: work for work in reversed(works)}
    once = [tuple({work.right_id: first[work.right_id] for work in answer.works}.values()) for answer in answers]
    return [replace(answer, works=kept) for answer, kept in zip(answers, once, strict=True)]


def _is_accountable(right: Right) -> bool:
    """Say whether each picture made under a right is paid for or counted."""
    return bool(right.price) or right.terms.most_uses is not None


def _fitting(subject: Subject, rights: tuple[Right, ...], *, asked: Asked) -> Right | None:
    """Return the cheapest right that covers the use, the earliest of equals; None where there is none."""
    fitting = (right for right in _cheapest_first(rights) if _fits(subject, right, asked=asked))
    return next(fitting, None)


def _cheapest_first(rights: tuple[Right, ...]) -> Iterable[Right]:
    if not any(right.terms.price for right in rights):
        return rights
    return sorted(rights, key=lambda right: right.price.minor_units if right.price else 0)


def _fits(subject: Subject, right: Right, *, asked: Asked) -> bool:
    terms = right.terms
    if subject.needs not in terms.permissions or subject.needs in terms.prohibitions:
        return False
    for one in terms.constraints:  # of a thousand grants most fail here: a loop is a third faster than all()
        if outcome(one, asked, used=right.used) not in GOOD_ENOUGH:
            return False
    return not _faults(subject, right, asked=asked)


def _faults(subject: Subject, right: Right, *, asked: Asked) -> list[Reason]:
    """Return everything in a right that stands against a use."""
    terms, name = right.terms, subject.called
    faults = []
    if subject.needs in terms.prohibitions or (asked.is_commercial and COMMERCIALIZE in terms.prohibitions):
        faults.append(say.PROHIBITED(name))
    elif subject.needs not in terms.permissions:
        faults.append(say.USE_NOT_PERMITTED(name, terms.licence))
    if asked.is_commercial and COMMERCIALIZE not in terms.permissions and terms.permissions and not faults:
        faults.append(say.NOT_COMMERCIAL(name, terms.licence))
    if subject.kind == "model":
        faults += _model_faults(subject, terms, asked=asked)
    if right.price and subject.found_in == "prompt" and not asked.is_prompt_public:
        faults.append(say.PRICED_NAME_UNDISCLOSED(name))
    against = unmet(terms.constraints, asked, used=right.used)
    return faults + [constraint_reason(name, constraint, result) for constraint, result in against]


def _model_faults(subject: Subject, terms: Terms, *, asked: Asked) -> list[Reason]:
    """Running a model is one thing and using what it makes another; its restrictions bind whoever accepts them."""
    faults = []
    if USE_OUTPUTS not in terms.permissions:
        faults.append(say.OUTPUTS_NOT_USABLE(subject.called, terms.licence))
    is_accepted = asked.is_before_acceptance or terms.digest() in asked.accepted_terms
    if USE_RESTRICTIONS in terms.duties and not is_accepted:
        faults.append(say.RESTRICTIONS_NOT_ACCEPTED(subject.called, terms.licence, digest=terms.digest()))
    return faults


def _why_not(subject: Subject, *, asked: Asked) -> list[Reason]:
    """Return why no right fits: of the first few, each reason once."""
    tried = subject.rights[:MOST_RIGHTS_EXPLAINED]
    found = [fault for right in tried for fault in _faults(subject, right, asked=asked)]
    return list(dict.fromkeys(found)) or [say.NO_BASIS(subject.called)]


def _permitted(subject: Subject, right: Right) -> ReferenceDecision:
    reason = {"grant": say.BY_GRANT, "open-licence": say.BY_OPEN_LICENCE}.get(right.basis, say.BY_MODEL_LICENCE)
    return ReferenceDecision(
        subject,
        basis=right.basis,
        right_id=right.id,
        licence=right.terms.licence,
        terms_digest=right.terms_digest or right.terms.digest(),
        duties=naming_nobody(right.terms.duties) if is_unnamed(subject.author) else right.terms.duties,
        reasons=(reason(subject.called, right.terms.licence),),
        price=_price_line(right),
        constraints=right.terms.constraints,
        may_sell=subject.kind == "model" or COMMERCIALIZE in right.terms.permissions - right.terms.prohibitions,
    )


def _price_line(right: Right) -> PriceLine | None:
    """Return what a use under a right costs; nothing to those who would pay themselves, and that is said."""
    if right.price is None:
        return None
    owed = Money(0, right.price.currency) if right.is_self_dealing else right.price
    return PriceLine(owed, PER_IMAGE, dict(right.splits or (("", WHOLE),)), right.is_self_dealing)


def _refused(subject: Subject, *why: Reason) -> ReferenceDecision:
    if subject.kind == "model" and not subject.rights:
        why = (say.UNKNOWN_MODEL_LICENCE(subject.called),)
    return ReferenceDecision(subject, basis="none", reasons=why)


def _with_inherited_restrictions(answers: list[ReferenceDecision]) -> tuple[ReferenceDecision, ...]:
    """An adapter inherits the use restrictions of the model that it was made for."""
    if not any(answer.subject.kind == "model" and USE_RESTRICTIONS in answer.duties for answer in answers):
        return tuple(answers)
    return tuple(
        replace(answer, duties=(*answer.duties, USE_RESTRICTIONS))
        if answer.subject.kind == "adapter" and answer.is_permitted and USE_RESTRICTIONS not in answer.duties
        else answer
        for answer in answers
    )


def _above_ceiling(quote: Quote | None, asked: Asked) -> tuple[Reason, ...]:
    if quote is None or asked.ceiling is None:
        return ()
    if quote.currency != asked.ceiling.currency:
        return (say.CURRENCIES_DIFFER("", currencies=f"{quote.currency}, {asked.ceiling.currency}"),)
    if quote.total <= asked.ceiling.minor_units:
        return ()
    return (say.ABOVE_CEILING("", total=quote.written(), ceiling=asked.ceiling.written()),)
