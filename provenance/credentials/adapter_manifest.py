"""The manifest of a trained adapter: which works it was taught on, on what basis, by which recipe.

It is a sidecar: the manifest store stands beside the safetensors file, bound to all of its bytes by a data hash
(C2PA 2.4, 18.5 and 11.4). The sheet of samples carries the same statement inside.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import c2pa  # type: ignore[import-untyped]  # it ships no types

from provenance.canonical import Digest, sha256_digest, timestamp
from provenance.credentials.definition import MODEL_TYPE, SPECIFICATION
from provenance.credentials.errors import SigningFailed
from provenance.credentials.manifest import (
    NO_TRAINING,
    WHOLLY_GENERATED,
    LogReceipt,
    ModelUsed,
    Software,
    without_blanks,
)
from provenance.credentials.reading import settings
from provenance.credentials.sealing import sealed
from provenance.credentials.signing import (
    SignedImage,
    SigningKey,
    new_builder,
    read_back,
    require_library,
    signing_settings,
)

TRAINING = "org.colophon.training"
VERSION = 1
ADAPTER_TYPE = "application/octet-stream"
"""Safetensors has no registered media type, and the library binds any bytes under this one."""
WORK_TYPE = "c2pa.types.dataset"
TRAINED_DATA = "http://c2pa.org/digitalsourcetype/trainedAlgorithmicData"


@dataclass(frozen=True, kw_only=True)
class WorkTaught:
    """One work that an adapter was trained on, and what allowed it."""

    name: str
    digest: Digest
    basis: str
    licence: str = ""
    terms_digest: Digest = ""
    credit_line: str = ""


@dataclass(frozen=True, kw_only=True)
class AdapterColophon:
    """Everything that an adapter's manifest says of its making."""

    training_id: str
    style: str
    adapter: Digest
    model: ModelUsed
    works: tuple[WorkTaught, ...]
    kept_back: tuple[Digest, ...]
    recipe: Mapping[str, Any]
    steps: int
    made_at: datetime
    software: Software
    log: LogReceipt


@dataclass(frozen=True)
class SignedAdapter:
    """The manifest store that stands beside an adapter file."""

    manifest_store: bytes = field(repr=False)
    manifest_id: str


def sign_adapter(data: bytes, *, colophon: AdapterColophon, key: SigningKey) -> SignedAdapter:
    """Return a sidecar manifest bound to every byte of an adapter file, signed and read back.

    Raises SigningFailed, also where the file is not the one that the statement names, and what the key raises.
    """
    if sha256_digest(data) != colophon.adapter:
        raise SigningFailed(reason="the adapter is not the file that its manifest names")
    manifest_id = f"urn:c2pa:{uuid4()}"
    definition = _definition(colophon, manifest_id=manifest_id, media_type=ADAPTER_TYPE, source=TRAINED_DATA)
    store = _signed(definition, data, media_type=ADAPTER_TYPE, key=key, is_sidecar=True)[1]
    found = read_sidecar(data, manifest_store=store, trust_pem=key.root_pem)
    if found["active_manifest"] != manifest_id or found["validation_state"] != "Trusted":
        raise SigningFailed(reason=str(found["validation_state"]))
    return SignedAdapter(store, manifest_id)


def sign_sheet(png: bytes, *, colophon: AdapterColophon, key: SigningKey) -> SignedImage:
    """Return the sheet of an adapter's samples with the same statement inside. Raises SigningFailed."""
    manifest_id = f"urn:c2pa:{uuid4()}"
    definition = _definition(colophon, manifest_id=manifest_id, media_type="image/png", source=WHOLLY_GENERATED)
    signed, store = _signed(definition, png, media_type="image/png", key=key, is_sidecar=False)
    return read_back(SignedImage(signed, store, manifest_id), key=key)


def read_sidecar(data: bytes, *, manifest_store: bytes, trust_pem: str | None = None) -> Mapping[str, Any]:
    """Return the C2PA library's report on an adapter file and the manifest beside it; nothing is fetched.

    Raises SigningFailed for a store that is none.
    """
    try:
        with (
            c2pa.Context.from_dict(settings(trust_pem=trust_pem)) as context,
            c2pa.Reader(ADAPTER_TYPE, io.BytesIO(data), manifest_data=manifest_store, context=context) as reader,
        ):
            report: dict[str, Any] = json.loads(reader.json())
            return report
    except c2pa.C2paError as error:
        raise SigningFailed(reason=str(error)) from error


def _signed(
    definition: Mapping[str, Any], data: bytes, *, media_type: str, key: SigningKey, is_sidecar: bool
) -> tuple[bytes, bytes]:
    require_library()

    def compose(context: c2pa.Context) -> tuple[bytes, bytes]:
        signed = io.BytesIO()
        builder = new_builder(definition, context)
        if is_sidecar:
            builder.set_no_embed()
        store: bytes = builder.sign(media_type, io.BytesIO(data), signed)
        return signed.getvalue(), store

    return sealed(compose, key=key, chosen=signing_settings(key), is_beside=is_sidecar)


def _definition(colophon: AdapterColophon, *, manifest_id: str, media_type: str, source: str) -> dict[str, Any]:
    ingredients = [_model(colophon.model), *(_work(n, work) for n, work in enumerate(colophon.works))]
    software = {"name": colophon.software.name, "version": colophon.software.version}
    made = {
        "action": "c2pa.created",
        "when": timestamp(colophon.made_at),
        "digitalSourceType": source,
        "softwareAgent": software,
        "description": f"Trained the style {colophon.style} beside the model {colophon.model.name}",
        "parameters": {"ingredientIds": [one["label"] for one in ingredients]},
    }
    mining = {purpose: {"use": use} for purpose, use in NO_TRAINING.items()}
    return {
        "label": manifest_id,
        "claim_version": 2,
        "title": f"{colophon.style} adapter",
        "format": media_type,
        "claim_generator_info": [software | {"specVersion": SPECIFICATION}],
        "ingredients": ingredients,
        "assertions": [
            _assertion("c2pa.actions.v2", {"actions": [made], "allActionsIncluded": True}),
            _assertion("cawg.training-mining", {"entries": mining}),
            _assertion(TRAINING, training_record(colophon)) | {"kind": "Json"},
        ],
    }


def training_record(colophon: AdapterColophon) -> dict[str, Any]:
    """Return the assertion ``org.colophon.training``, version 1."""
    return {
        "v": VERSION,
        "training": colophon.training_id,
        "style": colophon.style,
        "adapter": colophon.adapter,
        "model": without_blanks(**vars(colophon.model)),
        "works": [without_blanks(**vars(work)) for work in colophon.works],
        "kept_back": list(colophon.kept_back),
        "recipe": dict(colophon.recipe),
        "steps": str(colophon.steps),
        "made_at": timestamp(colophon.made_at),
        "log": without_blanks(**vars(colophon.log)),
    }


def _assertion(label: str, data: Mapping[str, Any]) -> dict[str, Any]:
    return {"label": label, "data": dict(data), "created": True}


def _model(model: ModelUsed) -> dict[str, Any]:
    return _ingredient("model", model.name, MODEL_TYPE, digest=model.weights_digest, licence=model.licence)


def _work(number: int, work: WorkTaught) -> dict[str, Any]:
    stated = {"digest": work.digest, "licence": work.licence, "basis": work.basis, "credit": work.credit_line}
    return _ingredient(f"work-{number}", work.name, WORK_TYPE, **stated)


def _ingredient(label: str, title: str, kind: str, **stated: str) -> dict[str, Any]:
    return {
        "label": label,
        "title": title,
        "format": "application/octet-stream",
        "relationship": "inputTo",
        "data_types": [{"type": kind}],
        # The library stores no hash of an ingredient that has no manifest of its own; this is what binds it.
        "metadata": {f"org.colophon.{name}": value for name, value in without_blanks(**stated).items()},
    }
