"""Asking for a style to be trained, and calling it off."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from generation import queries
from generation.actions.notifying import notify_training
from generation.actions.training.works_taught import (
    LEFT_OUT,
    TRAINED,
    digests,
    rows_digest,
    why_left_out,
    works_taught,
)
from generation.events import TrainingCancelled, TrainingRequested, training_waiting
from generation.models import ImageModel, TrainingRun
from generation.training.errors import (
    ModelNotRegistered,
    ModelNotTrainable,
    TooFewWorks,
    TooManyWorks,
    TrainingEnded,
    TrainingUnderWay,
    UnknownTraining,
)
from generation.training.recipe import LEAST_WORKS, MOST_WORKS, Recipe, settled_recipe
from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.works.actions.parties import require_member
from provenance.works.actions.styles import require_carriable
from provenance.works.models import Style, Work

TRAINABLE = "StableDiffusionPipeline"
OPEN = (TrainingRun.State.QUEUED, TrainingRun.State.TRAINING)


@transaction.atomic
def request_training(
    *, actor: Actor, style: Style, recipe: Recipe, model: str = "", purpose: str = ""
) -> TrainingRun:
    """Ask for an adapter of a style, trained on those of its works whose terms allow it.

    Without a model it is the one that the style is bound to. Raises NotTheOwner, WrongState, ModelNotRegistered,
    ModelNotTrainable, TooManyWorks, TooFewWorks, TrainingUnderWay, InvalidRequest; nothing is then recorded.
    """
    if actor.account_id is not None:
        require_member(actor, style.owner)
    held = Style.objects.select_for_update(of=("self",)).select_related("owner").get(pk=style.pk)
    require_carriable(held)
    registered = _model(held, name=model)
    if open_run := TrainingRun.objects.filter(style_id=held.pk, state__in=OPEN).first():
        raise TrainingUnderWay(training=open_run.pk)
    listed = Work.objects.filter(styles=held).count()
    if listed > MOST_WORKS:
        raise TooManyWorks(listed=listed, most=MOST_WORKS)
    rows = works_taught(actor=actor, style=held, purpose=purpose, recipe=settled_recipe(recipe, works=listed))
    usable = len(digests(rows, TRAINED))
    if usable < LEAST_WORKS:
        said_en, said_zh = why_left_out(rows)
        raise TooFewWorks(usable=usable, listed=listed, least=LEAST_WORKS, said_en=said_en, said_zh=said_zh)
    settled = settled_recipe(recipe, works=usable)
    return _recorded(actor=actor, style=held, model=registered, recipe=settled, rows=rows, purpose=purpose)


def _model(style: Style, *, name: str) -> ImageModel:
    """Return the model to train for, as it stands."""
    if name:
        model = queries.model_named(name)
    else:
        found = queries.models_listed().filter(digest=style.model_digest).first()
        if found is None:
            raise ModelNotRegistered()
        model = found
    if model.pipeline_class != TRAINABLE:
        raise ModelNotTrainable(model=model.name, kind=model.pipeline_class)
    return model


def _recorded(
    *, actor: Actor, style: Style, model: ImageModel, recipe: Recipe, rows: list[dict[str, Any]], purpose: str
) -> TrainingRun:
    run = TrainingRun(
        style_id=style.pk,
        asked_by=actor.account_id,
        model=model,
        state=TrainingRun.State.QUEUED,
        purpose=purpose,
        recipe=recipe.as_json(),
        works=rows,
        steps=recipe.steps or 0,
        asked_at=timezone.now(),
    )
    run.request_leaf = audit_log.append(
        TrainingRequested(
            actor=actor,
            training=run.pk,
            style=style.pk,
            model=model.digest,
            recipe=run.recipe,
            trained_on=len(digests(rows, TRAINED)),
            left_out=len(digests(rows, LEFT_OUT)),
            works=rows_digest(rows),
        )
    )
    run.save(force_insert=True)
    training_waiting.send(sender=TrainingRun)
    return run


@transaction.atomic
def cancel_training(*, actor: Actor, training_id: UUID) -> TrainingRun:
    """Call a training of one's own style off: at once while it waits, between two steps while it runs.

    Raises UnknownTraining, TrainingEnded.
    """
    mine = queries.trainings_of_own_styles(actor).filter(pk=training_id).exists()
    run = TrainingRun.objects.select_for_update().filter(pk=training_id).first() if mine else None
    if run is None:  # an auditor sees others' trainings and still calls none of them off
        raise UnknownTraining(training=training_id)
    if run.state == TrainingRun.State.TRAINING:
        run.cancel_requested = True
        run.save(update_fields=["cancel_requested"])
    elif run.state == TrainingRun.State.QUEUED:
        run.state, run.ended_at = TrainingRun.State.CANCELLED, timezone.now()
        run.save(update_fields=["state", "ended_at"])
        audit_log.append(TrainingCancelled(actor=actor, training=run.pk))
        notify_training(run)
    else:
        raise TrainingEnded(state=run.state)
    return run
