"""Saying no to the use of a style, a work, a picture or everything of a party; and taking it back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from provenance.actor import Actor
from provenance.attribution import actions as fingerprints
from provenance.attribution import queries as fingerprints_kept
from provenance.attribution.actions import Fingerprinted
from provenance.audit_log import actions as audit_log
from provenance.audit_log.entry import Statement
from provenance.canonical import pixel_digest, sha256_digest
from provenance.fingerprint import Fingerprint, fingerprint_of
from provenance.licensing.actions.granting import end_refunded
from provenance.licensing.actions.ledger import keep_holds
from provenance.licensing.errors import OptOutEnded
from provenance.licensing.events import (
    OptOutClaimed,
    OptOutDismissed,
    OptOutMatched,
    OptOutRecorded,
    OptOutUpheld,
    OptOutWithdrawn,
)
from provenance.licensing.models import OptOut, OptOutMatch
from provenance.licensing.queries.opt_outs import copies_of, found_other, grants_touched, is_prepaid, is_verified
from provenance.picture import decode_picture
from provenance.works.actions.flagging import hold_listing
from provenance.works.actions.parties import require_member, require_owned
from provenance.works.models import Party, Work

NO_FINGERPRINT = Fingerprint(pdq=(), quality=0, iscc="")
RENDITION = "rendition"
Matches = list[tuple[Work, int]]


Contest = Callable[[Actor, OptOut, Sequence[Work]], None]
"""Opens the disputes in which a claim to the pictures of others is decided, in the caller's transaction."""


def no_dispute(actor: Actor, claim: OptOut, works: Sequence[Work]) -> None:
    """Refuse to leave a claim behind that nobody would ever decide."""
    raise AssertionError(f"claim {claim.pk} needs somebody to open its disputes")


@transaction.atomic
def record_opt_out(
    *,
    actor: Actor,
    party: Party,
    subject_kind: str,
    subject_id: UUID,
    source: str,
    evidence: str = "",
    on_behalf: bool = False,
    contest: Contest = no_dispute,
) -> OptOut:
    """Record a party's no to a style, a work, or everything of its own; said twice, the first one stands.

    The no to a work is one to the copies of it that others list, or a claim to those that a checked party does.
    On a party's behalf an operator or auditor records what a list says, and the caller has seen to that.
    """
    if actor.account_id is not None and not on_behalf:
        require_member(actor, party)
    require_owned(party, subject_kind=subject_kind, subject_id=subject_id)
    keep_holds()
    if subject_kind == "work":
        hold_listing()
    standing = OptOut.objects.filter(subject_kind=subject_kind, subject_id=subject_id, state=OptOut.State.ACTIVE)
    if before := standing.first():
        return before
    work = Work.objects.filter(pk=subject_id).first() if subject_kind == "work" else None
    opt_out = OptOut.objects.create(
        party=party,
        subject_kind=subject_kind,
        subject_id=subject_id,
        digest=work.digest if work else "",
        source=source,
        evidence=evidence,
        recorded_at=timezone.now(),
    )
    copies = _copies_of_others(work) if work else []
    contested = [(copy, bits) for copy, bits in copies if _is_contested(copy, party)]
    _match(actor, opt_out, matches=[match for match in copies if match not in contested])
    _take_effect(actor, opt_out)
    if contested:
        _claim(actor, opt_out, matches=contested, contest=contest)
    return opt_out


def _copies_of_others(work: Work) -> Matches:
    """Return the works of others that are, or may be, copies of a work; none while it looks like a copy itself.

    An owner's own versions are for the owner to say no to, and what an auditor found to be no copy of it is none.
    """
    if work.state in {Work.State.FLAGGED, Work.State.REJECTED}:
        return []
    kept = fingerprints_kept.fingerprint_kept("work", subject=work.pk)
    near = copies_of(kept, digest=work.digest, pixel_digest=work.pixel_digest)
    other = found_other(work.pk)
    return [(copy, bits) for copy, bits in near if copy.owner_id != work.owner_id and copy.pk not in other]


def _claim(actor: Actor, opt_out: OptOut, *, matches: Matches, contest: Contest) -> None:
    """Claim the copies of an opted-out work that checked parties list, but for those that a claim waits for already."""
    said = {"party": opt_out.party, "subject_kind": "picture", "digest": opt_out.digest}
    waiting = OptOut.objects.filter(party=opt_out.party, state=OptOut.State.AWAITING_REVIEW)
    claimed = set(OptOutMatch.objects.filter(opt_out__in=waiting).values_list("work_id", flat=True))
    matches = [(work, bits) for work, bits in matches if work.pk not in claimed]
    if not matches or OptOut.objects.filter(**said, ended_at=None).exists():
        return
    claim = OptOut(
        **said, source=opt_out.source, evidence=opt_out.evidence, recorded_at=opt_out.recorded_at,
        state=OptOut.State.AWAITING_REVIEW,
    )  # fmt: skip
    claim.subject_id = claim.pk
    claim.save(force_insert=True)
    _match(actor, claim, matches=matches)
    works = [work for work, _ in matches]
    audit_log.append(_claimed(actor, claim, works=[work.pk for work in works]))
    contest(actor, claim, works)


@dataclass(frozen=True)
class KnownForm:
    """Another file of a picture that is opted out: what it is recognised by, as far as that was kept."""

    digest: str
    pixels: str
    fingerprint: Fingerprint = NO_FINGERPRINT


OtherForms = Callable[[str, str], Sequence[KnownForm]]
"""Gives the other files of a delivered image by the digest of one and of its pixels; none for another picture."""


def no_other_forms(digest: str, pixels: str) -> Sequence[KnownForm]:
    """Return no other file of any picture."""
    return ()


def opt_out_picture(
    *,
    actor: Actor,
    party: Party,
    data: bytes,
    source: str,
    evidence: str = "",
    other_forms: OtherForms = no_other_forms,
    contest: Contest = no_dispute,
) -> OptOut:
    """Record a party's no to a picture that need not be listed; copies of it that others listed can be used no more.

    The file itself is not kept: only its digest and what it is recognised by. Against the works of a verified party,
    and where others prepaid for uses, the no of an unverified party is a claim, for which ``contest`` opens disputes:
    it waits for their end. The no to one file of a delivered image is a no to all.
    Raises NotAPicture, PictureTooLarge.
    """
    if actor.account_id is not None:
        require_member(actor, party)
    pixels = decode_picture(data).pixels
    return opt_out_fingerprint(
        actor=actor, party=party, digest=sha256_digest(data), fingerprint=fingerprint_of(pixels), source=source,
        evidence=evidence, pixels=pixel_digest(pixels), other_forms=other_forms, contest=contest,
    )  # fmt: skip


@transaction.atomic
def opt_out_fingerprint(
    *,
    actor: Actor,
    party: Party,
    digest: str,
    fingerprint: Fingerprint = NO_FINGERPRINT,
    source: str,
    evidence: str = "",
    pixels: str = "",
    other_forms: OtherForms = no_other_forms,
    contest: Contest = no_dispute,
) -> OptOut:
    """Record a party's no to a picture of which the digest, and perhaps the fingerprint, is known."""
    keep_holds()
    hold_listing()
    if before := OptOut.objects.filter(party=party, digest=digest, subject_kind="picture", ended_at=None).first():
        return before
    others = other_forms(digest, pixels)
    matches = _copies([KnownForm(digest, pixels, fingerprint), *others])
    contested = [work for work, _ in matches if _is_contested(work, party)]
    opt_out = OptOut(
        party=party, subject_kind="picture", digest=digest, source=source, evidence=evidence,
        recorded_at=timezone.now(), state=OptOut.State.AWAITING_REVIEW if contested else OptOut.State.ACTIVE,
    )  # fmt: skip
    opt_out.subject_id = opt_out.pk
    opt_out.save(force_insert=True)
    fingerprints.record("opt-out", subject=opt_out.pk, digest=digest, fingerprint=fingerprint, actor=actor)
    fingerprints.record_all(
        [Fingerprinted("opt-out", opt_out.pk, one.digest, one.fingerprint, RENDITION) for one in others], actor=actor
    )
    _match(actor, opt_out, matches=matches)
    if contested:
        audit_log.append(_claimed(actor, opt_out, works=[work.pk for work in contested]))
        contest(actor, opt_out, contested)
    else:
        _take_effect(actor, opt_out)
    return opt_out


def include_form(*, actor: Actor, files: Iterable[str], form: KnownForm) -> None:
    """Let every standing no to a file of a delivered image be one to a form that is made of it now.

    Last in the transaction that records the form, which holds listing from here on: what is listed after it and is the
    form, or looks like it, is flagged. Of a person whose data was erased the no holds on by digest alone.
    """
    files = list(files)
    hold_listing()
    named = fingerprints_kept.subjects_with(*files, kind="opt-out")
    said = Q(pk__in=named) | Q(digest__in=files)  # to a listed work, and to copies of one, it is said by digest alone
    standing = OptOut.objects.select_related("party").filter(said, ended_at=None).order_by("pk")
    fingerprints.record_all(
        [
            Fingerprinted(
                "opt-out", one.pk, form.digest, NO_FINGERPRINT if one.party.erased_at else form.fingerprint, RENDITION
            )
            for one in standing
        ],
        actor=actor,
    )


def settle_claim(*, actor: Actor, claim_id: UUID, outcome: str, reason: str) -> None:
    """Let a claim hold from now on, or end it, as its disputes ended; one that is settled stays so.

    In the caller's transaction, who has seen to it that the actor may decide: upheld, dismissed or withdrawn.
    """
    claim = OptOut.objects.select_for_update(of=("self",)).select_related("party").get(pk=claim_id)
    if claim.state != OptOut.State.AWAITING_REVIEW:
        return
    now = timezone.now()
    if outcome == "upheld":
        claim.state = OptOut.State.ACTIVE
        claim.recorded_at = now  # it is prospective: what was made while it waited was made in good faith
    else:
        claim.state = OptOut.State.WITHDRAWN if outcome == "withdrawn" else OptOut.State.DISMISSED
        claim.ended_at = now
    claim.save(update_fields=["state", "recorded_at", "ended_at"])
    told: dict[str, Statement] = {
        "upheld": OptOutUpheld(actor=actor, opt_out=claim.pk, reason=reason),
        "withdrawn": OptOutWithdrawn(actor=actor, opt_out=claim.pk, party=claim.party_id),
    }
    audit_log.append(told.get(outcome) or OptOutDismissed(actor=actor, opt_out=claim.pk, reason=reason))
    if outcome == "upheld":
        _refund(actor, claim)


@transaction.atomic
def withdraw_opt_out(*, actor: Actor, opt_out: OptOut) -> OptOut:
    """Take a party's no back, from now on; raise OptOutEnded for one that is over."""
    require_member(actor, opt_out.party)
    held = OptOut.objects.select_for_update(of=("self",)).select_related("party").get(pk=opt_out.pk)
    if held.state not in {OptOut.State.ACTIVE, OptOut.State.AWAITING_REVIEW}:
        raise OptOutEnded(state=held.state)
    held.state, held.ended_at = OptOut.State.WITHDRAWN, timezone.now()
    held.save(update_fields=["state", "ended_at"])
    audit_log.append(OptOutWithdrawn(actor=actor, opt_out=held.pk, party=held.party_id))
    return held


def erase_opt_out_words(parties: Iterable[UUID], *, at: datetime) -> None:
    """Erase what some parties wrote beside their opt-outs, and what the pictures are recognised by.

    In the caller's transaction, which appends the entry that tells why. The opt-outs hold on, by id and digest.
    """
    said = OptOut.objects.filter(party_id__in=list(parties))
    fingerprints.erase("opt-out", subjects=list(said.values_list("pk", flat=True)), at=at)
    said.update(source="", evidence="")


def _is_contested(work: Work, party: Party) -> bool:
    """Say whether a no to somebody else's work is a mere word against a party that was checked, or would move money."""
    if work.owner_id == party.pk or is_verified(party):
        return False
    return is_verified(work.owner) or is_prepaid(work)


def _copies(forms: Iterable[KnownForm]) -> Matches:
    """Return the works that are, or may be, copies of any file of a picture, each with its least distance."""
    least: dict[UUID, tuple[Work, int]] = {}
    for form in forms:
        for work, bits in copies_of(form.fingerprint, digest=form.digest, pixel_digest=form.pixels):
            if work.pk not in least or bits < least[work.pk][1]:
                least[work.pk] = (work, bits)
    return [least[pk] for pk in sorted(least)]


def _match(actor: Actor, opt_out: OptOut, *, matches: Matches) -> None:
    rows = OptOutMatch.objects.bulk_create(
        OptOutMatch(opt_out=opt_out, work=work, distance=bits) for work, bits in matches
    )
    audit_log.append_all(
        OptOutMatched(actor=actor, match=row.pk, opt_out=opt_out.pk, work=row.work_id, distance=row.distance)
        for row in rows
    )


def _take_effect(actor: Actor, opt_out: OptOut) -> None:
    audit_log.append(
        OptOutRecorded(
            actor=actor,
            opt_out=opt_out.pk,
            party=opt_out.party_id,
            subject_kind=opt_out.subject_kind,
            subject=opt_out.subject_id,
            source=opt_out.source,
        )
    )
    _refund(actor, opt_out)


def _refund(actor: Actor, opt_out: OptOut) -> None:
    """Give back what was prepaid for uses that can no longer be made; the grants end with it."""
    for grant in grants_touched(opt_out):
        end_refunded(actor=actor, grant_id=grant)


def _claimed(actor: Actor, opt_out: OptOut, *, works: Iterable[UUID]) -> OptOutClaimed:
    return OptOutClaimed(
        actor=actor,
        opt_out=opt_out.pk,
        party=opt_out.party_id,
        subject_kind=opt_out.subject_kind,
        subject=opt_out.subject_id,
        digest=opt_out.digest,
        source=opt_out.source,
        works=list(works),
    )
