"""Whether works may be trained on: teaching a model, and drawing with the adapter that comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.utils import timezone

from provenance.actor import Actor
from provenance.licensing.decision import decide_subject
from provenance.licensing.declared import Asked
from provenance.licensing.queries.standing import standing
from provenance.licensing.reasons import Reason
from provenance.licensing.subjects import Subject
from provenance.licensing.terms import TRAIN, USE_ADAPTER
from provenance.works.models import Work
from provenance.works.queries import parties_of

PRICED = Reason(
    "priced-by-the-image",
    "Its terms ask a price for each image, and training has no images to pay by. Ask for a grant without one.",
    "其条款按图片收费，而训练无法按图片付费。请索取不收费的授权。",
)


def decisions_to_train(*, actor: Actor, works: Sequence[Work], purpose: str = "") -> dict[str, Mapping[str, Any]]:
    """Return the answer for each work by its id: its own, openly licensed, or granted for both uses, or refused.

    The reasons name works by their ids.
    """
    owners = {work.owner_id for work in works}
    own = frozenset(parties_of(actor.account_id))
    now = standing(licensee=actor.account_id, own=own, subjects=owners, parties=owners, works=works)
    subjects = [
        Subject(
            kind="work",
            id=str(work.pk),
            name=str(work.pk),
            needs=TRAIN,
            digest=work.digest,
            owner=work.owner.name,
            author=work.author_credit,
            is_own=work.owner_id in now.own_parties,
            is_withdrawn=work.state != Work.State.ACTIVE,
            is_opted_out=now.refuses(work.pk, work.owner_id),
            inherited=now.inherited.get(work.digest),
            rights=now.rights[work.pk],
        )
        for work in works
    ]
    asked = Asked(at=timezone.now(), purpose=purpose)
    return {subject.id: _answer(subject, asked=asked) for subject in subjects}


def _answer(subject: Subject, *, asked: Asked) -> Mapping[str, Any]:
    """Return the first refusal of the two uses that training amounts to, else what permits the teaching."""
    taught, drawn = (decide_subject(replace(subject, needs=use), asked=asked) for use in (TRAIN, USE_ADAPTER))
    answer = taught if drawn.is_permitted or not taught.is_permitted else drawn
    if answer.is_permitted and (taught.price or drawn.price):
        return {**answer.as_json(), "permitted": False, "basis": "none", "reasons": [PRICED.as_json()]}
    return answer.as_json()
