"""Edits that were made elsewhere: what comes back must be the image still, and nobody else's picture."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from generation.errors import LooksLikeAnother, NotARetouch
from generation.models import Generation
from generation.rendition import resembles
from provenance.actor import Actor
from provenance.attribution import queries as attribution
from provenance.fingerprint import POSSIBLE_WITHIN, Fingerprint, fingerprint_of
from provenance.works import queries as works

OTHERS = ("work", "opt-out")


def require_retouch(generation: Generation, *, before: Any, after: Any, actor: Actor) -> None:
    """Raise where a picture that was sent as an edit of an image is not to be signed as one; nothing is written.

    Raises LooksLikeAnother where it is near a picture that is listed or opted out, as an input picture would be
    flagged for, and NotARetouch where it does not resemble the image. What the image was near itself, or was made
    from, and the sender's own works are no reason.
    """
    was, now = fingerprint_of(before), fingerprint_of(after)
    known = _known(generation, was)
    near = attribution.near(now, kinds=OTHERS, both_ways=True)
    known |= works.works_owned([match.subject for match in near if match.kind == "work"], account_id=actor.account_id)
    for match in near:
        if match.subject not in known:
            raise LooksLikeAnother(kind=match.kind, subject=match.subject)
    if not resembles(after, before, fingerprints=(now, was)):
        raise NotARetouch()


def _known(generation: Generation, fingerprint: Fingerprint) -> set[UUID]:
    near = attribution.near(fingerprint, kinds=OTHERS, within=POSSIBLE_WITHIN, both_ways=True)
    return {match.subject for match in near} | {UUID(row["work"]) for row in generation.inputs if row.get("work")}
