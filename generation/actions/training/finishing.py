"""From what was trained to the style's new carrier: sign, store; then row, carrier and entries together."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from generation.actions.notifying import notify_training
from generation.actions.training.claiming import TrainingClaim, hold_claimed
from generation.actions.training.works_taught import HELD_OUT, LEFT_OUT, TRAINED, digests, taught_digest, works_taught
from generation.errors import Cancelled
from generation.events import TrainingEnded
from generation.models import TrainingRun
from generation.training.contract import Trained
from generation.training.errors import WorksChanged
from generation.training.recipe import Recipe
from generation.training.sheets import contact_sheet
from provenance import storage
from provenance.actor import COLOPHON, Actor
from provenance.audit_log import actions as audit_log
from provenance.canonical import canonical_json, sha256_digest
from provenance.credentials.adapter_manifest import (
    AdapterColophon,
    SignedAdapter,
    WorkTaught,
    sign_adapter,
    sign_sheet,
)
from provenance.credentials.manifest import LogReceipt, ModelUsed, Software
from provenance.credentials.signing import SignedImage, SigningKey
from provenance.licensing.credits import work_credit
from provenance.works import queries as works
from provenance.works.actions.styles import carry_by_adapter
from provenance.works.models import Style, Work


@dataclass(frozen=True)
class Made:
    """A signed adapter with all that its row and entries will say; nothing is recorded yet."""

    adapter: bytes = field(repr=False)
    signed: SignedAdapter
    sheet: SignedImage
    trained: Trained

    def files(self) -> tuple[bytes, ...]:
        """Return what is kept of it, each under its own digest."""
        return (self.adapter, self.signed.manifest_store, self.sheet.data)


def prepare(run: TrainingRun, *, trained: Trained, key: SigningKey) -> Made:
    """Sign an adapter and the sheet of its samples, and store them."""
    style = works.style_named(str(run.style_id))
    colophon = _colophon(run, style=style, trained=trained)
    sheet = io.BytesIO()
    contact_sheet(trained.samples).save(sheet, "PNG", optimize=True)
    made = Made(
        adapter=trained.adapter,
        signed=sign_adapter(trained.adapter, colophon=colophon, key=key),
        sheet=sign_sheet(sheet.getvalue(), colophon=colophon, key=key),
        trained=trained,
    )
    for data in made.files():
        storage.store(data)
    return made


def _colophon(run: TrainingRun, *, style: Style, trained: Trained) -> AdapterColophon:
    model = run.model
    return AdapterColophon(
        training_id=str(run.pk),
        style=style.name,
        adapter=sha256_digest(trained.adapter),
        model=ModelUsed(
            name=model.name,
            identifier=model.slug,
            source=model.source if model.revision else "",  # a folder's path is the operator's business
            revision=model.revision,
            licence=model.licence,
            weights_digest=model.digest,
            training_statement=model.training_statement or model.training,
        ),
        works=_taught(run, style=style),
        kept_back=tuple(digests(run.works, HELD_OUT)),
        recipe=run.recipe,
        steps=trained.steps,
        made_at=timezone.now(),
        software=Software(name="Colophon", version=settings.VERSION),
        log=LogReceipt(origin=settings.ENVIRONMENT.log_origin, leaf_hash=run.request_leaf),
    )


def _taught(run: TrainingRun, *, style: Style) -> tuple[WorkTaught, ...]:
    rows = {row["work"]: row for row in run.works if row["use"] == TRAINED}
    return tuple(_stated(work, rows[str(work.pk)], style=style) for work in works.works_with_ids(list(rows)))


def _stated(work: Work, row: Mapping[str, Any], *, style: Style) -> WorkTaught:
    # The title of somebody else's private work is not the style's owner's to tell.
    is_told = bool(work.licence) or work.owner_id == style.owner_id
    credit = work_credit(title=work.title, author=work.author_credit, licence=row["licence"])["en"] if is_told else ""
    return WorkTaught(
        name=work.title if is_told else str(work.pk),
        digest=work.digest,
        basis=row["basis"],
        licence=row["licence"],
        terms_digest=row["terms_digest"],
        credit_line=credit,
    )


@transaction.atomic
def finish(claim: TrainingClaim, *, made: Made) -> None:
    """Let the style be carried by what was trained, and end the run: all or nothing.

    Raises LeaseLost, Cancelled, and WorksChanged where a work that was trained on may not be used any more.
    """
    run = hold_claimed(claim)
    if run.cancel_requested:
        raise Cancelled()
    style = works.style_named(str(run.style_id))
    stands_on = _works_left(run, style=style)
    for data in made.files():
        digest = sha256_digest(data)
        storage.hold(digest)
        if not storage.exists(digest):  # the sweeper came between storing and now
            storage.store(data)
    carry_by_adapter(
        actor=Actor(account_id=run.asked_by),
        style=style,
        adapter=made.adapter,
        model_digest=run.model.digest,
        works=works.works_with_ids(stands_on),
        training=run.pk,
    )
    _record(run, made=made)


def _works_left(run: TrainingRun, *, style: Style) -> list[str]:
    """Return what the style stands on from now on: all that was trained on, and what was kept back and still may be."""
    recipe = Recipe.from_json(run.recipe)
    now = works_taught(actor=Actor(account_id=run.asked_by), style=style, purpose=run.purpose, recipe=recipe)
    usable = {row["work"] for row in now if row["use"] != LEFT_OUT}
    lost = [row["work"] for row in run.works if row["use"] == TRAINED and row["work"] not in usable]
    if lost:
        raise WorksChanged(works=", ".join(lost[:3]))
    return [row["work"] for row in run.works if row["use"] != LEFT_OUT and row["work"] in usable]


def _record(run: TrainingRun, *, made: Made) -> None:
    forget_checkpoint(run)
    run.adapter_digest = sha256_digest(made.adapter)
    run.manifest_id, run.manifest_digest = made.signed.manifest_id, sha256_digest(made.signed.manifest_store)
    run.sheet_digest, run.sheet_manifest_id = sha256_digest(made.sheet.data), made.sheet.manifest_id
    run.losses = [dict(point) for point in made.trained.losses]
    run.outcome = _outcome(made.trained)
    run.step = run.steps = made.trained.steps
    run.state, run.ended_at = TrainingRun.State.DONE, timezone.now()
    run.lease_expires, run.is_paused, run.seconds_left = None, False, 0
    run.save()
    audit_log.append(
        TrainingEnded(
            actor=COLOPHON,
            training=run.pk,
            attempt=run.attempt,
            style=run.style_id,
            model=run.model.digest,
            adapter=run.adapter_digest,
            manifest=run.manifest_digest,
            manifest_id=run.manifest_id,
            sheet=run.sheet_digest,
            sheet_manifest_id=run.sheet_manifest_id,
            works_digest=taught_digest(run.works),
            losses=sha256_digest(canonical_json(run.losses)),
            outcome=run.outcome,
        )
    )
    notify_training(run)


def _outcome(trained: Trained) -> dict[str, Any]:
    return {
        "steps": str(trained.steps),
        "seconds": f"{trained.seconds:.1f}",
        "settings": dict(trained.settings),
        "environment": dict(trained.environment),
    }


def forget_checkpoint(run: TrainingRun) -> None:
    """Drop a run's checkpoint once the caller's transaction has committed."""
    if run.checkpoint_digest:
        transaction.on_commit(partial(storage.delete, run.checkpoint_digest))
        run.checkpoint_digest = ""
