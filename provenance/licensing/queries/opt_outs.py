"""Reading opt-outs: those in force, those that are published, and what they are about."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from provenance.actor import Actor
from provenance.attribution import queries as fingerprints
from provenance.fingerprint import Fingerprint
from provenance.licensing.errors import UnknownOptOut
from provenance.licensing.models import Grant, LedgerTransaction, OptOut, OptOutMatch
from provenance.works.models import Flag, Party, Style, Work
from provenance.works.queries import parties_of

IN_FORCE = OptOut.State.ACTIVE


def in_force() -> QuerySet[OptOut]:
    """Return the opt-outs that hold now."""
    return OptOut.objects.filter(state=IN_FORCE)


def said_no(subject_kind: str) -> QuerySet[OptOut, UUID]:
    """Return the ids of the styles, works or parties to whose use somebody said no."""
    return in_force().filter(subject_kind=subject_kind).values_list("subject_id", flat=True)


def works_matched() -> QuerySet[OptOutMatch, UUID]:
    """Return the ids of the works that are an opted-out picture or a changed copy of one."""
    return OptOutMatch.objects.filter(opt_out__state=IN_FORCE).values_list("work_id", flat=True)


def published() -> QuerySet[OptOut]:
    """Return every opt-out in force, the newest first."""
    return in_force().order_by("-recorded_at", "id")


def claims_visible_to(actor: Actor) -> QuerySet[OptOut]:
    """Return the claims that wait for review: those of an account's parties, all for an auditor."""
    waiting = OptOut.objects.filter(state=OptOut.State.AWAITING_REVIEW).order_by("-recorded_at", "id")
    return waiting if actor.has("auditor") else waiting.filter(party_id__in=parties_of(actor.account_id))


def opt_out_of(actor: Actor, *, opt_out_id: UUID) -> OptOut:
    """Return an opt-out of a party that an account acts for, any for an auditor; raise UnknownOptOut otherwise."""
    found = OptOut.objects.select_related("party").filter(pk=opt_out_id).first()
    if found is None or not (actor.has("auditor") or found.party_id in parties_of(actor.account_id)):
        raise UnknownOptOut(opt_out=opt_out_id)
    return found


def who_said(flag_id: UUID) -> set[UUID]:
    """Return the party whose opt-out a flag was raised against; none for a flag against a listed work."""
    against = Flag.objects.filter(pk=flag_id, against_kind="opt-out").values("against_id")
    return set(OptOut.objects.filter(pk__in=against).values_list("party_id", flat=True))


def public_row(opt_out: OptOut) -> dict[str, Any]:
    """Return what anybody may know of an opt-out: no name, no free text."""
    return {
        "id": str(opt_out.pk),
        "kind": opt_out.subject_kind,
        "subject": str(opt_out.subject_id),
        "digest": opt_out.digest,
        "recorded_at": opt_out.recorded_at,
    }


def is_verified(party: Party) -> bool:
    """Say whether a party is more than its own word: an auditor has seen evidence, or a public licence names it."""
    return party.claim != Party.Claim.SELF_DECLARED or party.origin == Party.Origin.PUBLIC_LICENCE


def copies_of(fingerprint: Fingerprint, *, digest: str, pixel_digest: str = "") -> list[tuple[Work, int]]:
    """Return the listed works that are a picture or near it, each with its distance in bits."""
    near = {match.subject: match.distance for match in fingerprints.near(fingerprint, kinds=("work",), both_ways=True)}
    same = Q(digest=digest) | (Q(pixel_digest=pixel_digest) if pixel_digest else Q())
    works = Work.objects.select_related("owner").filter(same | Q(pk__in=near), erased_at=None).order_by("pk")
    return [(work, near.get(work.pk, 0)) for work in works]


def found_other(work: UUID) -> set[UUID]:
    """Return the works of which an auditor has found that they, or this one, are no copy of the other."""
    cleared = Flag.objects.filter(decision=Flag.Decision.CLEARED, against_kind="work")
    found = cleared.filter(Q(work=work) | Q(against_id=work)).values_list("work_id", "against_id")
    return {pk for pair in found for pk in pair} - {work}


def no_reason_to_flag(work: UUID) -> set[UUID]:
    """Return the opted-out pictures that are no reason to flag a work: whose no is over, or has reached it already."""
    done = OptOut.objects.filter(Q(matches__work=work) | Q(ended_at__isnull=False), subject_kind="picture")
    return set(done.values_list("pk", flat=True))


def grants_touched(opt_out: OptOut) -> list[UUID]:
    """Return the grants that an opt-out ends uses under: of its subject, and of the styles that stand on it."""
    works = Q(pk=opt_out.subject_id) | Q(pk__in=opt_out.matches.values("work_id"))
    if opt_out.subject_kind == "party":
        works |= Q(owner_id=opt_out.subject_id)
    stopped = Work.objects.filter(works)
    styles = Q(works__in=stopped)
    if opt_out.subject_kind == "party":
        styles |= Q(owner_id=opt_out.subject_id)
    subjects = {opt_out.subject_id, *stopped.values_list("pk", flat=True)}
    subjects.update(Style.objects.filter(styles).values_list("pk", flat=True))
    grants = Grant.objects.filter(offer__subject_id__in=subjects).order_by("granted_at", "pk")
    return list(grants.values_list("pk", flat=True))


def is_prepaid(work: Work) -> bool:
    """Say whether somebody prepaid for uses of a work, or of a style that stands on it."""
    styles = Style.objects.filter(works=work).values_list("pk", flat=True)
    grants = Grant.objects.filter(offer__subject_id__in=[work.pk, work.owner_id, *styles]).values("pk")
    return LedgerTransaction.objects.filter(kind=LedgerTransaction.Kind.FLAT, right_id__in=grants).exists()


def models_marked() -> dict[str, int]:
    """Return how many works that opted out each model was trained on, by the model's digest, where there are any.

    A model's training set is what the styles state that it carries by its own prompt tokens.
    """
    opted_out = Q(pk__in=said_no("work")) | Q(owner_id__in=said_no("party")) | Q(pk__in=works_matched())
    taught = Style.works.through.objects.filter(
        style__carrier=Style.Carrier.PROMPT_TOKEN, work_id__in=Work.objects.filter(opted_out).values("pk")
    )
    found: dict[str, set[UUID]] = {}
    for digest, work in taught.values_list("style__model_digest", "work_id"):
        found.setdefault(digest, set()).add(work)
    return {digest: len(works) for digest, works in found.items()}
