"""Reading models, generations and delivered images; every list is scoped to who asks."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache, reduce
from operator import or_
from pathlib import Path
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet

from generation.errors import ModelSuperseded, NoModel, UnknownGeneration, UnknownModel
from generation.models import Generation, ImageModel, Output, Rendition, TrainingRun
from generation.pipelines.contract import ModelSource, WeightFile
from generation.training.errors import UnknownTraining
from generation.vocabulary import Known, Notice, known_words, notices_about, words_cut
from provenance.actor import Actor
from provenance.attribution import queries as fingerprints
from provenance.picture import FORMATS
from provenance.works import queries as works
from provenance.works.models import Work


def models_listed() -> QuerySet[ImageModel]:
    """Return every model that stands, the current row of each name, the default first."""
    return _models().filter(is_withdrawn=False, superseded_at=None).order_by("named_at", "id")


def _models() -> QuerySet[ImageModel]:
    return ImageModel.objects.defer("vocabulary")  # some hundred kilobytes, which ``notices_of`` reads once


def model_named(name: str) -> ImageModel:
    """Return the model with this id or slug, or the default one for an empty name.

    Raises NoModel, UnknownModel, or ModelSuperseded for the id of weights that newer ones replaced.
    """
    if not name:
        model = models_listed().first()
        if model is None:
            raise NoModel()
        return model
    model = model_recorded(name)
    if model.superseded_at:
        raise ModelSuperseded(model=model.name, slug=model.slug)
    return model


def model_recorded(name: str) -> ImageModel:
    """Return the model that stands under a slug, or any not withdrawn by its id, superseded or not.

    Raises UnknownModel.
    """
    wanted = model_named_so(name)
    model = models_listed().filter(wanted).first() or _models().filter(wanted, is_withdrawn=False).first()
    if model is None:
        raise UnknownModel(model=name[:80])
    return model


def model_named_so(name: str) -> Q:
    """Return the condition that a model has this id, or else this slug."""
    try:
        return Q(pk=UUID(name))
    except ValueError:
        return Q(slug=name)


def superseded_model(digest: str) -> ImageModel | None:
    """Return a model of some weights that no current model has any more; None for those that stand."""
    rows = ImageModel.objects.filter(digest=digest)
    return None if rows.filter(superseded_at=None).exists() else rows.first()


def digests_superseded(slug: str) -> set[str]:
    """Return the digests that stood under a name and that no model has any more."""
    current = ImageModel.objects.filter(superseded_at=None).values("digest")
    earlier = ImageModel.objects.filter(slug=slug, superseded_at__isnull=False).exclude(digest__in=current)
    return set(earlier.values_list("digest", flat=True))


def model_with(digest: str) -> ImageModel:
    """Return the registration of some weights that is current; raise UnknownModel where there is none."""
    model = ImageModel.objects.filter(digest=digest, superseded_at=None, is_withdrawn=False).first()
    if model is None:
        raise UnknownModel(model=digest[:19])
    return model


def model_source(model: ImageModel) -> ModelSource:
    """Return where a model's files are and what they must hash to.

    Of a superseded model whose very files are registered anew (a folder that was moved), where they are now.
    """
    if model.superseded_at:
        model = ImageModel.objects.filter(digest=model.digest, superseded_at=None).first() or model
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
        .defer("model__vocabulary")
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


def notices_of(generation: Generation) -> list[Notice]:
    """Return what the sender of a request should know: words its model was never taught or does not read, its size."""
    model = generation.model
    return notices_about(
        generation.prompt,
        known=_known_to(model.pk),
        size=(generation.width, generation.height),
        own_size=(int(model.defaults["width"]), int(model.defaults["height"])),
        cut=_cut_off(generation.expanded_prompt, source=model.source),
    )


@lru_cache(maxsize=16)
def _known_to(model_id: UUID) -> Known | None:
    """Return the words of a model; a row of it never changes, so they are read once."""
    return known_words(ImageModel.objects.values_list("vocabulary", flat=True).get(pk=model_id))


def _cut_off(prompt: str, *, source: str) -> str:
    """Return the end of a prompt that a local model with one text encoder does not read; the worker tells of others."""
    folder = Path(source)
    if not (folder / "tokenizer").is_dir() or (folder / "tokenizer_2").is_dir():
        return ""
    return words_cut(prompt, tokenizer=folder / "tokenizer")


def state_of(generation_id: UUID) -> dict[str, object]:
    """Return a generation's state and step, as an event tells them."""
    row = Generation.objects.values("state", "step", "steps").get(pk=generation_id)
    return {"generation": str(generation_id), "state": row["state"], "step": row["step"], "of": row["steps"]}


def outputs_visible_to(actor: Actor) -> QuerySet[Output]:
    """Return the images of an account's own generations, or all for an auditor; newest first."""
    outputs = Output.objects.select_related("generation__model").order_by("-delivered_at", "id")
    outputs = outputs.prefetch_related(Prefetch("renditions", queryset=Rendition.objects.order_by("made_at", "id")))
    return outputs if actor.has("auditor") else outputs.filter(generation__owner_id=actor.account_id)


def outputs_unfingerprinted() -> QuerySet[Output]:
    """Return the delivered images whose fingerprint was never kept, without those that were erased; oldest first."""
    outputs = Output.objects.filter(generation__erased_at=None)
    return outputs.exclude(fingerprints.is_kept("image", column="use_id")).order_by("delivered_at", "id")


def renditions_unfingerprinted() -> QuerySet[Rendition]:
    """Return the later forms with pixels of their own whose fingerprint was never kept; oldest first, none erased."""
    forms = Rendition.objects.filter(output__generation__erased_at=None).exclude(reason="timestamp")
    return forms.exclude(fingerprints.is_form_kept(digest="digest")).order_by("made_at", "id")


def works_unfingerprinted() -> QuerySet[Work]:
    """Return the works whose fingerprint was never kept though they are pictures, or have a preview; oldest first."""
    can_be_read = Q(media_type__in=FORMATS.values()) | ~Q(preview_digest="")
    listed = Work.objects.select_related("owner").filter(can_be_read, erased_at=None)
    return listed.exclude(fingerprints.is_kept("work", column="pk")).order_by("registered_at", "pk")


# ---- trainings -------------------------------------------------------------------------------------------------


def trainings_of_own_styles(actor: Actor) -> QuerySet[TrainingRun]:
    """Return the trainings of the styles of an account's parties, newest first."""
    styles = works.holdings_of(works.parties_of(actor.account_id))[1].order_by().values("pk")
    return _trainings().filter(style_id__in=styles)


def trainings_visible_to(actor: Actor) -> QuerySet[TrainingRun]:
    """Return the trainings of an account's own styles, or all for an auditor; newest first."""
    return _trainings() if actor.has("auditor") else trainings_of_own_styles(actor)


def _trainings() -> QuerySet[TrainingRun]:
    return TrainingRun.objects.select_related("model").defer("model__vocabulary").order_by("-asked_at", "id")


def training_of(actor: Actor, *, training_id: UUID) -> TrainingRun:
    """Return one training that an account may see; raise UnknownTraining otherwise."""
    run = trainings_visible_to(actor).filter(pk=training_id).first()
    if run is None:
        raise UnknownTraining(training=training_id)
    return run


def training_recorded(training_id: UUID) -> TrainingRun:
    """Return a training for the operator."""
    return TrainingRun.objects.select_related("model").get(pk=training_id)


def training_under_way(style_id: UUID) -> TrainingRun | None:
    """Return the training of a style that has not ended; None where there is none."""
    return TrainingRun.objects.filter(style_id=style_id, ended_at=None).first()


def training_state_of(training_id: UUID) -> dict[str, object]:
    """Return a training's state and step, as an event tells them."""
    row = TrainingRun.objects.values("state", "step", "steps", "seconds_left", "is_paused").get(pk=training_id)
    return {"training": str(training_id), "of": row.pop("steps"), **row}


def training_files(among: Iterable[str] | None = None) -> set[str]:
    """Return the files that trainings need kept, of all or among some: adapters of old outputs, and checkpoints."""
    columns = ("adapter_digest", "manifest_digest", "sheet_digest", "checkpoint_digest")
    found = TrainingRun.objects.filter(erased_at=None)
    if among is None:
        return {digest for row in found.values_list(*columns) for digest in row if digest}
    wanted = set(among)
    named = reduce(or_, (Q(**{f"{column}__in": wanted}) for column in columns))
    return {digest for row in found.filter(named).values_list(*columns) for digest in row} & wanted


def is_drawn_with(adapter: str) -> bool:
    """Say whether a recorded request names an adapter file of a style that was not erased: it is drawn again with it.

    The style itself may be carried by another file since.
    """
    named = Generation.objects.filter(erased_at=None, references__contains=[{"adapter": adapter}])
    for references in named.values_list("references", flat=True).iterator(chunk_size=100):
        styles = [row["style"] for row in references if row["adapter"] == adapter]
        if any(style.erased_at is None for style in works.styles_with(styles)):
            return True
    return False


# ---- erasure ---------------------------------------------------------------------------------------------------

ENDED = (Generation.State.DONE, Generation.State.REFUSED, Generation.State.FAILED, Generation.State.CANCELLED)


def generations_to_erase(account_id: UUID) -> QuerySet[Generation]:
    """Return an account's generations that were not erased, in one order, so that two who lock them do not block."""
    return Generation.objects.filter(owner_id=account_id, erased_at=None).order_by("pk")


def images_to_erase(account_id: UUID) -> QuerySet[Output]:
    """Return the delivered images of an account's generations that were not erased."""
    return Output.objects.filter(generation__owner_id=account_id, generation__erased_at=None).order_by("digest")


def renditions_to_erase(account_id: UUID) -> QuerySet[Rendition]:
    """Return the later forms of the images of an account's generations that were not erased."""
    own = {"output__generation__owner_id": account_id, "output__generation__erased_at": None}
    return Rendition.objects.filter(**own).order_by("digest")


def files_ever_made(account_id: UUID) -> QuerySet[Output, str]:
    """Return the digests of all files of an account's images, of those that were erased too."""
    later = Rendition.objects.filter(output__generation__owner_id=account_id).values_list("digest", flat=True)
    return Output.objects.filter(generation__owner_id=account_id).values_list("digest", flat=True).union(later)


def uses_of_offer(*, offer_id: UUID, grants: Iterable[UUID]) -> QuerySet[Output]:
    """Return the delivered pictures whose decision rests on an offer or on grants of it, the newest first.

    What only a prompt names counts where that prompt is public: otherwise the list would tell of its words.
    """
    is_public = Q(generation__disclosure=Generation.Disclosure.PUBLIC)
    rests_on_it = Q()
    for right in [offer_id, *grants]:
        answer = {"right": str(right), "permitted": True}
        for rests in (answer, {"permitted": True, "works": [{"right": str(right)}]}):
            declared = {**rests, "found_in": "declared"}
            rests_on_it |= Q(generation__decision__references__contains=[declared])
            rests_on_it |= is_public & Q(generation__decision__references__contains=[rests])
    return Output.objects.filter(rests_on_it).select_related("generation").order_by("-delivered_at", "id")
