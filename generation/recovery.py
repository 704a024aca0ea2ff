"""Delivered images of which a picture may be a copy although bytes, manifest and pixels differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from generation.image_files import Form
from generation.models import Output, Rendition
from provenance.attribution import queries as attribution
from provenance.attribution.chances import chance_of_a_stranger
from provenance.attribution.queries import Match
from provenance.fingerprint import CONFIRMED_WITHIN, POSSIBLE_WITHIN, Fingerprint, Look, iscc_distance

RENDITION = "rendition"
"""The stage of a later form's fingerprint."""
MOST_TOLD = 100
"""Candidates of one picture that are told; how many there are is told with each."""


@dataclass(frozen=True)
class Likeness:
    """A delivered image, in the form that a picture is nearest to, and how near."""

    form: Form
    match: Match
    iscc_apart: int
    """Bits of 64 in which the ISCC codes differ: the second method."""
    candidates: int
    """How many delivered images the picture is near to, this one included."""

    @property
    def output(self) -> Output:
        """Return the image that the form is of."""
        return self.form.output

    @property
    def is_confirmed(self) -> bool:
        """Say whether this is more than a possible copy: near enough, or near and confirmed by the second method."""
        return self.match.is_sure or self.iscc_apart <= CONFIRMED_WITHIN

    def told(self) -> dict[str, Any]:
        """Return how sure the match is, for the public."""
        grade = "within_31" if self.match.is_sure else "confirmed" if self.is_confirmed else "within_64"
        return {
            "methods": ["pdq", "iscc"] if self.iscc_apart <= CONFIRMED_WITHIN else ["pdq"],
            "pdq": {"distance": self.match.distance, "bits": 256, "window": self.match.window},
            "iscc": {"distance": self.iscc_apart, "bits": 64},
            "stage": self.match.stage,
            "is_plain": self.match.is_plain,
            "candidates": self.candidates,
            "stranger": chance_of_a_stranger(grade, pictures=attribution.pictures_held()),
        }


def likenesses(fingerprint: Fingerprint | Look) -> list[Likeness]:
    """Return the delivered images that a picture is near to, once each, the nearest first: the first hundred."""
    files = attribution.near_files(fingerprint, kinds=["image"], within=POSSIBLE_WITHIN, loosely=True)
    if not files:
        return []
    images = _surest_of_each(files, iscc=fingerprint.iscc)
    told = images[:MOST_TOLD]
    outputs = outputs_by_use(match.subject for match in told)
    later = _renditions(match.digest for match in told if match.stage == RENDITION)
    return [
        Likeness(
            form=Form(outputs[match.subject], later.get(match.digest)),
            match=match,
            iscc_apart=iscc_distance(fingerprint.iscc, match.iscc),
            candidates=len(images),
        )
        for match in told
        if match.subject in outputs
    ]


def _surest_of_each(files: Iterable[Match], *, iscc: str) -> list[Match]:
    """Return one file of each image: a nearer one that nothing confirms stands back behind one that is confirmed."""
    by_image: dict[UUID, list[Match]] = {}
    for match in files:
        by_image.setdefault(match.subject, []).append(match)
    return [_surest(own, iscc=iscc) if len(own) > 1 else own[0] for own in by_image.values()]


def _surest(files: Sequence[Match], *, iscc: str) -> Match:
    def is_confirmed(match: Match) -> bool:
        return match.is_sure or iscc_distance(iscc, match.iscc) <= CONFIRMED_WITHIN

    return min(files, key=lambda match: (not is_confirmed(match), match.distance))


def with_same_iscc(iscc: str) -> list[Form]:
    """Return the delivered images with an ISCC code, the first form that has it; none for that of a featureless one."""
    if iscc_distance(iscc, iscc):
        return []
    rows = attribution.with_iscc(iscc, kinds=["image"])[:MOST_TOLD]
    kept = {row.subject_id: row for row in reversed(rows)}  # the oldest row of an image is of its first form
    outputs = outputs_by_use(kept)
    later = _renditions(row.digest for row in kept.values() if row.stage == RENDITION)
    return [Form(output, later.get(kept[use].digest)) for use, output in outputs.items()]


def _renditions(digests: Iterable[str]) -> dict[str, Rendition]:
    wanted = list(digests)
    found = Rendition.objects.filter(digest__in=wanted) if wanted else ()
    return {rendition.digest: rendition for rendition in found}


def outputs_by_use(uses: Iterable[UUID]) -> dict[UUID, Output]:
    """Return the delivered images of some uses whose record was not erased."""
    # Without the model's vocabulary: some hundred kilobytes.
    outputs = Output.objects.select_related("generation__model").defer("generation__model__vocabulary")
    outputs = outputs.filter(use_id__in=list(uses), generation__erased_at=None)
    return {output.use_id: output for output in outputs}
