"""From raw pixels to a delivered image: digest, encode, sign, store; then rows and entries together."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from PIL import Image

from generation.actions.claiming import Claim, hold_claimed
from generation.actions.notifying import notify_state
from generation.errors import Cancelled
from generation.events import GenerationDone, OutputDelivered
from generation.models import Generation, Output
from generation.pipelines.contract import Pixels, Rendered
from provenance import storage
from provenance.actor import Actor
from provenance.attribution import actions as attribution
from provenance.audit_log import actions as audit_log
from provenance.canonical import pixel_digest, sha256_digest
from provenance.credentials import actions as credentials
from provenance.credentials.label import VisibleLabel
from provenance.credentials.manifest import (
    BasisLine,
    Colophon,
    InputUsed,
    LogReceipt,
    ModelUsed,
    Prompt,
    Reference,
    Software,
)
from provenance.credentials.marking import ENDINGS, MarkedPicture, mark
from provenance.credentials.signing import SignedImage, SigningKey, sign_image
from provenance.credentials.xmp import xmp_packet
from provenance.fingerprint import Fingerprint
from provenance.licensing.actions import uses
from provenance.licensing.credits import style_credit, without_names, work_credit
from provenance.verification.verify import verify

MOST_AT_ONCE = 4
"""Pictures of a batch that are signed side by side."""


@dataclass(frozen=True)
class SignedOutput:
    """One signed file with what its row will say."""

    index: int
    use_id: UUID
    seed: Decimal
    signed: SignedImage
    credential: credentials.Prepared
    raw_pixels: str
    delivered_pixels: str
    fingerprints: Mapping[str, Fingerprint]
    """By stage; of a picture that no mark changed, as delivered alone."""
    width: int
    height: int


@dataclass(frozen=True)
class Delivery:
    """Everything of a finished generation that its rows and entries will say."""

    outputs: tuple[SignedOutput, ...]
    rendered: Rendered


def as_pixels(image: Image.Image) -> Pixels:
    """Return a Pillow image as an array of uint8."""
    return np.asarray(image, dtype=np.uint8)


def prepare(generation: Generation, *, rendered: Rendered, key: SigningKey) -> Delivery:
    """Mark, sign and store every picture of a generation; nothing is recorded yet."""
    made_at = timezone.now()
    inputs = {row["digest"]: storage.load(row["digest"]) for row in generation.inputs}

    def signed_and_stored(index: int) -> SignedOutput:
        output = _sign(
            generation,
            index=index,
            pixels=rendered.images[index],
            made_at=made_at,
            rendered=rendered,
            inputs=inputs,
            key=key,
        )
        storage.store(output.signed.data)
        storage.store(output.signed.manifest_store)
        return output

    # Encoding, signing and waiting for the disk leave Python free: a batch takes little longer than one picture.
    with ThreadPoolExecutor(max_workers=MOST_AT_ONCE) as threads:
        outputs = tuple(threads.map(signed_and_stored, range(len(rendered.images))))
    return Delivery(outputs=outputs, rendered=rendered)


def _sign(
    generation: Generation,
    *,
    index: int,
    pixels: Pixels,
    made_at: datetime,
    rendered: Rendered,
    inputs: Mapping[str, bytes],
    key: SigningKey,
) -> SignedOutput:
    use_id = uuid4()
    seed = generation.seeds[index]
    colophon = _colophon(
        generation,
        seed=int(seed),
        made_at=made_at,
        raw_pixels=pixel_digest(pixels),
        use_id=use_id,
        rendered=rendered,
        inputs=inputs,
    )
    marked = mark(
        pixels,
        media_type=generation.media_type,
        packet=xmp_packet(colophon),
        label=_label(generation),
        quality=generation.quality,
    )
    signed = sign_image(
        marked.data,
        media_type=generation.media_type,
        colophon=dataclasses.replace(colophon, fingerprint=marked.delivered_fingerprint),
        key=key,
        timestamps=credentials.timestamp_authority(),
    )
    return SignedOutput(
        index=index,
        use_id=use_id,
        seed=seed,
        signed=signed,
        credential=credentials.prepare(
            signed, key=key, at=made_at, verdict=verify(signed.data, trust_pem=key.root_pem).as_json()
        ),
        raw_pixels=marked.raw_pixels,
        delivered_pixels=marked.delivered_pixels,
        fingerprints=_by_stage(marked),
        width=int(pixels.shape[1]),
        height=int(pixels.shape[0]),
    )


def _by_stage(marked: MarkedPicture) -> dict[str, Fingerprint]:
    delivered = {"delivered": marked.delivered_fingerprint}
    if marked.raw_fingerprint == marked.delivered_fingerprint:
        return delivered
    return {"raw": marked.raw_fingerprint, **delivered}


def _fingerprinted(outputs: Sequence[SignedOutput]) -> Iterator[attribution.Fingerprinted]:
    for output in outputs:
        for stage, fingerprint in output.fingerprints.items():
            yield attribution.Fingerprinted("image", output.use_id, output.credential.image_digest, fingerprint, stage)


def _colophon(
    generation: Generation,
    *,
    seed: int,
    made_at: datetime,
    raw_pixels: str,
    use_id: UUID,
    rendered: Rendered,
    inputs: Mapping[str, bytes],
) -> Colophon:
    model = generation.model
    return Colophon(
        manifest_id=f"urn:c2pa:{uuid4()}",
        title=f"colophon-{str(use_id)[:8]}.{ENDINGS[generation.media_type]}",
        media_type=generation.media_type,
        made_at=made_at,
        software=Software(name="Colophon", version=settings.VERSION),
        model=ModelUsed(
            name=model.name,
            identifier=model.slug,
            # A folder's path is the operator's business; a hub id is public.
            source=model.source if model.revision else "",
            revision=model.revision,
            licence=model.licence,
            weights_digest=model.digest,
            training_statement=model.training_statement or model.training,
        ),
        prompt=_prompt(generation),
        seed=seed,
        raw_pixels=raw_pixels,
        generation_id=str(generation.pk),
        log=LogReceipt(origin=settings.ENVIRONMENT.log_origin, leaf_hash=generation.request_leaf),
        settings=_public_settings(generation, rendered),
        references=tuple(_references(generation)),
        inputs=tuple(_inputs(generation, inputs)),
        basis=tuple(_basis(generation)),
        use_ids=(str(use_id),),
        human_contribution=("prompt", "inputs") if generation.inputs else ("prompt",),
        provider=settings.ENVIRONMENT.provider,
        visible_label=label.text if (label := _label(generation)) else "",
    )


def _label(generation: Generation) -> VisibleLabel | None:
    return VisibleLabel(**generation.label) if generation.label else None


def _prompt(generation: Generation) -> Prompt:
    if generation.disclosure == Generation.Disclosure.PUBLIC:
        return Prompt.public(generation.prompt, negative_text=generation.negative_prompt)
    if generation.disclosure == Generation.Disclosure.COMMITTED:
        return Prompt.committed(generation.prompt, salt=bytes(generation.prompt_salt))
    return Prompt.private()


def _public_settings(generation: Generation, rendered: Rendered) -> dict[str, Any]:
    """Return the chosen subset of the recipe that leaves with the picture: no paths, no machine."""
    return {
        "task": generation.task,
        "width": str(generation.width),
        "height": str(generation.height),
        "steps": str(generation.steps),
        "guidance_scale": str(generation.guidance_scale),
        "scheduler": str(rendered.settings["scheduler"]["class"]),
        "batch_size": str(len(rendered.images)),
        **({"quality": str(generation.quality)} if generation.quality is not None else {}),
        **({"strength": str(generation.strength)} if generation.strength is not None else {}),
    }


def _references(generation: Generation) -> list[Reference]:
    licences = {answer["id"]: answer for answer in generation.decision["references"]}
    return [
        Reference(
            kind="adapter" if row["adapter"] else "style",
            name=row["name"],
            digest=row["adapter"],
            licence=licences[row["style"]]["licence"],
            credit_line=style_credit(
                style=row["name"], author=row["author"], licence=licences[row["style"]]["licence"]
            )["en"],
            url=row["url"],
        )
        for row in generation.references
    ]


def _inputs(generation: Generation, files: Mapping[str, bytes]) -> list[InputUsed]:
    licences = {answer["id"]: answer["licence"] for answer in generation.decision["references"]}
    return [
        InputUsed(
            role=row["role"],
            name=row["title"],
            digest=row["digest"],
            licence=licences[row["work"]],
            credit_line=work_credit(title=row["title"], author=row["author"], licence=licences[row["work"]])["en"],
            data=files[row["digest"]],
        )
        for row in generation.inputs
    ]


def _basis(generation: Generation) -> list[BasisLine]:
    return [
        BasisLine(
            subject=f"{answer['kind']}: {answer['name']}",
            basis=answer["basis"],
            licence=answer["licence"],
            terms_digest=answer["terms_digest"],
            duties=tuple(duty["action"] for duty in answer["duties"]),
        )
        for answer in _disclosed(generation)["references"]
    ]


def _disclosed(generation: Generation) -> Mapping[str, Any]:
    """Return the decision as far as the prompt's disclosure goes: a name found in a private prompt is private."""
    if generation.disclosure == Generation.Disclosure.PUBLIC:
        return generation.decision
    return without_names(generation.decision)


@transaction.atomic
def deliver(claim: Claim, *, delivery: Delivery) -> None:
    """Record the outputs, their credentials and their entries, and end the generation: all or nothing.

    Raises LeaseLost when another attempt owns the generation, Cancelled when its owner called it off.
    """
    generation = hold_claimed(claim)
    if generation.cancel_requested:
        raise Cancelled()
    for output in sorted(delivery.outputs, key=lambda one: one.credential.image_digest):
        _record(generation, output)
    images = [output.credential.image_digest for output in delivery.outputs]
    uses.settle(generation=generation.pk, decision=generation.decision, images=images)
    attribution.record_all(_fingerprinted(delivery.outputs), actor=Actor(account_id=generation.owner_id))
    generation.state = Generation.State.DONE
    generation.ended_at = timezone.now()
    generation.lease_expires = None
    generation.step = generation.steps
    generation.environment = dict(delivery.rendered.environment)
    generation.settings = dict(delivery.rendered.settings)
    generation.notes = [dict(note) for note in delivery.rendered.notes]
    generation.save()
    audit_log.append(
        GenerationDone(
            actor=Actor(account_id=generation.owner_id),
            generation=generation.pk,
            attempt=claim.attempt,
            outputs=images,
            environment=generation.environment,
        )
    )
    notify_state(generation)


def _record(generation: Generation, output: SignedOutput) -> None:
    for data in (output.signed.data, output.signed.manifest_store):
        digest = sha256_digest(data)
        storage.hold(digest)
        if not storage.exists(digest):  # the sweeper came between storing and now
            storage.store(data)
    credentials.record(output.credential, actor=Actor(account_id=generation.owner_id))
    leaf = audit_log.append(
        OutputDelivered(
            actor=Actor(account_id=generation.owner_id),
            generation=generation.pk,
            index=output.index,
            use=output.use_id,
            digest=output.credential.image_digest,
            manifest=output.signed.manifest_id,
            raw_pixels=output.raw_pixels,
            delivered_pixels=output.delivered_pixels,
            seed=str(output.seed),
        )
    )
    Output.objects.create(
        generation=generation,
        index=output.index,
        use_id=output.use_id,
        digest=output.credential.image_digest,
        seed=output.seed,
        width=output.width,
        height=output.height,
        media_type=generation.media_type,
        size_bytes=len(output.signed.data),
        raw_pixels=output.raw_pixels,
        delivered_pixels=output.delivered_pixels,
        manifest_id=output.signed.manifest_id,
        delivered_leaf=leaf,
        delivered_at=timezone.now(),
    )
