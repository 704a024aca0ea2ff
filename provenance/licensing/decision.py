"""The licence decision: may these references be used for this, on what basis, with what duties?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from provenance.licensing.terms import COMMERCIALIZE, MODEL_LICENCES, Duty, Terms

SubjectKind = Literal["model", "style", "adapter", "work", "image", "name"]
Basis = Literal["grant", "open-licence", "own-work", "model-licence", "none"]

MOST_WORKS_NAMED = 3
"""How many works one reason names before it only counts the rest."""
COMMERCIAL_UNLESS_SAID = "commercial"
"""A purpose that the requester leaves open is read as the one that asks for most."""


@dataclass(frozen=True)
class Reason:
    """Why a reference was permitted or refused, in both languages."""

    code: str
    en: str
    zh: str

    def as_json(self) -> dict[str, str]:
        """Return the reason as it is recorded."""
        return {"code": self.code, "en": self.en, "zh-Hans": self.zh}


@dataclass(frozen=True)
class Right:
    """One way in which a reference may be permitted: an offer's open terms, or a grant's."""

    basis: Basis
    terms: Terms
    id: str


@dataclass(frozen=True)
class Subject:
    """One thing that a request makes use of, with all that is known of its rights."""

    kind: SubjectKind
    id: str
    name: str
    needs: str
    """The ODRL action that the use amounts to."""
    digest: str = ""
    owner: str = ""
    author: str = ""
    found_in: Literal["declared", "prompt"] = "declared"
    is_own: bool = False
    is_withdrawn: bool = False
    is_opted_out: bool = False
    opted_out_works: tuple[str, ...] = ()
    """Of a style: what the works behind it are called whose rightsholders said no."""
    withdrawn_works: tuple[str, ...] = ()
    """Of a style: what the works behind it are called that were withdrawn or are in dispute."""
    rights: tuple[Right, ...] = ()


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

    @property
    def is_permitted(self) -> bool:
        """Say whether there is a basis for the use."""
        return self.basis != "none"

    def as_json(self) -> dict[str, Any]:
        """Return the answer as it is recorded."""
        subject = self.subject
        return {
            "kind": subject.kind,
            "id": subject.id,
            "name": subject.name,
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
            "duties": [duty.as_json() for duty in self.duties],
            "reasons": [reason.as_json() for reason in self.reasons],
        }


@dataclass(frozen=True)
class Decision:
    """The answer for a whole request: permitted only if every reference is."""

    references: tuple[ReferenceDecision, ...]
    purpose: str = COMMERCIAL_UNLESS_SAID
    training: Mapping[str, Any] = field(default_factory=dict)
    """What the model's maker states of its training set; never a claim that it is cleared."""

    @property
    def is_permitted(self) -> bool:
        """Say whether the request may be made."""
        return all(reference.is_permitted for reference in self.references)

    def refusals(self) -> tuple[ReferenceDecision, ...]:
        """Return the references that have no basis."""
        return tuple(reference for reference in self.references if not reference.is_permitted)

    def as_json(self) -> dict[str, Any]:
        """Return the decision as it is recorded."""
        return {
            "permitted": self.is_permitted,
            "purpose": self.purpose,
            "references": [reference.as_json() for reference in self.references],
            "training": dict(self.training),
        }


def decide(subjects: Iterable[Subject], *, purpose: str = "", training: Mapping[str, Any] | None = None) -> Decision:
    """Decide for every subject of a request whether it may be used, and on what basis."""
    declared = purpose or COMMERCIAL_UNLESS_SAID
    answers = tuple(decide_subject(subject, purpose=declared) for subject in subjects)
    return Decision(references=answers, purpose=declared, training=training or {})


def decide_subject(subject: Subject, *, purpose: str) -> ReferenceDecision:
    """Decide for one subject: an opt-out first, then own work, then the first right that fits.

    A style stands on its works: what stops one of them stops the style.
    """
    if barred := _barred(subject):
        return _refused(subject, *barred)
    if subject.is_own:
        return ReferenceDecision(subject, basis="own-work", reasons=(OWN_WORK(subject.name),))
    refusals: list[Reason] = []
    for right in subject.rights:
        faults = _faults(subject, right.terms, purpose=purpose)
        if not faults:
            return _permitted(subject, right)
        refusals.extend(faults)
    return _refused(subject, *(refusals or [NO_BASIS(subject.name)]))


def model_rights(licence: str) -> tuple[Right, ...]:
    """Return what a model's licence allows; nothing for a licence that is not known."""
    terms = MODEL_LICENCES.get(licence)
    return (Right(basis="model-licence", terms=terms, id=licence),) if terms else ()


def _barred(subject: Subject) -> list[Reason]:
    """Return why a subject may not be used whatever rights there are; nothing where it may."""
    if subject.is_opted_out:
        return [OPTED_OUT(subject.name)]
    if subject.is_withdrawn:
        return [WITHDRAWN(subject.name)]
    named = ((WORK_OPTED_OUT, subject.opted_out_works), (WORK_WITHDRAWN, subject.withdrawn_works))
    return [sentence(subject.name, works=works) for sentence, works in named if works]


def _faults(subject: Subject, terms: Terms, *, purpose: str) -> Sequence[Reason]:
    faults = []
    if subject.needs not in terms.permissions:
        faults.append(USE_NOT_PERMITTED(subject.name, terms.licence))
    if purpose != "non-commercial" and COMMERCIALIZE not in terms.permissions and terms.permissions:
        faults.append(NOT_COMMERCIAL(subject.name, terms.licence))
    return faults


def _permitted(subject: Subject, right: Right) -> ReferenceDecision:
    reason = {"grant": BY_GRANT, "open-licence": BY_OPEN_LICENCE}.get(right.basis, BY_MODEL_LICENCE)
    return ReferenceDecision(
        subject,
        basis=right.basis,
        right_id=right.id,
        licence=right.terms.licence,
        terms_digest=right.terms.digest(),
        duties=right.terms.duties,
        reasons=(reason(subject.name, right.terms.licence),),
    )


def _refused(subject: Subject, *reasons: Reason) -> ReferenceDecision:
    if subject.kind == "model" and not subject.rights:
        reasons = (UNKNOWN_MODEL_LICENCE(subject.name),)
    return ReferenceDecision(subject, basis="none", reasons=reasons)


class _Sentence:
    """A reason's two templates; called with the name and the licence it speaks of."""

    def __init__(self, code: str, en: str, zh: str) -> None:
        self.code, self.en, self.zh = code, en, zh

    def __call__(self, name: str, licence: str = "", *, works: Sequence[str] = ()) -> Reason:
        values = {"name": name, "licence": licence}
        more = len(works) - MOST_WORKS_NAMED
        named = works[:MOST_WORKS_NAMED]
        en = ", ".join(named) + (f" and {more} more" if more > 0 else "")
        zh = "、".join(named) + (f" 等 {len(works)} 件" if more > 0 else "")
        return Reason(self.code, self.en.format(**values, works=en), self.zh.format(**values, works=zh))


OPTED_OUT = _Sentence(
    "opted-out",
    "The rightsholder of {name} has opted out; it may not be used. Choose another reference.",
    "{name} 的权利人已选择退出，不得使用。请另选参考。",
)
WITHDRAWN = _Sentence(
    "withdrawn",
    "{name} has been withdrawn or is in dispute. Choose another reference.",
    "{name} 已撤回或处于争议中。请另选参考。",
)
WORK_OPTED_OUT = _Sentence(
    "work-opted-out",
    "{name} stands on {works}, and the rightsholder has opted out; the style may not be used. Choose another.",
    "{name} 依据的作品 {works} 的权利人已选择退出，该风格不得使用。请另选风格。",
)
WORK_WITHDRAWN = _Sentence(
    "work-withdrawn",
    "{name} stands on {works}, withdrawn or in dispute; the style may not be used. Choose another.",
    "{name} 依据的作品 {works} 已撤回或处于争议中，该风格不得使用。请另选风格。",
)
OWN_WORK = _Sentence("own-work", "{name} is your own work.", "{name} 是您自己的作品。")
NO_BASIS = _Sentence(
    "no-basis",
    "There is no open licence and no grant for {name}. Ask its rightsholder for a grant, or leave it out.",
    "{name} 没有开放许可，您也没有授权。请向权利人申请授权，或不使用它。",
)
USE_NOT_PERMITTED = _Sentence(
    "use-not-permitted",
    "{licence} does not permit this use of {name}. Ask its rightsholder for a grant, or leave it out.",
    "{licence} 不允许以此方式使用 {name}。请向权利人申请授权，或不使用它。",
)
NOT_COMMERCIAL = _Sentence(
    "not-commercial",
    "{licence} permits {name} for non-commercial purposes only. Declare that purpose, or leave it out.",
    "{licence} 只允许将 {name} 用于非商业目的。请声明非商业目的，或不使用它。",
)
UNKNOWN_MODEL_LICENCE = _Sentence(
    "unknown-model-licence",
    "The licence of the model {name} is not known. Ask the operator to register it with its licence.",
    "模型 {name} 的许可证未知。请运营者登记其许可证。",
)
BY_GRANT = _Sentence("granted", "You hold a grant for {name}.", "您拥有 {name} 的授权。")
BY_OPEN_LICENCE = _Sentence(
    "open-licence", "{name} is offered to everyone under {licence}.", "{name} 以 {licence} 向所有人开放。"
)
BY_MODEL_LICENCE = _Sentence(
    "model-licence", "The model {name} may be run under {licence}.", "模型 {name} 可依 {licence} 运行。"
)
