"""Registering models: what they are, what their files hash to, and under which licence."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from generation.events import ModelRegistered
from generation.models import ImageModel
from generation.pipelines.loading import ModelFacts
from provenance.actor import Actor
from provenance.audit_log import actions as audit_log


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
    """Record a model, or record anew one whose slug stands: its files, licence and training statement."""
    slug = slugify(name)[:80] or facts.source.digest[7:19]
    facts_now = {
        "name": name,
        "source": facts.source.source,
        "revision": facts.source.revision,
        "digest": facts.source.digest,
        "weights": [
            {"path": file.path, "digest": file.digest, "size_bytes": str(file.size_bytes)}
            for file in facts.source.weights
        ],
        "licence": licence,
        "training": training,
        "training_statement": training_statement,
        "pipeline_class": facts.pipeline_class,
        "tasks": list(facts.tasks),
        "defaults": _defaults(facts),
        "sizes": _sizes(facts),
        "vocabulary": facts.vocabulary,
        "is_withdrawn": False,
    }
    model, _ = ImageModel.objects.update_or_create(
        slug=slug,
        defaults=facts_now,
        create_defaults={**facts_now, "registered_at": timezone.now()},
    )
    audit_log.append(
        ModelRegistered(
            actor=actor,
            model=model.pk,
            name=name,
            digest=facts.source.digest,
            licence=licence,
            training=training,
        )
    )
    return model


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
