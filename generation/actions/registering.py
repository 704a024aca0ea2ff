"""Registering models: what they are, what their files hash to, and under which licence."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.text import slugify

from generation import queries
from generation.events import ModelRegistered
from generation.models import ImageModel
from generation.pipelines.loading import ModelFacts
from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.works.actions.styles import leave_style_behind, rebind_style
from provenance.works.queries import styles_bound_to


@transaction.atomic
def register_model(
    *,
    actor: Actor,
    facts: ModelFacts,
    name: str,
    licence: str,
    training: str,
    training_statement: str,
) -> ImageModel:
    """Record a model under its name; what stood there before is superseded, and its row stays as it is.

    Registering what stands already adds nothing; registering earlier weights again makes their row current.
    """
    slug = model_slug(name, facts=facts)
    said = _said(facts, name=name, licence=licence, training=training, training_statement=training_statement)
    _hold_name(slug)
    before = ImageModel.objects.filter(slug=slug, superseded_at=None).first()
    known = ImageModel.objects.filter(slug=slug, **said).first()
    if before and before == known and not before.is_withdrawn:
        return before
    now = timezone.now()
    ImageModel.objects.filter(slug=slug, superseded_at=None).exclude(pk=known and known.pk).update(superseded_at=now)
    if known:
        known.superseded_at, known.is_withdrawn = None, False
        known.save(update_fields=["superseded_at", "is_withdrawn"])
    else:
        named_at = before.named_at if before else now
        known = ImageModel.objects.create(slug=slug, named_at=named_at, registered_at=now, **said)
    audit_log.append(
        ModelRegistered(
            actor=actor,
            model=known.pk,
            name=name,
            digest=known.digest,
            licence=licence,
            training=training,
            supersedes=before.digest if before and before != known else "",
        )
    )
    return known


@transaction.atomic
def leave_styles_behind(*, actor: Actor, model: ImageModel) -> list[str]:
    """Set aside the styles that only superseded weights of a model's name carry; return what they are called.

    Those of weights that are current again come back.
    """
    superseded = queries.digests_superseded(model.slug)
    left = list(styles_bound_to(superseded, state="active").select_for_update(of=("self",)))
    for style in left:
        leave_style_behind(actor=actor, style=style, model_digest=model.digest)
    for style in styles_bound_to([model.digest], state="left-behind").select_for_update(of=("self",)):
        rebind_style(
            actor=actor, style=style, works=list(style.works.all()), model_digest=model.digest, token=style.token
        )
    return [style.name for style in left]


def model_slug(name: str, *, facts: ModelFacts) -> str:
    """Return the name of a model in addresses."""
    return slugify(name)[:80] or facts.source.digest[7:19]


def _hold_name(slug: str) -> None:
    """Keep others from registering the same name until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 2))", [slug])


def _said(facts: ModelFacts, **told: str) -> dict[str, Any]:
    """Return everything that a registration records, as its row holds it."""
    return {
        **told,
        "source": facts.source.source,
        "revision": facts.source.revision,
        "digest": facts.source.digest,
        "weights": [
            {"path": file.path, "digest": file.digest, "size_bytes": str(file.size_bytes)}
            for file in facts.source.weights
        ],
        "pipeline_class": facts.pipeline_class,
        "tasks": list(facts.tasks),
        "defaults": _defaults(facts),
        "sizes": _sizes(facts),
        "vocabulary": dict(facts.vocabulary),
    }


def _defaults(facts: ModelFacts) -> dict[str, Any]:
    return {
        "width": facts.width,
        "height": facts.height,
        "steps": facts.steps,
        "guidance_scale": str(facts.guidance_scale),
        "scheduler": facts.scheduler,
        "schedulers": list(facts.schedulers),
    }


def _sizes(facts: ModelFacts) -> dict[str, int]:
    own = facts.colophon.get("sizes", {})
    return {
        "multiple": int(own.get("multiple", facts.size_multiple)),
        "min": int(own.get("min", 64)),
        "max": int(own.get("max", max(2048, facts.width, facts.height))),
    }
