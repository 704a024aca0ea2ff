"""Reading disputes: each side reads its own, auditors read all, the public reads that one stands."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from functools import reduce
from operator import or_
from uuid import UUID

from django.db.models import CharField, Q, QuerySet
from django.db.models.functions import Cast

from provenance.actor import Actor
from provenance.compiled_query import CompiledObjects, CompiledQuery, among, among_texts
from provenance.credentials import queries as credentials
from provenance.disputes.errors import UnknownDispute
from provenance.disputes.models import OPEN, STANDING, Dispute, DisputeEvent
from provenance.licensing.models import OptOut
from provenance.works import queries as works
from provenance.works.models import PartyMember, Style, Work


def secret_digest(secret: str) -> str:
    """Return what is kept of a claimant's secret; 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def disputes_visible_to(actor: Actor) -> QuerySet[Dispute]:
    """Return the disputes that an account is a side of, newest first; all for an auditor."""
    disputes = Dispute.objects.order_by("-received_at", "id")
    if actor.has("auditor"):
        return disputes
    own = works.parties_of(actor.account_id)
    mine = Q(claimant_account=actor.account_id) | Q(respondent_account=actor.account_id)
    mine |= Q(opt_out__in=OptOut.objects.filter(party_id__in=own).values("pk"))
    for kind, table in (("work", Work), ("style", Style)):
        held = table.objects.filter(owner_id__in=own).annotate(named=Cast("pk", CharField())).values("named")
        mine |= Q(subject_kind=kind, subject__in=held)
    return disputes.filter(mine, claimant_account__isnull=False) if actor.account_id is None else disputes.filter(mine)


def dispute_for(actor: Actor, *, dispute_id: UUID, secret: str = "") -> Dispute:
    """Return a dispute to an auditor, to one of its sides, or to whoever holds the secret of its notice.

    Raises UnknownDispute for everybody else.
    """
    found = Dispute.objects.filter(pk=dispute_id)
    if secret:
        found = found.filter(secret_digest=secret_digest(secret)).exclude(secret_digest="")
    elif actor.account_id is None:
        raise UnknownDispute()
    else:
        found = disputes_visible_to(actor).filter(pk=dispute_id)
    dispute = found.first()
    if dispute is None:
        raise UnknownDispute()
    return dispute


def side_of(actor: Actor, dispute: Dispute, *, secret: str = "") -> str:
    """Return which side somebody who may read a dispute is on: claimant, respondent, auditor, or none."""
    if secret and secret_digest(secret) == dispute.secret_digest:
        return "claimant"
    if actor.account_id is None:
        return ""
    if actor.account_id == dispute.claimant_account or _speaks_for_claim(actor, dispute):
        return "claimant"
    if actor.account_id in respondents_of(dispute):
        return "respondent"
    return "auditor" if actor.has("auditor") else ""


def _claim_of(dispute: Dispute) -> list[OptOut]:
    return list(OptOut.objects.filter(pk=dispute.opt_out)) if dispute.opt_out else []


def _speaks_for_claim(actor: Actor, dispute: Dispute) -> bool:
    claims = _claim_of(dispute)
    own = works.parties_of(actor.account_id) if claims else set()
    return any(claim.party_id in own for claim in claims)


def open_disputes_of(opt_out: UUID | None) -> QuerySet[Dispute]:
    """Return the open disputes in which a claim is decided, in a steady order."""
    return Dispute.objects.filter(opt_out=opt_out, state__in=OPEN).order_by("received_at", "pk")


def disputes_of(opt_out: UUID) -> list[UUID]:
    """Return every dispute in which a claim is or was decided, the oldest first."""
    return list(Dispute.objects.filter(opt_out=opt_out).order_by("received_at", "pk").values_list("pk", flat=True))


def respondents_of(dispute: Dispute) -> set[UUID]:
    """Return the accounts that may answer a notice: the owner's members, or whose request an image was."""
    owner = owner_of(dispute.subject_kind, dispute.subject)
    joined = PartyMember.objects.filter(party_id=owner, is_invited=False).values_list("account_id", flat=True)
    members = set(joined) if owner else set()
    return members | ({dispute.respondent_account} if dispute.respondent_account else set())


def owner_of(subject_kind: str, subject: str) -> UUID | None:
    """Return the party that owns a work or a style; None for an image, which nobody here claims to own."""
    table = {"work": Work, "style": Style}.get(subject_kind)
    return table.objects.filter(pk=subject).values_list("owner_id", flat=True).first() if table else None


def is_recorded(subject_kind: str, subject: str) -> bool:
    """Say whether a work, a style or a delivered image is recorded here."""
    if subject_kind == "image":
        return credentials.credential_of(subject) is not None
    return owner_of(subject_kind, subject) is not None


def is_recused(dispute: Dispute, account_id: UUID | None) -> bool:
    """Say whether an auditor has a part in a dispute, by account or party, or has stood back from it."""
    if account_id is None:
        return True
    parties = works.parties_of(account_id)
    owner = owner_of(dispute.subject_kind, dispute.subject)
    claimants = works.parties_of(dispute.claimant_account) if dispute.claimant_account else set()
    claimants |= {claim.party_id for claim in _claim_of(dispute)}
    has_part = account_id in {dispute.claimant_account, dispute.respondent_account} or owner in parties
    stood_back = dispute.events.filter(kind="recused", account_id=account_id).exists()
    return has_part or stood_back or bool(parties & claimants)


def open_notice(subject_kind: str, subject: str, *, account: UUID | None) -> Dispute | None:
    """Return the open dispute that the same account began against a subject.

    None for callers without an account: whoever knew a contact would learn from it who gave notice.
    """
    if account is None:
        return None
    found = Dispute.objects.filter(claimant_account=account, subject_kind=subject_kind, subject=subject)
    return found.filter(state__in=OPEN).order_by("received_at").first()


def is_claim_over(dispute: Dispute) -> bool:
    """Say whether the claim that opened a dispute no longer waits for its end; no for one that no claim opened."""
    return any(claim.state != OptOut.State.AWAITING_REVIEW for claim in _claim_of(dispute))


def open_claim_over(works: Iterable[UUID], *, party: UUID) -> Dispute | None:
    """Return the oldest open dispute in which a claim of a party to one of some works is decided."""
    claims = OptOut.objects.filter(party_id=party).values("pk")
    found = Dispute.objects.filter(subject_kind="work", subject__in=[str(work) for work in works], opt_out__in=claims)
    return found.filter(state__in=OPEN).order_by("received_at", "pk").first()


def standing_against(subjects: Iterable[str]) -> list[Dispute]:
    """Return the disputes that stand today against any of some works, styles or images, the oldest first."""
    return AGAINST.of(subjects=[str(subject) for subject in subjects])


AGAINST = CompiledObjects(
    lambda: Dispute.objects.filter(among_texts("subject", "subjects"), state__in=STANDING).order_by(
        "stands_since", "pk"
    )
)


def others_stopping(dispute: Dispute, work_or_style: str) -> QuerySet[Dispute]:
    """Return the other standing disputes, the oldest first, that stop a work or style: by its id, or as an image."""
    stops = Q(subject=work_or_style) | Q(stopped__contains=[{"id": work_or_style}])
    stops |= Q(subject_kind="image", subject__in=Work.objects.filter(pk=work_or_style).values("digest"))
    found = Dispute.objects.filter(stops, state__in=STANDING).exclude(pk=dispute.pk)
    return found.order_by("stands_since", "pk")


def standing_disputes() -> QuerySet[Dispute]:
    """Return every dispute that stands, newest first: what the public may know of it."""
    return Dispute.objects.filter(state__in=STANDING).order_by("-stands_since", "id")


def upheld_against(subjects: Iterable[str]) -> list[Dispute]:
    """Return the disputes that were upheld against any of some works, styles or images."""
    wanted = [str(subject) for subject in subjects]
    return list(Dispute.objects.filter(subject__in=wanted, state="upheld").order_by("ended_at", "pk"))


def works_behind(styles: Iterable[UUID]) -> set[str]:
    """Return the ids of the works behind some styles, as disputes name them."""
    wanted = list(styles)
    return {str(work) for (work,) in BEHIND.rows(styles=wanted)} if wanted else set()


BEHIND = CompiledQuery(lambda: Style.works.through.objects.filter(among("style_id", "styles")).values_list("work_id"))


def overdue(*, at: datetime) -> QuerySet[Dispute]:
    """Return the open disputes in which somebody should have acted by now, the longest first."""
    return Dispute.objects.filter(state__in=OPEN, due_at__lte=at).order_by("due_at", "pk")


def of_person(account_id: UUID, *, parties: Iterable[UUID]) -> QuerySet[Dispute]:
    """Return the open disputes that a person is a side of: while there is one, their data is held."""
    wanted = list(parties)
    own = Q(claimant_account=account_id) | Q(respondent_account=account_id) | _claimed_by(wanted)
    for kind, table in (("work", Work), ("style", Style)):
        held = table.objects.filter(owner_id__in=wanted).annotate(named=Cast("pk", CharField())).values("named")
        own |= Q(subject_kind=kind, subject__in=held)
    return Dispute.objects.filter(own, state__in=OPEN)


def begun_by(account_id: UUID, *, parties: Iterable[UUID]) -> QuerySet[Dispute]:
    """Return every dispute that a person began, or that a claim of their parties did, whoever recorded it."""
    return Dispute.objects.filter(Q(claimant_account=account_id) | _claimed_by(parties))


def _claimed_by(parties: Iterable[UUID]) -> Q:
    return Q(opt_out__in=OptOut.objects.filter(party_id__in=list(parties)).values("pk"))


def referenced_files(among: Iterable[str] | None = None) -> set[str]:
    """Return the digests of the files that were handed in as evidence and are kept, of all or among some."""
    rows = DisputeEvent.objects.exclude(evidence=[])
    if among is None:
        return _files_in(rows)
    wanted = set(among)
    named = reduce(or_, (Q(evidence__contains=[{"digest": digest}]) for digest in wanted), Q(pk=None))
    return _files_in(rows.filter(named)) & wanted


def _files_in(events: QuerySet[DisputeEvent]) -> set[str]:
    rows = events.values_list("evidence", flat=True)
    return {str(file["digest"]) for files in rows.iterator() for file in files}
