"""What an auditor does: finds a notice complete or not, stands back, decides; and what time alone does."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from provenance.actor import COLOPHON, Actor
from provenance.audit_log import actions as audit_log
from provenance.disputes import queries
from provenance.disputes.actions.ending import end
from provenance.disputes.actions.steps import enter, held, hold_steps, require_open, tell
from provenance.disputes.actions.subjects import stop_uses
from provenance.disputes.errors import NoNewOwner, NoticeIncomplete, Recused, WrongStep
from provenance.disputes.events import AuditorRecused, DisputeAssessed
from provenance.disputes.models import STANDING, Dispute
from provenance.disputes.notice import OPT_OUT
from provenance.works import queries as works


def _require_impartial(actor: Actor, dispute: Dispute) -> None:
    actor.require("auditor")
    if queries.is_recused(dispute, actor.account_id):
        raise Recused()


def _require_impartial_to_all(actor: Actor, dispute: Dispute) -> None:
    """Raise Recused where the auditor may not decide every dispute that ends once this one is upheld."""
    others = queries.open_disputes_of(dispute.opt_out) if dispute.opt_out else ()
    if any(queries.is_recused(other, actor.account_id) for other in others):
        raise Recused()


def _require_claim_waits(dispute: Dispute) -> None:
    if queries.is_claim_over(dispute):
        raise WrongStep(
            state=dispute.state,
            next_en="The claim that opened it has ended: dismiss it.",
            next_zh="提起该争议的主张已经结束：请予以驳回。",
        )


def _require_reason(reason: str) -> None:
    if not reason.strip():
        zh = "请说明理由，双方均可查看。"
        raise NoticeIncomplete(field="reason", said_en="say why; both sides read it.", said_zh=zh)


@transaction.atomic
def assess(
    *, actor: Actor, dispute: Dispute, is_complete: bool, reason: str, files: Sequence[tuple[str, str]] = ()
) -> Dispute:
    """Find a notice complete, from when new uses stop and royalties are held, or say what it lacks.

    Of a disputed image ``files`` gives the digest and the pixels' of each of its files. Raises Recused, WrongStep,
    NoticeIncomplete without a reason.
    """
    locked = held(dispute)
    _require_impartial(actor, locked)
    _require_reason(reason)
    if locked.state != Dispute.State.RECEIVED:
        raise WrongStep(
            state=locked.state,
            next_en="Only a notice that waits for an auditor can be looked at.",
            next_zh="只能审阅等待审计者处理的通知。",
        )
    tell(locked, kind="complete" if is_complete else "incomplete", side="auditor", actor=actor, text=reason)
    enter(locked, Dispute.State.COMPLETE if is_complete else Dispute.State.INCOMPLETE)
    if is_complete:
        locked.stands_since = timezone.now()
        locked.stopped = stop_uses(actor, locked, files=files)
    locked.save()
    audit_log.append(
        DisputeAssessed(actor=actor, dispute=locked.pk, is_complete=is_complete, state=locked.state)
    )
    return locked


@transaction.atomic
def recuse(*, actor: Actor, dispute: Dispute, reason: str = "") -> Dispute:
    """Let an auditor stand back from an open dispute, for good."""
    actor.require("auditor")
    locked = held(dispute)
    require_open(locked)
    if not locked.events.filter(kind="recused", account_id=actor.account_id).exists():
        tell(locked, kind="recused", side="auditor", actor=actor, text=reason)
        assert actor.account_id is not None  # only accounts hold roles
        audit_log.append(AuditorRecused(actor=actor, dispute=locked.pk, auditor=actor.account_id))
    return locked


@transaction.atomic
def resolve(
    *, actor: Actor, dispute: Dispute, is_upheld: bool, reason: str, remedy: str = "", new_owner: UUID | None = None
) -> Dispute:
    """Decide a dispute: uphold it with a remedy, or dismiss it, and let what it stopped go on.

    ``withdraw`` takes the work or style out of use; ``reassign`` makes another party its owner and gives it what
    was held; ``opt-out`` lets the claim hold that opened the dispute, as every remedy of such a one does.
    Raises Recused, WrongStep, NoNewOwner, NoticeIncomplete without a reason.
    """
    locked = held(dispute)
    _require_impartial(actor, locked)
    _require_reason(reason)
    if locked.state not in STANDING:
        raise WrongStep(
            state=locked.state,
            next_en="Find the notice complete first.",
            next_zh="请先认定通知完整。",
        )
    if is_upheld:
        _require_impartial_to_all(actor, locked)
        _require_claim_waits(locked)
    if is_upheld and remedy == "reassign":
        _require_new_owner(locked, new_owner)
    elif is_upheld and locked.subject_kind != "image" and remedy not in _remedies(locked):
        raise NoticeIncomplete(
            field="remedy",
            said_en="choose withdraw or reassign, or opt-out where a claim opened it.",
            said_zh="请选择撤回或重新归属；若由退出主张引起，也可选择 opt-out。",
        )
    tell(locked, kind="upheld" if is_upheld else "dismissed", side="auditor", actor=actor, text=reason)
    outcome = Dispute.State.UPHELD if is_upheld else Dispute.State.DISMISSED
    return end(locked, actor=actor, outcome=outcome, remedy=remedy if is_upheld else "", new_owner=new_owner)


def _remedies(dispute: Dispute) -> set[str]:
    return {"withdraw", OPT_OUT} if dispute.opt_out else {"withdraw"}


def _require_new_owner(dispute: Dispute, new_owner: UUID | None) -> None:
    owner = queries.owner_of(dispute.subject_kind, dispute.subject)
    if owner is None or new_owner is None or new_owner == owner or not works.is_party(new_owner):
        raise NoNewOwner()


def pass_deadlines() -> int:
    """Let incomplete notices lapse that nobody completed in time; return how many. Other delays only show."""
    late = queries.overdue(at=timezone.now()).filter(state=Dispute.State.INCOMPLETE)
    return sum(_lapse(pk) for pk in list(late.values_list("pk", flat=True)))


@transaction.atomic
def _lapse(pk: UUID) -> bool:
    hold_steps()
    late = queries.overdue(at=timezone.now()).filter(pk=pk, state=Dispute.State.INCOMPLETE)
    dispute = late.select_for_update(skip_locked=True).first()
    if dispute is None:
        return False
    tell(dispute, kind="lapsed", side="colophon", actor=COLOPHON)
    end(dispute, actor=COLOPHON, outcome=Dispute.State.LAPSED)
    return True
