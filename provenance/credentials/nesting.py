"""A manifest that goes into another picture's as an ingredient's, and what is recorded of how it verified then.

The C2PA library takes ingredients in by itself, with a sentence and a place for every hash that matches: 3.1 kB for a
picture of ours. C2PA asks for the codes, and that is what is recorded here.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import c2pa  # type: ignore[import-untyped]  # it ships no types

from provenance.credentials import boxes
from provenance.credentials.manifest import NestedManifest
from provenance.credentials.reading import settings

_WEIGHTS = ("success", "informational", "failure")
_IN_FORCE = "claimSignature.insideValidity"
"""With its place the library goes on believing it of an ingredient whose certificate has ended since."""
_LEFT_OUT = frozenset({"assertion.hashedURI.match", "signingCredential.ocsp.skipped"})
"""What did not match is told; nobody is asked for a revocation, then or now."""
_NO_MANIFEST = {"code": "ingredient.unknownProvenance"}


def manifest_in(data: bytes, *, media_type: str, trust_pem: str | None) -> NestedManifest | None:
    """Return the manifest inside a picture's file as it verifies now; None where none can be taken out of it.

    A file can hold bytes that only look like its store, so it is read with them and without them.
    """
    store = boxes.store_in(data)
    if store is None:
        return None
    try:
        report = report_on(data, media_type=media_type, trust_pem=trust_pem, store=None)
        taken = report_on(data, media_type=media_type, trust_pem=trust_pem, store=store)
        manifest_id = boxes.manifest_id_of(store)
    except (c2pa.C2paError, ValueError):
        return None
    if report["active_manifest"] != manifest_id or found(report) != found(taken):
        return None
    return NestedManifest(
        manifest_id, media_type, store, found(taken), is_trusted=taken.get("validation_state") == "Trusted"
    )


def report_on(data: bytes, *, media_type: str, trust_pem: str | None, store: bytes | None) -> Any:
    """Return the C2PA library's report on a file, with a store beside it where one is given; raises C2paError."""
    with (
        c2pa.Context.from_dict(settings(trust_pem=trust_pem)) as context,
        c2pa.Reader(media_type, io.BytesIO(data), manifest_data=store, context=context) as reader,
    ):
        return json.loads(reader.json())


def found(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a validation as an ingredient records it (C2PA 2.4, 18.16.12.4.3): codes, and where something failed.

    Places of what is as it should be and sentences may be left out, and would be more than half of the ingredient. An
    ingredient without a manifest has no results of its own: that the library knows nothing of it belongs to the rest.
    """
    results = report.get("validation_results") or {}
    told, deltas = _codes(results.get("activeManifest") or {}), []
    for delta in results.get("ingredientDeltas") or ():
        codes = _codes(delta.get("validationDeltas") or {})
        if _NO_MANIFEST not in codes["informational"]:
            deltas.append({**delta, "validationDeltas": codes})
        elif report["active_manifest"] in delta.get("ingredientAssertionURI", ""):
            told["informational"].append(_NO_MANIFEST)
    return {"activeManifest": told, **({"ingredientDeltas": deltas} if deltas else {})}


def _codes(results: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
    return {weight: list(_shortened(results.get(weight) or (), is_placed=weight == "failure")) for weight in _WEIGHTS}


def _shortened(statuses: Any, *, is_placed: bool) -> Iterator[dict[str, str]]:
    for status in statuses:
        if status.get("code") not in _LEFT_OUT:
            is_told = (is_placed or status["code"] == _IN_FORCE) and "url" in status
            yield {"code": status["code"], **({"url": status["url"]} if is_told else {})}
