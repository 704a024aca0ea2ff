"""What the two sides do: give notice, add to it, answer it, take it back."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from provenance import storage
from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.canonical import sha256_digest
from provenance.disputes import queries
from provenance.disputes.actions.ending import end
from provenance.disputes.actions.steps import enter, held, open_dispute, tell
from provenance.disputes.errors import NothingToDispute, NoticeIncomplete, TooManyOpen, WrongStep
from provenance.disputes.events import DisputeAnswered, DisputeSupplemented
from provenance.disputes.evidence import EvidenceFile
from provenance.disputes.models import Dispute
from provenance.disputes.notice import Notice

KINDS_ZH = {"work": "作品", "style": "风格", "image": "图像"}


@transaction.atomic
def give_notice(
    *, actor: Actor, notice: Notice, evidence: Sequence[EvidenceFile] = (), respondent: UUID | None = None
) -> tuple[Dispute, str]:
    """Record a notice and return its dispute with the secret that lets the claimant follow it; no account is needed.

    Nothing stops yet: an auditor must find the notice complete. Raises NoticeIncomplete, NothingToDispute,
    TooManyOpen.
    """
    _require_said(notice)
    if not queries.is_recorded(notice.subject_kind, notice.subject):
        raise NothingToDispute(
            kind=notice.subject_kind, kind_zh=KINDS_ZH[notice.subject_kind], subject=notice.subject[:80]
        )
    storage.hold(sha256_digest(f"notice {notice.subject_kind} {notice.subject}".encode()))  # one after the other
    same = queries.open_notice(notice.subject_kind, notice.subject, account=actor.account_id)
    if same:
        raise TooManyOpen(dispute=same.pk)
    secret = secrets.token_urlsafe(32)
    dispute = Dispute(
        subject_kind=notice.subject_kind,
        subject=notice.subject,
        ground=notice.ground,
        claimant_name=notice.name,
        claimant_contact=notice.contact,
        claimant_account=actor.account_id,
        respondent_account=respondent,
        secret_digest=queries.secret_digest(secret),
        language=notice.language,
    )
    open_dispute(dispute, actor=actor, text=notice.text, evidence=evidence)
    return dispute, secret


def _require_said(notice: Notice) -> None:
    needed = (
        ("good_faith", notice.is_in_good_faith, "say that you mean it in good faith.", "请声明您善意相信所述内容。"),
        ("accurate", notice.is_accurate, "say that what you state is accurate.", "请声明所述内容属实。"),
        ("name", notice.name.strip(), "give your name.", "请填写您的姓名。"),
        ("contact", notice.contact.strip(), "say how you can be reached.", "请填写您的联系方式。"),
        ("text", notice.text.strip(), "say what is wrong, and why.", "请说明存在什么问题及其理由。"),
    )  # fmt: skip
    for field, is_said, en, zh in needed:
        if not is_said:
            raise NoticeIncomplete(field=field, said_en=en, said_zh=zh)


@transaction.atomic
def supplement(
    *, actor: Actor, dispute: Dispute, side: str, text: str, evidence: Sequence[EvidenceFile] = ()
) -> Dispute:
    """Add a side's words or files; a claimant who completes an incomplete notice hands it in again."""
    locked = held(dispute)
    if locked.ended_at:
        raise WrongStep(state=locked.state, next_en="Give a new notice instead.", next_zh="请提交新的通知。")
    told = tell(locked, kind="supplement", side=side, actor=actor, text=text, evidence=evidence)
    if locked.state == Dispute.State.INCOMPLETE and side == "claimant":
        enter(locked, Dispute.State.RECEIVED)
        locked.save(update_fields=["state", "due_at"])
    audit_log.append(
        DisputeSupplemented(
            actor=actor,
            dispute=locked.pk,
            side=side,
            evidence=[file["digest"] for file in told.evidence],
            state=locked.state,
        )
    )
    return locked


@transaction.atomic
def answer(*, actor: Actor, dispute: Dispute, text: str, evidence: Sequence[EvidenceFile] = ()) -> Dispute:
    """Record the other side's counter-notice; uses stay stopped until an auditor decides."""
    locked = held(dispute)
    if locked.state != Dispute.State.COMPLETE:
        raise WrongStep(
            state=locked.state,
            next_en="A counter-notice is taken once an auditor has found the notice complete, and once.",
            next_zh="审计者认定通知完整之后方可提交反通知，且仅一次。",
        )
    told = tell(locked, kind="counter-notice", side="respondent", actor=actor, text=text, evidence=evidence)
    enter(locked, Dispute.State.ANSWERED)
    locked.save(update_fields=["state", "due_at"])
    audit_log.append(
        DisputeAnswered(actor=actor, dispute=locked.pk, evidence=[file["digest"] for file in told.evidence])
    )
    return locked


@transaction.atomic
def withdraw_notice(*, actor: Actor, dispute: Dispute, text: str = "") -> Dispute:
    """Take a notice back: what it stopped goes on."""
    locked = held(dispute)
    tell(locked, kind="withdrawal", side="claimant", actor=actor, text=text)
    return end(locked, actor=actor, outcome=Dispute.State.WITHDRAWN)
