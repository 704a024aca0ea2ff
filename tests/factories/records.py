"""Makers of accounts, models, parties, works, styles and requests, as the actions themselves record them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from generation.actions.registering import register_model
from generation.actions.rendering import Worker
from generation.actions.requesting import request_generation
from generation.models import Generation, ImageModel
from generation.pipelines.contract import ModelSource, WeightFile
from generation.pipelines.loading import ModelFacts
from generation.pipelines.model_files import digest_of_files
from generation.pipelines.seeded_noise import SeededNoisePipeline
from generation.request import GenerationRequest, InputPicture, StyleReference
from provenance.actor import COLOPHON, Actor
from provenance.audit_log.models import Entry
from provenance.canonical import sha256_digest
from provenance.credentials.development_ca import DevelopmentCA
from provenance.licensing.actions.offering import offer_openly
from provenance.licensing.actions.styles import register_style
from provenance.works.actions.listing import register_work
from provenance.works.actions.parties import record_party
from provenance.works.models import Party, Style, Work
from server.accounts.models import Account, make_token
from tests.factories.pictures import a_png

PASSWORD = "correct horse battery staple"


def an_account(name: str, **roles: bool) -> Account:
    """Record an account without a password."""
    account = Account(name=name, **roles)
    account.set_unusable_password()
    account.save()
    return account


def an_artist(name: str = "mara") -> Account:
    """Record an artist."""
    return an_account(name)


def an_auditor(name: str = "vera") -> Account:
    """Record an auditor, who is no artist."""
    return an_account(name, is_artist=False, is_auditor=True)


def an_operator(name: str = "otto") -> Account:
    """Record an operator, who is no artist."""
    return an_account(name, is_artist=False, is_operator=True)


def a_token(account: Account) -> str:
    """Return the secret of a new token of an account."""
    return make_token(account=account, name="tests")[1]


def model_facts(name: str = "Tiny", *, trained: str = "", **more: Any) -> ModelFacts:
    """Return what inspecting a model folder would find; every name is another model, and so is other training."""
    digest = sha256_digest((name + trained).encode())
    weights = (WeightFile(path="unet/weights.safetensors", digest=digest, size_bytes=64),)
    source = ModelSource(source=f"/models/{name}", revision="", digest=digest_of_files(weights), weights=weights)
    facts: dict[str, Any] = {
        "folder": Path(source.source), "pipeline_class": "StableDiffusionPipeline", "family": "stable-diffusion",
        "tasks": ("text-to-image", "image-to-image", "inpainting"), "width": 64, "height": 64, "size_multiple": 8,
        "steps": 4, "guidance_scale": 5.0, "scheduler": "DDIMScheduler",
        "schedulers": ("DDIMScheduler", "EulerDiscreteScheduler"), "licence_spdx": "CC0-1.0", "variant": None,
    }  # fmt: skip
    return ModelFacts(source=source, name=name, **(facts | more))


def a_model(name: str = "Tiny", *, licence: str = "CC0-1.0", **more: Any) -> ImageModel:
    """Register a model that the stand-in pipeline draws with."""
    return register_model(
        actor=COLOPHON,
        facts=model_facts(name, **more),
        name=name,
        licence=licence,
        training="known",
        training_statement="Noise of our own.",
    )


def a_party(name: str = "Ada Painter", *, member: Account | None = None) -> Party:
    """Record a party, with an account that acts for it where one is given."""
    return record_party(actor=COLOPHON, name=name, member=member.pk if member else None)


def a_work(owner: Account, party: Party, *, seed: int = 1, title: str = "Wave", licence: str = "") -> Work:
    """List a real picture as a party's work, under an open licence where one is named."""
    work = register_work(
        actor=owner.actor(), party=party, data=a_png(seed=seed), title=title, rights_evidence="painted by hand",
        licence=licence,
    )  # fmt: skip
    if licence:
        offer_openly(actor=owner.actor(), party=party, subject_kind="work", subject_id=work.pk, licence=licence)
    return work


def a_style(
    model: ImageModel,
    *,
    party: Party | None = None,
    slug: str = "fx-emoji",
    name: str = "Fx Emoji",
    name_zh: str = "效果表情",
    token: str = "fxemoji",
    licence: str = "CC-BY-4.0",
    adapter: bytes | None = None,
    works: Sequence[Work] = (),
    actor: Actor = COLOPHON,
) -> Style:
    """Register a style of a model, open to everyone under a licence unless that is empty."""
    owner = party or a_party()
    style = register_style(
        actor=actor, party=owner, slug=slug, name=name, name_zh=name_zh, works=works, model_digest=model.digest,
        token="" if adapter else token, adapter=adapter,
    )  # fmt: skip
    if licence:
        offer_openly(actor=COLOPHON, party=owner, subject_kind="style", subject_id=style.pk, licence=licence)
    return style


def in_style(*styles: Style) -> dict[str, tuple[StyleReference, ...]]:
    """Return the part of a request that declares styles."""
    return {"references": tuple(StyleReference(style=style.slug) for style in styles)}


def as_image(work: Work) -> dict[str, tuple[InputPicture, ...]]:
    """Return the part of a request that puts a work in."""
    return {"inputs": (InputPicture(role="image", work=str(work.pk)),)}


def a_request(account: Account, *, key: str = "", body: str = "", **asked: Any) -> Generation:
    """Ask for pictures as an account; three steps and the seed 7 unless asked otherwise."""
    values = {"prompt": "a red cat", "seeds": (7,), "steps": 3, **asked}
    return request_generation(
        actor=account.actor(),
        name=account.name,
        request=GenerationRequest(**values),
        idempotency_key=key,
        body_digest=sha256_digest(body.encode()),
    )


def a_worker(keys: Path, *, name: str = "worker", pipeline: Any = None, lease_seconds: int = 30) -> Worker:
    """Return a render worker with the stand-in pipeline and a development key of its own."""
    authority = DevelopmentCA(keys)
    return Worker(
        name=name,
        pipeline=pipeline or SeededNoisePipeline(),
        lease_seconds=lease_seconds,
        signing_key=lambda: authority.signing_key(now=datetime.now(UTC)),
    )


def kinds_of_entries(generation: UUID | None = None) -> list[str]:
    """Return the kinds of all entries, or of those about one generation, oldest first."""
    entries = Entry.objects.order_by("at", "id")
    if generation:
        entries = entries.filter(opening__details__generation=str(generation))
    return list(entries.values_list("kind", flat=True))


def a_stranger() -> Actor:
    """Return an artist of whom nothing is recorded."""
    return Actor(account_id=uuid4(), roles=frozenset({"artist"}))
