"""The C2PA 2.4 definition of a manifest: claim, assertions and ingredients, in the library's own JSON."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from provenance.canonical import Digest, canonical_json, timestamp
from provenance.credentials.manifest import (
    DRAWN_BY_RULE,
    GENERATION,
    PARTLY_GENERATED,
    PROMPT_TYPE,
    Colophon,
    EditBy,
    InputUsed,
    ModelUsed,
    NestedManifest,
    Opened,
    Prompt,
    Reference,
    generation_record,
    not_possible,
    without_blanks,
)
from provenance.credentials.xmp import metadata_assertion
from provenance.fingerprint import ISCC_ALGORITHM, PDQ_ALGORITHM

SPECIFICATION = "2.4.0"
MODEL_TYPE = "c2pa.types.model.pytorch"
PARENT = "parent"
TRANSCODED = "c2pa.transcoded"
EDITED_BY: Mapping[EditBy, str] = {"rule": DRAWN_BY_RULE, "unknown": PARTLY_GENERATED, "nobody": ""}


@dataclass(frozen=True)
class Ingredient:
    """One ingredient: its C2PA definition, and the bytes that it embeds or is read from."""

    definition: dict[str, Any]
    data: bytes | None = field(default=None, repr=False)
    is_embedded: bool = True

    @property
    def label(self) -> str:
        """Return the name by which actions refer to it."""
        return str(self.definition["label"])

    @property
    def is_parent(self) -> bool:
        """Say whether the picture was made over it."""
        return bool(self.definition["relationship"] == "parentOf")

    @property
    def resource(self) -> str:
        """Return under which name the library looks for its embedded bytes: a text, or a manifest store."""
        named: Mapping[str, Any] = self.definition.get("data") or self.definition["manifest_data"]
        return str(named["identifier"])


def manifest_definition(colophon: Colophon) -> dict[str, Any]:
    """Return the claim and assertions in the C2PA library's JSON, without the ingredients.

    Raises ManifestError or NotCanonical for what must not or cannot be signed.
    """
    _check(colophon)
    return {
        "label": colophon.manifest_id,
        "claim_version": 2,
        "title": colophon.title,
        "format": colophon.media_type,
        "claim_generator_info": [
            {
                "name": colophon.software.name,
                "version": colophon.software.version,
                "specVersion": SPECIFICATION,
            }
        ],
        "assertions": [
            _assertion(
                "c2pa.actions.v2",
                {"actions": _actions(colophon), "allActionsIncluded": colophon.is_every_action_told},
            ),
            _assertion("c2pa.ai-disclosure", _disclosure(colophon)),
            _assertion("cawg.training-mining", _mining(colophon)),
            _assertion("cawg.metadata", metadata_assertion(colophon)) | {"kind": "Json"},
            _assertion(GENERATION, generation_record(colophon)),
            *(_assertion("c2pa.soft-binding", binding) for binding in _soft_bindings(colophon)),
        ],
    }


def ingredients(colophon: Colophon) -> tuple[Ingredient, ...]:
    """Return what went into the picture: the parent, prompt if disclosed, model, references, other inputs.

    The parent comes first: the C2PA program's signals look at the first one alone, and it has a history.
    """
    parts = (
        *_opened_ingredient(colophon),
        *_prompt_ingredients(colophon.prompt),
        _model_ingredient(colophon.model),
        *(part for index, one in enumerate(colophon.references) for part in _reference_ingredients(index, one)),
        *(_input_ingredient(index, one, colophon) for index, one in enumerate(colophon.inputs)),
    )
    return tuple(sorted(parts, key=lambda part: not part.is_parent))


def _check(colophon: Colophon) -> None:
    if not re.fullmatch(r"urn:c2pa:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", colophon.manifest_id):
        raise not_possible("its id is not urn:c2pa: and a UUID.", "其标识不是 urn:c2pa: 加 UUID。")
    if any("prompt" in name for name in _names_in(colophon.settings)):
        # Disclosure is decided in Prompt alone; a prompt among the settings would slip past it.
        raise not_possible("a prompt stands among the settings.", "设置中含有提示词。")
    canonical_json(
        [generation_record(colophon), colophon.prompt.text, colophon.prompt.negative_text, colophon.prompt.writer]
    )


def _names_in(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield str(name).lower()
            yield from _names_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _names_in(item)


def _assertion(label: str, data: Mapping[str, Any]) -> dict[str, Any]:
    # Without ``created`` the library files an assertion as gathered from others.
    return {"label": label, "created": True, "data": dict(data)}


def _actions(colophon: Colophon) -> list[dict[str, Any]]:
    if colophon.opened is not None:
        return [*_opening(colophon.opened), *_labelling(colophon)]
    parts = ingredients(colophon)
    if colophon.parent is None:
        made = _making("c2pa.created", [part.label for part in parts], colophon)
        return [made, *_watermarking(colophon), *_labelling(colophon)]
    parents = [part.label for part in parts if part.is_parent]
    others = [part.label for part in parts if part.label not in parents]
    opened = {
        "action": "c2pa.opened",
        "when": timestamp(colophon.made_at),
        "parameters": {"ingredientIds": parents},
    }
    made = _making("c2pa.edited", others, colophon)
    return [opened, made, *_watermarking(colophon), *_labelling(colophon)]


def _opening(opened: Opened) -> Iterator[dict[str, Any]]:
    when = timestamp(opened.edited_at)
    yield {"action": "c2pa.opened", "when": when, "parameters": {"ingredientIds": [PARENT]}}
    for edit in opened.edits:
        source_type = EDITED_BY[edit.by]
        # Not asked for any more, but readers of C2PA 2.2 find fault where it is missing.
        of = {"ingredientIds": [PARENT]} if edit.action == TRANSCODED else {}
        yield {
            "action": edit.action,
            "when": when,
            "description": edit.description,
            **({"digitalSourceType": source_type} if source_type else {}),
            **({"parameters": {**of, **edit.parameters}} if of or edit.parameters else {}),
        }


def _watermarking(colophon: Colophon) -> Iterator[dict[str, Any]]:
    if colophon.watermark is not None:
        yield {
            "action": "c2pa.watermarked.bound",
            "when": timestamp(colophon.made_at),
            "description": f"Watermark: {colophon.watermark.algorithm}",
        }


def _labelling(colophon: Colophon) -> Iterator[dict[str, Any]]:
    if colophon.visible_label:
        yield {
            "action": "c2pa.addedText",
            "when": timestamp(colophon.opened.edited_at if colophon.opened else colophon.made_at),
            "digitalSourceType": DRAWN_BY_RULE,
            "description": f"Visible label: {colophon.visible_label}",
        }


def _making(action: str, labels: list[str], colophon: Colophon) -> dict[str, Any]:
    return {
        "action": action,
        "when": timestamp(colophon.made_at),
        "digitalSourceType": colophon.source_type,
        "softwareAgent": {"name": colophon.software.name, "version": colophon.software.version},
        "description": f"Made with the model {colophon.model.name}",
        "parameters": {"ingredientIds": labels, "org.colophon.seed": str(colophon.seed)},
    }


def _disclosure(colophon: Colophon) -> dict[str, Any]:
    return {
        "modelType": MODEL_TYPE,
        "modelName": colophon.model.name,
        "modelIdentifier": colophon.model.unique_name,
        "contentProfile": {"humanOversightLevel": "prompt_guided"},
    }


def _mining(colophon: Colophon) -> dict[str, Any]:
    asked = {"constraint_info": colophon.mining_constraints} if colophon.mining_constraints else {}
    return {
        "entries": {
            purpose: {"use": use, **(asked if use == "constrained" else {})} for purpose, use in colophon.mining.items()
        }
    }


def _soft_bindings(colophon: Colophon) -> Iterator[dict[str, Any]]:
    """Yield by what a copy is found again that lost its manifest; a picture without enough detail has less."""
    fingerprint, watermark = colophon.fingerprint, colophon.watermark
    if watermark is not None:
        yield _soft_binding(watermark.algorithm, base64.b64encode(watermark.id).decode())
    if fingerprint is None:
        return
    if fingerprint.iscc_unit:
        yield _soft_binding(ISCC_ALGORITHM, base64.b64encode(fingerprint.iscc_unit).decode())
    if fingerprint.pdq:
        yield _soft_binding(PDQ_ALGORITHM, base64.b64encode(b"".join(fingerprint.pdq)).decode())


def _soft_binding(algorithm: str, value: str) -> dict[str, Any]:
    return {"alg": algorithm, "blocks": [{"scope": {}, "value": value}]}


def _prompt_ingredients(prompt: Prompt) -> Iterator[Ingredient]:
    if prompt.disclosure == "public":
        yield _embedded_text("prompt", "Prompt", prompt.text)
        if prompt.negative_text:
            yield _embedded_text("negative-prompt", "Negative prompt", prompt.negative_text)
    elif prompt.disclosure == "committed":
        yield Ingredient(
            _ingredient("prompt", "Prompt (committed)", "text/plain", types=PROMPT_TYPE)
            | {"metadata": {"org.colophon.commitment": prompt.commitment}}
        )


def _embedded_text(label: str, title: str, text: str) -> Ingredient:
    definition = _ingredient(label, title, "text/plain", types=PROMPT_TYPE)
    definition["data"] = {"format": "text/plain", "identifier": f"{label}.txt"}
    return Ingredient(definition, data=text.encode())


def _model_ingredient(model: ModelUsed) -> Ingredient:
    definition = _ingredient("model", model.name, types=MODEL_TYPE)
    if model.revision:
        definition["data_types"][0]["version"] = model.revision
    return Ingredient(
        definition | _informational(model.url) | _bound(model.weights_digest, model.licence)
    )


def _reference_ingredients(index: int, reference: Reference) -> Iterator[Ingredient]:
    types = MODEL_TYPE if reference.kind == "adapter" else ""
    label = f"reference-{index}"
    yield Ingredient(
        _ingredient(label, reference.name, types=types)
        | _informational(reference.url)
        | _bound(reference.digest, reference.licence, digest_of=reference.digest_of, kind=reference.kind)
    )
    for number, work in enumerate(reference.works):
        definition = _ingredient(f"{label}-work-{number}", work.name, work.manifest.media_type)
        bound = _bound(work.digest, work.licence, kind="work", style=reference.name)
        yield nested(definition | bound, work.manifest)


def _input_ingredient(index: int, picture: InputUsed, colophon: Colophon) -> Ingredient:
    bound = _bound(picture.digest, picture.licence, role=picture.role)
    definition = _ingredient(f"input-{index}", picture.name) | bound
    is_parent = picture is colophon.parent and colophon.opened is None
    if is_parent:
        definition |= {"relationship": "parentOf"}
    if picture.manifest is not None:
        return nested(definition, picture.manifest)
    return Ingredient(definition, data=picture.data, is_embedded=False) if is_parent else Ingredient(definition)


def nested(definition: dict[str, Any], manifest: NestedManifest) -> Ingredient:
    """Return an ingredient that brings along the manifest beside its file, as the file itself would bring its own."""
    brought = {
        "format": manifest.media_type,
        "active_manifest": manifest.manifest_id,
        "manifest_data": {"format": "application/c2pa", "identifier": f"{definition['label']}.c2pa"},
        "validation_results": dict(manifest.results),
    }
    return Ingredient(definition | brought, data=manifest.store)


def _opened_ingredient(colophon: Colophon) -> Iterator[Ingredient]:
    if colophon.opened is not None:
        definition = _ingredient(PARENT, "")  # its own manifest has its title
        metadata = {"metadata": {"org.colophon.digest": colophon.opened.parent}}
        opened = definition | metadata | {"relationship": "parentOf"}
        yield Ingredient(opened, data=colophon.opened.data, is_embedded=False)


def _ingredient(label: str, title: str, media_type: str = "", *, types: str = "") -> dict[str, Any]:
    # Snake case throughout: the library drops camel-case names without a word.
    definition = {"label": label, **without_blanks(title=title, format=media_type), "relationship": "inputTo"}
    return definition | ({"data_types": [{"type": types}]} if types else {})


def _bound(digest: Digest, licence: str, **more: str) -> dict[str, Any]:
    # The library stores no hash of an ingredient that has no manifest of its own; this is what binds it. The record
    # says the rest: whom to credit, where a model is from.
    stated = without_blanks(digest=digest, licence=licence, **more)
    return {"metadata": {f"org.colophon.{name}": value for name, value in stated.items()}}


def _informational(url: str) -> dict[str, Any]:
    return {"informational_URI": url} if url else {}
