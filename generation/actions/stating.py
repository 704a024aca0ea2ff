"""What a manifest states of a generation: from its row and decision to the colophon, as far as it is disclosed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings

from generation.actions.signing_works import NOTHING_NESTED, NestedWorks
from generation.models import Generation
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
from provenance.credentials.marking import ENDINGS
from provenance.licensing.credits import style_credit, without_names, work_credit
from provenance.licensing.inheriting import conditions, inherited_terms
from provenance.licensing.mining import mining_of


def colophon_of(
    generation: Generation,
    *,
    seed: int,
    made_at: datetime,
    raw_pixels: str,
    use_id: UUID,
    scheduler: str,
    inputs: Mapping[str, bytes],
    nested: NestedWorks = NOTHING_NESTED,
) -> Colophon:
    """Return what the manifest of one picture of a generation says; ``inputs`` holds the files that went in.

    ``nested`` holds the manifests of listed works that come along.
    """
    label = label_of(generation)
    terms = inherited_terms(generation.decision)
    asked, mining = conditions(terms), mining_of(terms)
    model = generation.model
    manifest_id = f"urn:c2pa:{uuid4()}"
    return Colophon(
        manifest_id=manifest_id,
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
        settings=_public_settings(generation, scheduler),
        references=tuple(_references(generation, nested)),
        inputs=tuple(_inputs(generation, inputs, nested)),
        basis=tuple(_basis(generation)),
        use_ids=(str(use_id),),
        human_contribution=("prompt", "inputs") if generation.inputs else ("prompt",),
        provider=settings.ENVIRONMENT.provider,
        page_url=page_of(manifest_id),
        visible_label=label.text if label else "",
        conditions=(asked["en"], asked["zh-Hans"]),
        mining=mining.uses,
        mining_constraints=mining.constraints,
    )


def page_of(manifest_id: str) -> str:
    """Return the permanent page of an image; empty where the operator named no address that others can reach."""
    return f"{settings.ENVIRONMENT.address}/provenance/{manifest_id}" if settings.ENVIRONMENT.public_url else ""


def label_of(generation: Generation) -> VisibleLabel | None:
    """Return the visible label that a generation's pictures get, if any."""
    return VisibleLabel(**generation.label) if generation.label else None


def _prompt(generation: Generation) -> Prompt:
    if generation.disclosure == Generation.Disclosure.PUBLIC:
        return Prompt.public(generation.prompt, negative_text=generation.negative_prompt)
    if generation.disclosure == Generation.Disclosure.COMMITTED:
        return Prompt.committed(generation.prompt, salt=bytes(generation.prompt_salt))
    return Prompt.private()


def _public_settings(generation: Generation, scheduler: str) -> dict[str, Any]:
    """Return the chosen subset of the recipe that leaves with the picture: no paths, no machine."""
    return {
        "task": generation.task,
        "width": str(generation.width),
        "height": str(generation.height),
        "steps": str(generation.steps),
        "guidance_scale": str(generation.guidance_scale),
        "scheduler": scheduler,
        "batch_size": str(len(generation.seeds)),
        **({"quality": str(generation.quality)} if generation.quality is not None else {}),
        **({"strength": str(generation.strength)} if generation.strength is not None else {}),
    }


def _references(generation: Generation, nested: NestedWorks) -> list[Reference]:
    licences = {answer["id"]: answer for answer in generation.decision["references"]}
    return [
        Reference(
            kind="adapter" if row["adapter"] else "style",
            name=row["name"],
            digest=row.get("digest", row["adapter"]),  # before token styles had one
            digest_of=row.get("digest_of", ""),
            licence=licences[row["style"]]["licence"],
            credit_line=style_credit(
                style=row["name"], author=row["author"], licence=licences[row["style"]]["licence"]
            )["en"],
            url=row["url"],
            works=nested.behind.get(row["style"], ()),
        )
        for row in generation.references
    ]


def _inputs(generation: Generation, files: Mapping[str, bytes], nested: NestedWorks) -> list[InputUsed]:
    licences = {answer["id"]: answer["licence"] for answer in generation.decision["references"]}
    return [
        InputUsed(
            role=row["role"],
            name=row["title"],
            digest=row["digest"],
            licence=licences[row["work"]],
            credit_line=work_credit(title=row["title"], author=row["author"], licence=licences[row["work"]])["en"],
            data=files.get(row["digest"]),
            manifest=nested.inputs.get(row["work"]),
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
