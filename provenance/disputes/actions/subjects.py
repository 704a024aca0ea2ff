"""What a dispute does to its subject: uses stop and money waits, then all goes on, is taken out, or changes hands."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from provenance.actor import Actor
from provenance.disputes import queries
from provenance.disputes.models import Dispute
from provenance.disputes.notice import OPT_OUT
from provenance.licensing.actions import holding, reassigning
from provenance.works.actions import disputing as works
from provenance.works.actions.flagging import hold_listing
from provenance.works.queries import works_with

Named = tuple[str, UUID]


def stop_uses(
    actor: Actor, dispute: Dispute, *, files: Sequence[tuple[str, str]] = ()
) -> list[dict[str, str]]:
    """Stop new uses of what a dispute is about; return all that it stops, each with the state that it had.

    The state is empty where another dispute had stopped it already. An image is stopped as an input: wherever
    somebody listed one of its files, or the same pixels, as a work.
    """
    stopped = [
        {"kind": kind, "id": str(pk), "state": works.put_in_dispute(actor, kind, pk)}
        for kind, pk in _subjects(dispute, files=files)
    ]
    holding.hold(subject_kind=dispute.subject_kind, subject_id=dispute.subject, reason=_reason(dispute), actor=actor)
    return stopped


def let_go_on(actor: Actor, dispute: Dispute) -> None:
    """Give what a dispute stopped its state back, and let its money go on.

    What another dispute stops too is for that one to give back.
    """
    for one in dispute.stopped:
        if not one["state"]:
            continue
        other = queries.others_stopping(dispute, one["id"]).select_for_update().first()
        if other:
            other.stopped = [*(named for named in other.stopped if named["id"] != one["id"]), one]
            other.save(update_fields=["stopped"])
        else:
            works.end_dispute(actor, one["kind"], UUID(one["id"]), state=one["state"])
    holding.release(
        subject_kind=dispute.subject_kind, subject_id=dispute.subject, reason=_reason(dispute), actor=actor
    )


def carry_out(actor: Actor, dispute: Dispute) -> list[UUID]:
    """Carry out the remedy of an upheld dispute: out of use, or to its new owner together with what was held.

    What a rejected work or style earned stays held: whom it is owed to is for the sides to settle. What was opted out
    gets its state back: it is the claim, which holds from now on, that stops it. Returns the claims of a former owner
    that ended: the caller ends their disputes.
    """
    ended: list[UUID] = []
    if dispute.remedy == OPT_OUT:
        let_go_on(actor, dispute)
        return ended
    for kind, pk in _subjects(dispute):
        if dispute.remedy == "reassign" and dispute.new_owner:
            former = works.hand_over(actor, kind, pk, owner=dispute.new_owner)
            reassigning.end_licences(actor, kind, pk)
            ended += reassigning.end_opt_outs(actor, kind, pk, former=former)
        else:
            works.reject(actor, kind, pk)
    if dispute.remedy == "reassign" and dispute.new_owner:
        holding.reassign(
            subject_kind=dispute.subject_kind, subject_id=dispute.subject, reason=_reason(dispute),
            owner=dispute.new_owner, actor=actor,
        )  # fmt: skip
        let_go_on(actor, dispute)
    return ended


def _reason(dispute: Dispute) -> str:
    return f"dispute {dispute.pk}"


def _subjects(dispute: Dispute, *, files: Sequence[tuple[str, str]] = ()) -> list[Named]:
    """Return what a dispute is about; of an image the works that are one of its files, and all that it stopped."""
    if dispute.subject_kind != "image":
        return [(dispute.subject_kind, UUID(dispute.subject))]
    hold_listing()  # what is being listed now is found here, or finds this dispute
    found = {UUID(one["id"]) for one in dispute.stopped}
    for digest, pixels in (*files, (dispute.subject, "")):
        found.update(work.pk for work in works_with(digest=digest, pixel_digest=pixels))
    return [("work", pk) for pk in sorted(found)]
