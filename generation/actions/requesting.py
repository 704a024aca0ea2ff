"""Asking for pictures, and calling them off."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from generation import queries
from generation.actions.notifying import notify_state, notify_stop
from generation.errors import AlreadyEnded, InputMissing, KeyReused, StyleNotCarried, UnknownGeneration
from generation.events import GenerationCancelled, GenerationRefused, GenerationRequested, work_available
from generation.models import Generation, IdempotencyKey, ImageModel
from generation.request import MEDIA_TYPES, GenerationRequest, InputPicture, Settled, settle
from provenance import storage
from provenance.actor import Actor
from provenance.audit_log import actions as audit_log
from provenance.credentials.manifest import prompt_commitment
from provenance.licensing.actions import uses
from provenance.licensing.decision import Decision, decide, held_to_quote, model_rights
from provenance.licensing.declared import Asked
from provenance.licensing.errors import UsesExhausted
from provenance.licensing.money import Money
from provenance.licensing.queries.subjects import subjects_of_request
from provenance.licensing.queries.usable_works import works_usable
from provenance.licensing.sealing import sealed
from provenance.licensing.subjects import Subject
from provenance.licensing.terms import RUN
from provenance.works import queries as works
from provenance.works.binding import ADAPTER_FILE, TOKEN_STYLE, token_style_digest, works_digest
from provenance.works.crediting import is_unnamed
from provenance.works.models import Style, Work


@dataclass(frozen=True)
class Gathered:
    """A request with the rows it names."""

    request: GenerationRequest
    model: ImageModel
    styles: Sequence[Style]
    inputs: Sequence[Work]

    @property
    def expanded_prompt(self) -> str:
        """Return the prompt as the model reads it: with the token of every declared style."""
        tokens = [style.token for style in self.styles if style.token]
        return ", ".join([self.request.prompt, *tokens])


def gather(*, actor: Actor, request: GenerationRequest) -> Gathered:
    """Look up everything that a request names, within what the actor may see."""
    model = queries.model_named(request.model)
    styles = works.styles_named(reference.style for reference in request.references)
    for style in styles:
        works.require_ready(style)
        if style.model_digest != model.digest:
            raise StyleNotCarried(style=style.name, model=model.name)
    inputs = works_usable(actor, works_wanted=[UUID(picture.work) for picture in request.inputs])
    for work in inputs:
        if not work.pixel_digest or not storage.exists(work.digest):
            raise InputMissing(work=work.pk)
    return Gathered(request=request, model=model, styles=styles, inputs=inputs)


def decide_for(*, actor: Actor, gathered: Gathered, images: int, earlier: Generation | None = None) -> Decision:
    """Return the licence decision over model, styles, inputs and every registered name in the prompt.

    A generation that is decided on again has its own reserved uses to spend, and need not have accepted what
    nobody asked to be accepted when it was requested.
    """
    model = gathered.model
    model_subject = Subject(
        kind="model",
        id=str(model.pk),
        name=model.name,
        needs=RUN,
        digest=model.digest,
        is_withdrawn=model.is_withdrawn,
        rights=model_rights(model.licence),
    )
    others = subjects_of_request(
        licensee=actor.account_id,
        styles=gathered.styles,
        input_works=gathered.inputs,
        prompt=f"{gathered.expanded_prompt}\n{gathered.request.negative_prompt}",
        written=f"{gathered.request.prompt}\n{gathered.request.negative_prompt}",
        generation=earlier.pk if earlier else None,
    )
    asked = asked_in(gathered.request, images=images)
    if earlier and "accepted_terms" not in earlier.decision:
        asked = dataclasses.replace(asked, is_before_acceptance=True)
    return decide(
        (model_subject, *others),
        asked=asked,
        training={"class": model.training, "statement": model.training_statement},
    )


def asked_in(request: GenerationRequest, *, images: int) -> Asked:
    """Return what a request declares of the use, at this moment."""
    return Asked(
        at=timezone.now(),
        purpose=request.purpose,
        territory=request.territory,
        recipient=request.recipient,
        content_rating=request.content_rating,
        images=images,
        ceiling=request.ceiling,
        accepted_terms=frozenset(request.accepted_terms),
        is_prompt_public=request.disclosure == "public",
    )


def settled_for(gathered: Gathered) -> Settled:
    """Return the numbers of a request within its model's limits; raise InvalidRequest naming the field."""
    model = gathered.model
    return settle(
        gathered.request,
        tasks=tuple(model.tasks),
        defaults=model.defaults,
        sizes=model.sizes,
        schedulers=tuple(model.defaults["schedulers"]),
    )


def decide_without_asking(*, actor: Actor, request: GenerationRequest) -> Decision:
    """Return the decision that a request would get, without making it; raise what making it would raise."""
    gathered = gather(actor=actor, request=request)
    images = len(settled_for(gathered).seeds)
    return decide_for(actor=actor, gathered=gathered, images=images)


def decide_again(generation: Generation) -> Decision:
    """Return the decision on a recorded request as things stand now, just before rendering."""
    request = GenerationRequest(
        prompt=generation.prompt,
        negative_prompt=generation.negative_prompt,
        disclosure=generation.disclosure,
        purpose=generation.purpose,
        territory=generation.territory,
        recipient=generation.recipient,
        content_rating=generation.content_rating,
        ceiling=Money.from_json(generation.ceiling) if generation.ceiling else None,
        accepted_terms=tuple(generation.accepted_terms),
        inputs=tuple(InputPicture(role=row["role"], work=row["work"]) for row in generation.inputs),
    )
    gathered = Gathered(
        request=request,
        model=generation.model,
        styles=works.styles_with([row["style"] for row in generation.references]),
        inputs=works.works_with_ids([row["work"] for row in generation.inputs]),
    )
    owner = Actor(account_id=generation.owner_id)
    decision = decide_for(actor=owner, gathered=gathered, images=len(generation.seeds), earlier=generation)
    return held_to_quote(decision, quoted=generation.decision.get("quote"))


@transaction.atomic
def request_generation(
    *,
    actor: Actor,
    name: str,
    request: GenerationRequest,
    idempotency_key: str = "",
    body_digest: str = "",
) -> Generation:
    """Record a request, decide on it, and queue or refuse it; the same key and body give the same one.

    Raises the fault of whatever the request names wrongly; nothing is then recorded.
    """
    actor.require("artist")
    if idempotency_key:
        earlier = _earlier(actor=actor, key=idempotency_key, body_digest=body_digest)
        if earlier:
            return earlier
    gathered = gather(actor=actor, request=request)
    settled = settled_for(gathered)
    generation = _reserved(actor=actor, name=name, gathered=gathered, settled=settled)
    if generation.state == Generation.State.QUEUED:
        generation.request_leaf = audit_log.append(_requested(actor=actor, generation=generation))
        work_available.send(sender=Generation)
    else:
        audit_log.append(
            GenerationRefused(
                actor=actor, generation=generation.pk, stage="request", decision=decision_to_log(generation)
            )
        )
    generation.save(force_insert=True)
    if idempotency_key:
        IdempotencyKey.objects.create(
            owner_id=actor.account_id, key=idempotency_key, body_digest=body_digest, generation=generation
        )
    return generation


def _reserved(*, actor: Actor, name: str, gathered: Gathered, settled: Settled) -> Generation:
    """Return the row of a request as it was decided, its uses and price reserved where it was permitted."""
    told = {"actor": actor, "name": name, "gathered": gathered, "settled": settled}
    images = len(settled.seeds)
    generation = _row(decision=decide_for(actor=actor, gathered=gathered, images=images), **told)
    try:
        _reserve(generation, actor=actor)
    except UsesExhausted:
        # Somebody took the last uses meanwhile. The grant's row is held now: deciding again sees what is left.
        generation = _row(decision=decide_for(actor=actor, gathered=gathered, images=images), **told)
        _reserve(generation, actor=actor)
    return generation


def _reserve(generation: Generation, *, actor: Actor) -> None:
    if generation.state == Generation.State.QUEUED:
        images = len(generation.seeds)
        uses.reserve(actor=actor, generation=generation.pk, decision=generation.decision, images=images)


def _earlier(*, actor: Actor, key: str, body_digest: str) -> Generation | None:
    with connection.cursor() as cursor:  # two equal POSTs at once: the second waits for the first
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", [f"{actor.account_id} {key}"])
    known = IdempotencyKey.objects.filter(owner_id=actor.account_id, key=key).select_related("generation").first()
    if known is None:
        return None
    if known.body_digest != body_digest:
        raise KeyReused()
    return known.generation


def _row(*, actor: Actor, name: str, gathered: Gathered, settled: Settled, decision: Decision) -> Generation:
    request = gathered.request
    label = request.label or settings.ENVIRONMENT.visible_label
    now = timezone.now()
    salt = secrets.token_bytes(32)
    state = Generation.State.QUEUED if decision.is_permitted else Generation.State.REFUSED
    return Generation(
        owner_id=actor.account_id,
        owner_name=name,
        state=state,
        model=gathered.model,
        prompt=request.prompt,
        expanded_prompt=gathered.expanded_prompt,
        negative_prompt=request.negative_prompt,
        prompt_salt=salt,
        prompt_commitment=prompt_commitment(request.prompt, salt=salt),
        disclosure=request.disclosure,
        task=request.task,
        references=_references(gathered),
        inputs=_inputs(gathered),
        purpose=request.purpose,
        territory=request.territory,
        recipient=request.recipient,
        media_type=MEDIA_TYPES[request.output_format],
        quality=request.quality,
        label=label.as_json() if label else None,
        content_rating=request.content_rating,
        ceiling=request.ceiling.as_json() if request.ceiling else None,
        accepted_terms=list(request.accepted_terms),
        decision=decision.as_json(),
        fault=None if decision.is_permitted else refusal(decision),
        requested_at=now,
        ended_at=None if decision.is_permitted else now,
        **{**dataclasses.asdict(settled), "seeds": list(settled.seeds)},
    )


def _references(gathered: Gathered) -> list[dict[str, Any]]:
    return [
        {
            "style": str(style.pk),
            "name": style.name,
            "name_zh": style.name_zh,
            "carrier": style.carrier,
            "token": style.token,
            "adapter": style.adapter_digest,
            **_bound(style),
            "scale": str(reference.scale),
            "author": (author := works.authors_behind(style)),
            "url": "" if is_unnamed(author) else style.owner.url,
        }
        for style, reference in zip(gathered.styles, gathered.request.references, strict=True)
    ]


def _bound(style: Style) -> dict[str, str]:
    """Return what binds a style in the manifest, and what that is the digest of."""
    if style.adapter_digest:
        return {"digest": style.adapter_digest, "digest_of": ADAPTER_FILE}
    listed = works_digest(style.works.values_list("digest", flat=True))
    return {
        "digest": token_style_digest(model=style.model_digest, token=style.token, works=listed),
        "digest_of": TOKEN_STYLE,
    }


def _inputs(gathered: Gathered) -> list[dict[str, Any]]:
    return [
        {
            "role": picture.role,
            "work": str(work.pk),
            "title": work.title,
            "digest": work.digest,
            "author": work.author_credit,
        }
        for work, picture in zip(gathered.inputs, gathered.request.inputs, strict=True)
    ]


def refusal(decision: Decision) -> dict[str, Any]:
    """Return the fault of a refused request: its reasons, in both languages."""
    reasons = [reason for answer in decision.refusals() for reason in answer.reasons]
    code = "no-licence-basis" if reasons else decision.reasons[0].code
    reasons += decision.reasons
    return {
        "code": code,
        "en": " ".join(reason.en for reason in reasons),
        "zh-Hans": "".join(reason.zh for reason in reasons),
    }


def decision_to_log(generation: Generation) -> Mapping[str, Any]:
    """Return a generation's decision as its entries hold it: an undisclosed prompt's names are sealed."""
    if generation.disclosure == Generation.Disclosure.PUBLIC:
        return dict(generation.decision)
    return sealed(generation.decision, salt=bytes(generation.prompt_salt))


def _requested(*, actor: Actor, generation: Generation) -> GenerationRequested:
    return GenerationRequested(
        actor=actor,
        generation=generation.pk,
        model=generation.model.digest,
        prompt_commitment=generation.prompt_commitment,
        seeds=[str(seed) for seed in generation.seeds],
        references=generation.references,
        inputs=generation.inputs,
        decision=decision_to_log(generation),
        settings={
            "task": generation.task,
            "width": generation.width,
            "height": generation.height,
            "steps": generation.steps,
            "guidance_scale": str(generation.guidance_scale),
            "scheduler": generation.scheduler,
            "disclosure": generation.disclosure,
            **_form_in_entry(generation),
        },
    )


def in_entry(value: Any, *, usual: Any = None) -> Any:
    """Return what an entry states of a choice; nothing where it is the usual one, as entries before the choice did."""
    return None if value == usual else value


def _form_in_entry(generation: Generation) -> dict[str, Any]:
    chosen = {
        "media_type": in_entry(generation.media_type, usual="image/png"),
        "quality": generation.quality,
        "label": generation.label,
    }
    return {name: value for name, value in chosen.items() if value is not None}


@transaction.atomic
def cancel_generation(*, actor: Actor, generation_id: UUID) -> Generation:
    """Call off one's own generation: at once while it waits, between two steps while it renders."""
    own = Generation.objects.select_for_update().filter(pk=generation_id, owner_id=actor.account_id)
    generation = own.first()
    if generation is None:  # an auditor sees others' requests and still calls none of them off
        raise UnknownGeneration(generation=generation_id)
    if generation.state in {Generation.State.RENDERING, Generation.State.MARKING}:
        generation.cancel_requested = True
        generation.save(update_fields=["cancel_requested"])
        notify_stop(generation.pk)
    elif generation.state == Generation.State.QUEUED:
        generation.state = Generation.State.CANCELLED
        generation.ended_at = timezone.now()
        generation.save(update_fields=["state", "ended_at"])
        uses.release(generation=generation.pk, decision=generation.decision, reason="cancelled")
        audit_log.append(GenerationCancelled(actor=actor, generation=generation.pk))
        notify_state(generation)
    else:
        raise AlreadyEnded(state=generation.state)
    return generation
