"""From raw pixels to a delivered image: digest, encode, sign, store; then rows and entries together."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from uuid import UUID, uuid4

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from PIL import Image

from generation.actions.claiming import Claim, hold_unread
from generation.actions.notifying import notify_state
from generation.actions.signing_works import NestedWorks, nested_works
from generation.actions.stating import colophon_of, label_of
from generation.events import GenerationDone, OutputDelivered
from generation.models import Generation, Output
from generation.pipelines.contract import Pixels, Rendered
from provenance import storage
from provenance.actor import Actor
from provenance.attribution import actions as attribution
from provenance.audit_log import actions as audit_log
from provenance.canonical import pixel_digest, sha256_digest
from provenance.credentials import actions as credentials
from provenance.credentials.marking import MarkedPicture, mark
from provenance.credentials.signing import SignedImage, SigningKey, sign_image
from provenance.credentials.xmp import xmp_packet
from provenance.fingerprint import Fingerprint
from provenance.licensing.actions import uses
from provenance.licensing.actions.inheriting import inherit
from provenance.verification.verify import verify

SIGNED_AT_ONCE = min(4, os.cpu_count() or 1)
"""Pictures of a batch that are signed side by side: more than there are cores wait for one another."""
STORED_AT_ONCE = 8
"""Files that are waited for at once while the disk takes them."""


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
    watermark: str | None
    width: int
    height: int


@dataclass(frozen=True)
class Delivery:
    """Everything of a finished generation that its rows and entries will say."""

    generation: Generation
    """As its claim read it; no other writes what is read of it here."""
    outputs: tuple[SignedOutput, ...]
    rendered: Rendered


def as_pixels(image: Image.Image) -> Pixels:
    """Return a Pillow image as an array of uint8."""
    return np.asarray(image, dtype=np.uint8)


@cache
def _threads(name: str, *, at_most: int) -> ThreadPoolExecutor:
    """Return this process's threads for one kind of work; none asks the database."""
    return ThreadPoolExecutor(at_most, thread_name_prefix=name)


def prepare(generation: Generation, *, rendered: Rendered, key: SigningKey) -> Delivery:
    """Mark, sign and store every picture of a generation; nothing is recorded yet."""
    made_at = timezone.now()
    inputs = {row["digest"]: storage.load(row["digest"]) for row in generation.inputs}
    nested = nested_works(generation, files=inputs, key=key)

    def signed(index: int) -> SignedOutput:
        return _sign(
            generation,
            index=index,
            pixels=rendered.images[index],
            made_at=made_at,
            rendered=rendered,
            inputs=inputs,
            nested=nested,
            key=key,
        )

    # Encoding and signing leave Python free, and the disk is waited for beside them: a batch takes little longer than
    # one picture.
    signing, storing = _threads("sign", at_most=SIGNED_AT_ONCE), _threads("store", at_most=STORED_AT_ONCE)
    outputs, stored = [], []
    for output in signing.map(signed, range(len(rendered.images))):
        outputs.append(output)
        stored += [storing.submit(storage.store, data) for data in output.signed.files]
    for file in stored:
        file.result()
    return Delivery(generation=generation, outputs=tuple(outputs), rendered=rendered)


def _sign(
    generation: Generation,
    *,
    index: int,
    pixels: Pixels,
    made_at: datetime,
    rendered: Rendered,
    inputs: Mapping[str, bytes],
    nested: NestedWorks,
    key: SigningKey,
) -> SignedOutput:
    use_id = uuid4()
    seed = generation.seeds[index]
    colophon = colophon_of(
        generation,
        seed=int(seed),
        made_at=made_at,
        raw_pixels=pixel_digest(pixels),
        use_id=use_id,
        scheduler=str(rendered.settings["scheduler"]["class"]),
        inputs=inputs,
        nested=nested,
    )
    carrying, watermark = credentials.watermarked(pixels)
    marked = mark(
        pixels,
        watermarked=carrying,
        media_type=generation.media_type,
        packet=xmp_packet(colophon),
        label=label_of(generation),
        quality=generation.quality,
    )
    signed = sign_image(
        marked.data,
        media_type=generation.media_type,
        colophon=dataclasses.replace(colophon, fingerprint=marked.delivered_fingerprint, watermark=watermark),
        key=key,
        timestamps=credentials.timestamp_authority(),
        is_compact=settings.ENVIRONMENT.compact_manifests,
    )
    verdict = verify(signed.data, trust_pem=key.root_pem, reading=signed.reading)
    return SignedOutput(
        index=index,
        use_id=use_id,
        seed=seed,
        signed=signed,
        credential=credentials.prepare(signed, key=key, at=made_at, verdict=verdict.as_json()),
        raw_pixels=marked.raw_pixels,
        delivered_pixels=marked.delivered_pixels,
        fingerprints=_by_stage(marked),
        watermark=watermark.id.hex() if watermark else None,
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


DELIVERED = ("state", "ended_at", "lease_expires", "step", "environment", "settings", "notes")


@transaction.atomic
def deliver(claim: Claim, *, delivery: Delivery) -> None:
    """Record the outputs, their credentials and their entries, and end the generation: all or nothing.

    Raises LeaseLost when another attempt owns the generation, Cancelled when its owner called it off.
    """
    hold_unread(claim)
    generation = delivery.generation
    _record(generation, delivery.outputs)
    images = [output.credential.image_digest for output in delivery.outputs]
    uses.settle(generation=generation.pk, decision=generation.decision, images=images)
    inherit(decision=generation.decision, images=images)
    attribution.record_all(_fingerprinted(delivery.outputs), actor=Actor(account_id=generation.owner_id))
    generation.state = Generation.State.DONE
    generation.ended_at = timezone.now()
    generation.lease_expires = None
    generation.step = generation.steps
    generation.environment = dict(delivery.rendered.environment)
    generation.settings = dict(delivery.rendered.settings)
    generation.notes = [dict(note) for note in delivery.rendered.notes]
    generation.save(update_fields=DELIVERED)
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


def _record(generation: Generation, outputs: Sequence[SignedOutput]) -> None:
    """Write the rows and entries of all pictures, in few statements; a credential's entry precedes its image's."""
    keep(*(output.signed for output in outputs))
    owner = Actor(account_id=generation.owner_id)
    signed = credentials.record_all([output.credential for output in outputs], actor=owner)
    delivered = [_delivered(generation, output, owner=owner) for output in outputs]
    told = [statement for pair in zip(signed, delivered, strict=True) for statement in pair]
    leaves = audit_log.append_all(told)
    now = timezone.now()
    Output.objects.bulk_create(
        _row(generation, output, leaf=leaf, at=now) for output, leaf in zip(outputs, leaves[1::2], strict=True)
    )


def _delivered(generation: Generation, output: SignedOutput, *, owner: Actor) -> OutputDelivered:
    return OutputDelivered(
        actor=owner,
        generation=generation.pk,
        index=output.index,
        use=output.use_id,
        digest=output.credential.image_digest,
        manifest=output.signed.manifest_id,
        raw_pixels=output.raw_pixels,
        delivered_pixels=output.delivered_pixels,
        seed=str(output.seed),
        watermark=output.watermark,
    )


def _row(generation: Generation, output: SignedOutput, *, leaf: str, at: datetime) -> Output:
    return Output(
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
        watermark=output.watermark,
        delivered_leaf=leaf,
        delivered_at=at,
    )


def keep(*signed: SignedImage) -> None:
    """Hold files and manifest stores for the caller's transaction, so that no sweeper takes what its rows will name."""
    files = {sha256_digest(data): data for image in signed for data in image.files}
    storage.hold(*files)
    for digest, data in files.items():
        if not storage.exists(digest):  # the sweeper came between storing and now
            storage.store(data)
