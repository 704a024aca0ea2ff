"""Erasing a person's data on request: prompts, names, files and openings go; states, digests and proofs stay."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.utils import timezone
from psycopg.errors import Diagnostic

from generation import queries
from generation.actions.notifying import notify_state
from generation.actions.training.erasing import erase_trainings
from generation.actions.upkeep import sweep_one
from generation.errors import UnderDispute
from generation.events import GenerationCancelled, PersonErased
from generation.models import Generation, IdempotencyKey
from provenance.actor import Actor
from provenance.attribution import actions as attribution
from provenance.audit_log import actions as audit_log
from provenance.audit_log import queries as log_queries
from provenance.credentials import actions as credentials
from provenance.disputes import queries as disputes
from provenance.disputes.actions.erasing import erase_words
from provenance.licensing.actions import uses
from provenance.licensing.actions.erasing import end_offers, erase_notifications
from provenance.licensing.actions.opting_out import erase_opt_out_words
from provenance.licensing.credits import without_names
from provenance.works import queries as holdings
from provenance.works.actions.erasing import erase_holdings

log = structlog.get_logger(__name__)
ACTS_OF_OFFICE = (
    "AuditorRecused",
    "DisputeAssessed",
    "DisputeEnded",
    "LogExported",
    "LogKeyAdopted",
    "LogKeyRotated",
    "PersonErased",
    "PromptRead",
    "ReconciliationEnded",
    "ReconciliationRequested",
    "ReplayEnded",
    "ReplayRequested",
    "ReverificationEnded",
    "ReverificationRequested",
    "SettingsChanged",
    "SigningKeyRevoked",
    "VerdictChanged",
)
"""Kinds of entries that tell what an auditor or operator did: they answer for it, so these stay readable."""
ABOUT_SOMEBODY = (
    "ClaimReviewed",
    "FlagCleared",
    "FlagRejected",
    "GuardianshipRecorded",
    "ModelRegistered",
    "OptOutDismissed",
    "OptOutUpheld",
    "StyleDisputeOver",
    "StyleDisputed",
    "StyleHandedOver",
    "StyleRejected",
    "WorkDisputeOver",
    "WorkDisputed",
    "WorkHandedOver",
    "WorkRejected",
)
"""Such kinds that tell of another's party too: they outlast whoever decided, and go with whom they are about."""
MONEY = (
    "HoldLifted",
    "HoldPlaced",
    "LinesDue",
    "LinesFreed",
    "LinesHeld",
    "LinesReversed",
    "PayoutRecorded",
    "RoyaltyAccrued",
    "UsesReleased",
    "UsesSettled",
)
"""Kinds of entries that others are paid by: ids, digests and amounts, which name nobody, so that sums stay provable."""
BATCH = 500
"""Requests whose prompts are held in memory at once."""


@dataclass(frozen=True)
class Extent:
    """How much an erasure reaches."""

    generations: int
    cancelled: int
    images: int
    works: int
    styles: int
    parties: int
    openings: int


def extent_of_erasure(account_id: UUID) -> Extent:
    """Return what erasing a person would reach now; raise UnderDispute while it may not be."""
    parties = holdings.parties_of_one(account_id)
    require_no_dispute(account_id, parties)
    own = queries.generations_to_erase(account_id)
    works_there, styles = holdings.holdings_of(parties)
    return Extent(
        generations=own.count(),
        cancelled=own.exclude(state__in=queries.ENDED).count(),
        images=queries.images_to_erase(account_id).count(),
        works=works_there.count(),
        styles=styles.count(),
        parties=len(parties),
        openings=_openings(account_id, own.values_list("pk", flat=True), parties).count(),
    )


def require_no_dispute(account_id: UUID, parties: Sequence[UUID]) -> None:
    """Raise UnderDispute while a dispute is open that a person is a side of, or works of theirs are disputed.

    This alone decides whether erasure must wait.
    """
    number = max(disputes.of_person(account_id, parties=parties).count(), holdings.disputed_works(parties).count())
    if number:
        raise UnderDispute(number=number)


@transaction.atomic
def erase_person(*, actor: Actor, account_id: UUID) -> Extent:
    """Erase a person's data, call off what still waits or renders, and say how much there was.

    Files go after the commit, except those that somebody else's row needs; what a crash leaves of them, the
    sweeper takes. A second time erases what came in between. Raises UnderDispute, and then nothing is changed.
    """
    parties = holdings.parties_of_one(account_id)
    require_no_dispute(account_id, parties)
    now = timezone.now()
    own = list(queries.generations_to_erase(account_id).select_for_update().values_list("pk", flat=True))
    cancelled = _call_off(own, at=now)
    forms = (queries.images_to_erase(account_id), queries.renditions_to_erase(account_id))
    images = [digest for rows in forms for digest in rows.values_list("digest", flat=True)]
    works_there, styles = holdings.holdings_of(parties)
    # Held from here on, as a signing or fingerprinting of one holds it: what was recorded first is seen and erased.
    works = list(works_there.select_for_update(no_key=True).values_list("pk", flat=True))
    counts = {"works": len(works), "styles": styles.count(), "parties": len(parties)}
    held = {str(pk) for pk in (*works, *styles.values_list("pk", flat=True))}
    uses = queries.images_to_erase(account_id).values_list("use_id", flat=True)
    attribution.erase("image", subjects=list(uses), at=now)
    attribution.erase("work", subjects=works, at=now)
    attribution.erase_under_opt_outs(queries.files_ever_made(account_id), at=now)
    files = {*images, *credentials.erase_credentials(images, at=now)}
    files |= credentials.erase_work_credentials(works, at=now)
    _end_business(actor, account_id, parties)
    openings = audit_log.erase_openings(_openings(account_id, own, parties))
    files |= erase_trainings(styles.values_list("pk", flat=True), at=now)
    files |= erase_holdings(parties, account_id=account_id, at=now)
    files |= erase_words(account_id, parties=parties, at=now)
    erase_opt_out_words(parties, at=now)
    _blank(own, held=held, at=now)
    IdempotencyKey.objects.filter(owner_id=account_id).delete()
    extent = Extent(generations=len(own), cancelled=cancelled, images=len(images), openings=openings, **counts)
    audit_log.append(PersonErased(actor=actor, account=account_id, **dataclasses.asdict(extent)))
    transaction.on_commit(partial(_delete_files, sorted(files)))
    transaction.on_commit(_sample_again, robust=True)
    return extent


def _openings(account_id: UUID, generations: Iterable[UUID], parties: Sequence[UUID]) -> Any:
    return log_queries.openings_about(
        account_id,
        generations=generations,
        parties=parties,
        but=(*ACTS_OF_OFFICE, *MONEY),
        of_office=ABOUT_SOMEBODY,
    )


def _end_business(actor: Actor, account_id: UUID, parties: Sequence[UUID]) -> None:
    """End what a person offers and erase what was told of it, before openings go: the erasure's entry tells of it."""
    end_offers(actor, parties)
    subjects = [pk for rows in holdings.holdings_of(parties) for pk in rows.values_list("pk", flat=True)]
    erase_notifications(account_id, parties=parties, subjects=subjects)


def _call_off(own: Sequence[UUID], *, at: datetime) -> int:
    """End what has not ended. A worker that renders one of them has lost its lease, and writes nothing more."""
    open_ones = list(Generation.objects.filter(pk__in=own).exclude(state__in=queries.ENDED))
    for generation in open_ones:
        generation.state = Generation.State.CANCELLED
        generation.ended_at = at
        generation.lease_expires = None
        generation.save(update_fields=["state", "ended_at", "lease_expires"])
        uses.release(generation=generation.pk, decision=generation.decision, reason="cancelled")
        audit_log.append(GenerationCancelled(actor=Actor(account_id=generation.owner_id), generation=generation.pk))
        notify_state(generation)
    return len(open_ones)


def _blank(own: Sequence[UUID], *, held: set[str], at: datetime) -> None:
    for start in range(0, len(own), BATCH):
        rows = list(Generation.objects.filter(pk__in=own[start : start + BATCH]))
        for row in rows:
            _blank_one(row, held=held, at=at)
        Generation.objects.bulk_update(rows, BLANKED)


BLANKED = (
    "owner_name", "prompt", "expanded_prompt", "negative_prompt", "prompt_salt", "references", "inputs", "recipient",
    "decision", "fault", "notes", "settings", "erased_at",
)  # fmt: skip

SAMPLED = ("references", "inputs")
"""Of these alone the planner keeps samples: a search by inputs took 11 ms among 60,000 requests, and 1,400 without."""


def _sample_again() -> None:
    """Have the planner take its samples anew, so that none of what is blank now stays there.

    A role that may not analyze a table hears so in a notice alone, and the table is passed over.
    """
    said: list[str] = []
    statement = "ANALYZE generation_generation ({})".format(", ".join(f'"{name}"' for name in SAMPLED))
    with connection.cursor() as cursor:
        hear = partial(_note_warning, said)
        cursor.connection.add_notice_handler(hear)
        try:
            cursor.execute(statement)
        finally:
            cursor.connection.remove_notice_handler(hear)
    if said:
        log.warning(NOT_SAMPLED_AGAIN, run=f"{statement};", said=said)


NOT_SAMPLED_AGAIN = (
    "the planner's samples may still hold what was erased: run this as the owner of the tables (docs/erasure.md)"
)


def _note_warning(said: list[str], notice: Diagnostic) -> None:
    if notice.severity_nonlocalized == "WARNING":
        said.append(notice.message_primary or "")


def _blank_one(row: Generation, *, held: set[str], at: datetime) -> None:
    """Take the person's words out of a row: without the salt, its commitment tells nothing of a guessed prompt.

    Names of what the person held go even where a decision did not rest on that, as where their own was refused.
    """
    row.owner_name = row.prompt = row.expanded_prompt = row.negative_prompt = row.recipient = ""
    row.prompt_salt = b""
    own = held | {answer["id"] for answer in row.decision["references"] if answer["basis"] == "own-work"}
    row.references = [{**one, **NO_STYLE_NAME} if one["style"] in own else one for one in row.references]
    row.inputs = [{**one, "title": "", "author": ""} if one["work"] in own else one for one in row.inputs]
    row.decision = _own_names_out(without_names(row.decision), own)
    row.fault = {"code": row.fault["code"], **ERASED} if row.fault else None
    row.notes = []
    row.settings = None
    row.erased_at = at


NO_STYLE_NAME = {"name": "", "name_zh": "", "author": "", "url": ""}
ERASED = {
    "en": "What was said here was erased at the person's request.",
    "zh-Hans": "此处内容已应当事人请求删除。",
}


def _own_names_out(decision: dict[str, Any], own: set[str]) -> dict[str, Any]:
    """Return a decision without what names the person's own works or whom the pictures were for.

    Others' names are the credit that they are due.
    """
    answers = [_nameless(answer) if answer["id"] in own else answer for answer in decision["references"]]
    return {**decision, "recipient": "", "references": answers}


def _nameless(answer: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in answer.items() if key != "name_zh"}
    return {**kept, "name": "", "owner": "", "author": "", "reasons": []}


def _delete_files(files: Sequence[str]) -> None:
    for digest in files:
        try:
            sweep_one(digest)
        except OSError:  # what is erased is erased in the records; the sweeper tries again
            log.exception("erased file not deleted yet", digest=digest)
