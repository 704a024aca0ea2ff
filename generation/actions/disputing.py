"""Disputes over delivered images: whichever of its files somebody names or lists, it is the image that is disputed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from django.db import transaction

from generation import image_files
from provenance.actor import Actor
from provenance.disputes import queries as disputes
from provenance.disputes.actions import assessing, noticing
from provenance.disputes.errors import ImageDisputed
from provenance.disputes.evidence import EvidenceFile
from provenance.disputes.models import Dispute
from provenance.disputes.notice import Notice


@transaction.atomic
def give_notice(*, actor: Actor, notice: Notice, evidence: Sequence[EvidenceFile] = ()) -> tuple[Dispute, str]:
    """Record a notice and return its dispute and secret; one against any file of an image is against the first one.

    Whose request the image was may answer. Raises what noticing raises.
    """
    image = image_files.image_that_is(notice.subject) if notice.subject_kind == "image" else None
    if image is None:
        return noticing.give_notice(actor=actor, notice=notice, evidence=evidence)
    about_it = dataclasses.replace(notice, subject=image.digest)
    return noticing.give_notice(
        actor=actor, notice=about_it, evidence=evidence, respondent=image.generation.owner_id
    )


@transaction.atomic
def assess(*, actor: Actor, dispute: Dispute, is_complete: bool, reason: str) -> Dispute:
    """Find a notice complete or not; over an image, works that are any of its files are stopped."""
    files = image_files.files_of_image(dispute.subject) if dispute.subject_kind == "image" else ()
    return assessing.assess(actor=actor, dispute=dispute, is_complete=is_complete, reason=reason, files=files)


def require_undisputed(digest: str, pixels: str) -> None:
    """Raise ImageDisputed for a picture that is a delivered image over which a dispute stands or was upheld."""
    forms = [*image_files.forms_with(digest=digest), *image_files.forms_with(delivered_pixels=pixels)]
    images = {form.output.digest for form in forms}
    for dispute in (*disputes.standing_against(images), *disputes.upheld_against(images)):
        raise ImageDisputed(dispute=dispute.pk)
