"""Holding finished pictures against the likeness limits of the terms that they were made on, before delivery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from generation.errors import LikenessUnknown, TooAlike
from generation.models import Generation
from provenance.attribution import queries as attribution
from provenance.fingerprint import PLAIN_BELOW, Fingerprint, distance, fingerprint_of
from provenance.works.queries import works_behind

BITS = 256
"""Of one PDQ code; two codes that differ in none are alike by 100 percent."""


def require_unlike(generation: Generation, *, images: Sequence[Any]) -> None:
    """Raise TooAlike where a picture is liker to a listed work than the terms of a reference allow.

    Where a picture or a work has too little detail for a fingerprint, or none was kept, nobody can tell, and
    LikenessUnknown is raised: a limit that cannot be checked is not met.
    """
    limited = [answer for answer in generation.decision["references"] if answer.get("checks")]
    if not limited:
        return
    made = [fingerprint_of(image) for image in images]
    for answer in limited:
        limit = min(int(check["rightOperand"]) for check in answer["checks"])
        likest = _likest(made, answer=answer)
        if likest > limit:
            raise TooAlike(name=answer["name"], likeness=likest, limit=limit)


def _likest(made: Iterable[Fingerprint], *, answer: Mapping[str, Any]) -> int:
    """Return how like the likest picture is to the likest listed work, in percent rounded up."""
    listed = [_codes_of(work) for work in works_behind(answer["kind"], UUID(answer["id"]))]
    codes = [() if fingerprint.is_plain else fingerprint.pdq[:1] for fingerprint in made]
    if not listed or not all(listed) or not all(codes):
        raise LikenessUnknown(name=answer["name"])
    least = min(distance(code, window) for (code,) in codes for windows in listed for window in windows)
    return -(-(BITS - least) * 100 // BITS)


def _codes_of(work: UUID) -> tuple[bytes, ...]:
    kept = attribution.kept_of("work", subject=work).first()
    return attribution.codes_of(kept) if kept and kept.quality >= PLAIN_BELOW else ()
