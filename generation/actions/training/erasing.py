"""Erasing what trainings of a person's styles hold: pictures, files and manifests go, digests stay."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from generation.actions.notifying import notify_training
from generation.events import TrainingCancelled
from generation.models import TrainingRun
from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.canonical import Digest
from provenance.works.models import Style


def erase_trainings(styles: Iterable[UUID], *, at: datetime) -> set[Digest]:
    """Erase the trainings of some styles in the caller's transaction, call off what is open, and return their files.

    The caller deletes the files once it has committed, and appends the entry that tells why. A worker that trains
    one of them has lost its lease, and writes nothing more.
    """
    files: set[Digest] = set()
    held = list(styles)
    runs = TrainingRun.objects.select_for_update().filter(style_id__in=held, erased_at=None).order_by("pk")
    list(runs)  # the runs, then their styles, as a training that ends locks them
    list(Style.objects.select_for_update().filter(pk__in=held).order_by("pk"))
    for run in runs.all():  # once more: what was asked for meanwhile is there now, and nothing is from here on
        files |= {run.adapter_digest, run.manifest_digest, run.sheet_digest, run.checkpoint_digest}
        if run.ended_at is None:
            run.state, run.ended_at, run.lease_expires = TrainingRun.State.CANCELLED, at, None
            audit_log.append(TrainingCancelled(actor=Actor(account_id=run.asked_by), training=run.pk))
            notify_training(run)
        run.samples, run.checkpoint_digest, run.erased_at = [], "", at
        run.save()
    return files - {""}
