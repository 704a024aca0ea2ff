"""Reading models, generations and delivered images; every list is scoped to who asks."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet

from generation.errors import NoModel, UnknownGeneration, UnknownModel
from generation.models import Generation, ImageModel, Output
from generation.pipelines.contract import ModelSource, WeightFile
from provenance.actor import Actor


def models_listed() -> QuerySet[ImageModel]:
    """Return every model that stands, the default first."""
    return ImageModel.objects.filter(is_withdrawn=False).order_by("registered_at", "id")


def model_named(name: str) -> ImageModel:
    """Return the model with this id or slug, or the default one for an empty name."""
    if not name:
        model = models_listed().first()
        if model is None:
            raise NoModel()
        return model
    try:
        wanted = Q(pk=UUID(name))
    except ValueError:
        wanted = Q(slug=name)
    model = models_listed().filter(wanted).first()
    if model is None:
        raise UnknownModel(model=name[:80])
    return model


def model_source(model: ImageModel) -> ModelSource:
    """Return where a model's files are and what they must hash to."""
    return ModelSource(
        source=model.source,
        revision=model.revision,
        digest=model.digest,
        weights=tuple(
            WeightFile(path=row["path"], digest=row["digest"], size_bytes=int(row["size_bytes"]))
            for row in model.weights
        ),
    )


def generations_visible_to(actor: Actor) -> QuerySet[Generation]:
    """Return an account's own generations, or all for an auditor; newest first."""
    generations = (
        Generation.objects.select_related("model")
        .prefetch_related(Prefetch("outputs", queryset=Output.objects.order_by("index")))
        .order_by("-requested_at", "id")
    )
    return generations if actor.has("auditor") else generations.filter(owner_id=actor.account_id)


def generation_of(actor: Actor, *, generation_id: UUID) -> Generation:
    """Return one generation that an account may see; raise UnknownGeneration otherwise."""
    generation = generations_visible_to(actor).filter(pk=generation_id).first()
    if generation is None:
        raise UnknownGeneration(generation=generation_id)
    return generation


def state_of(generation_id: UUID) -> dict[str, object]:
    """Return a generation's state and step, as an event tells them."""
    row = Generation.objects.values("state", "step", "steps").get(pk=generation_id)
    return {"generation": str(generation_id), "state": row["state"], "step": row["step"], "of": row["steps"]}


def outputs_visible_to(actor: Actor) -> QuerySet[Output]:
    """Return the images of an account's own generations, or all for an auditor; newest first."""
    outputs = Output.objects.select_related("generation__model").order_by("-delivered_at", "id")
    return outputs if actor.has("auditor") else outputs.filter(generation__owner_id=actor.account_id)


def outputs_with(**wanted: str | None) -> list[Output]:
    """Return the delivered images with a digest, manifest id or pixel digest, oldest first."""
    outputs = Output.objects.select_related("generation__model").filter(**wanted)
    return list(outputs.order_by("delivered_at", "id"))


def delivered_files(digests: Iterable[str]) -> set[str]:
    """Return which of some digests are delivered images."""
    return set(Output.objects.filter(digest__in=list(digests)).values_list("digest", flat=True))
