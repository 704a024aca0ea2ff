"""The manifest beside a listed work: what Colophon states of it, never who made it. The work's file stays as it is.

It opens the file as its parent, so what the file says of itself stays below. ``docs/formats/manifest.md`` describes
the assertion ``org.colophon.listing``. C2PA 2.4, 11.4 (external manifests).
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import c2pa  # type: ignore[import-untyped]  # it ships no types

from provenance.canonical import Digest, canonical_json, sha256_digest, timestamp
from provenance.credentials.definition import SPECIFICATION
from provenance.credentials.errors import SigningFailed
from provenance.credentials.manifest import NestedManifest, Software, without_blanks
from provenance.credentials.nesting import found, report_on
from provenance.credentials.sealing import sealed
from provenance.credentials.signing import (
    NO_PICTURE,
    SigningKey,
    is_readable,
    new_builder,
    require_library,
    signing_settings,
    stamped_if_possible,
)
from provenance.credentials.timestamps import TimestampAuthority
from provenance.picture import FORMATS

LISTING = "org.colophon.listing"
VERSION = 1
ANY_BYTES = "application/octet-stream"
"""The library binds every byte under this one; under a picture's it would leave out credentials that the file has."""
_WORK = "work"


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What Colophon states of a listed work, as its party and its licence state it."""

    work: str
    party: str
    listed_by: str
    """The party's name; empty where an author of the work stays anonymous."""
    claim: str
    """How far it was looked into that the party is who it says: self-declared, evidence reviewed, identity verified."""
    title: str
    credit: str
    licence: str
    source_url: str
    digest: Digest
    """Of the listed file."""
    bound_file: Digest
    """The file that the manifest is bound to: the listed one, or its preview where only that is kept here."""
    media_type: str
    """Of the bound file."""
    listed_at: datetime
    log_origin: str

    @property
    def statement(self) -> Digest:
        """Return the digest of what is stated: a listing that says something else is another one."""
        return sha256_digest(canonical_json(listing_record(self)))


def listing_record(listing: Listing) -> dict[str, Any]:
    """Return the assertion ``org.colophon.listing``, version 1."""
    told = {name: value for name, value in vars(listing).items() if name not in {"media_type", "log_origin"}}
    if listing.bound_file == listing.digest:
        del told["bound_file"]
    told["listed_at"] = timestamp(listing.listed_at)
    return {"v": VERSION, **without_blanks(**told), "log": {"origin": listing.log_origin}}


def sign_listing(
    data: bytes,
    *,
    listing: Listing,
    software: Software,
    key: SigningKey,
    timestamps: TimestampAuthority | None = None,
) -> NestedManifest:
    """Return the manifest that stands beside a listed work's file, bound to all of its bytes, and read back.

    Raises SigningFailed, also where the file is not the one that the listing names, and what the key raises.
    """
    require_library()
    if sha256_digest(data) != listing.bound_file:
        raise SigningFailed(reason="the file is not the one that its listing names")
    media_type = _readable(listing.media_type)
    manifest_id = f"urn:c2pa:{uuid4()}"
    definition = _definition(listing, manifest_id=manifest_id, software=software)
    is_taken_in = media_type == ANY_BYTES or is_readable(data)
    parent = {"label": _WORK, "title": listing.title, "format": media_type, "relationship": "parentOf"}

    def compose(context: c2pa.Context) -> tuple[bytes, bytes]:
        builder = new_builder(definition, context)
        builder.set_no_embed()
        taken = (media_type, data) if is_taken_in else (NO_PICTURE, b"")
        builder.add_ingredient(json.dumps(parent), taken[0], io.BytesIO(taken[1]))
        return data, builder.sign(ANY_BYTES, io.BytesIO(data), io.BytesIO())

    def sign(authority: TimestampAuthority | None) -> NestedManifest:
        _, store = sealed(compose, key=key, chosen=signing_settings(key), timestamps=authority, is_beside=True)
        signed = read_listing(data, store=store, media_type=media_type, trust_pem=key.root_pem)
        if signed.manifest_id != manifest_id or not signed.is_trusted:
            raise SigningFailed(reason="the manifest beside the work does not verify")
        if authority is not None and not signed.is_stamped:
            raise SigningFailed(reason="the timestamp does not fit the signature")
        return signed

    return stamped_if_possible(sign, timestamps)


def read_listing(data: bytes, *, store: bytes, media_type: str, trust_pem: str | None) -> NestedManifest:
    """Return the manifest beside a work's file as it verifies now; raise SigningFailed for a store that is none."""
    try:
        report = report_on(data, media_type=ANY_BYTES, trust_pem=trust_pem, store=store)
    except c2pa.C2paError as error:
        raise SigningFailed(reason=str(error)) from error
    return NestedManifest(
        manifest_id=str(report["active_manifest"]),
        media_type=_readable(media_type),
        store=store,
        results=found(report),
        is_trusted=report.get("validation_state") == "Trusted",
    )


def _readable(media_type: str) -> str:
    """Return a media type under which the library reads a file for credentials of its own."""
    return media_type if media_type in FORMATS.values() else ANY_BYTES


def _definition(listing: Listing, *, manifest_id: str, software: Software) -> dict[str, Any]:
    opened = {
        "action": "c2pa.opened",
        "when": timestamp(listing.listed_at),
        "description": "Listed in Colophon; who made it is its lister's statement",
        "parameters": {"ingredientIds": [_WORK]},
    }
    actions = {"actions": [opened], "allActionsIncluded": True}
    return {
        "label": manifest_id,
        "claim_version": 2,
        "title": listing.title,
        "format": ANY_BYTES,
        "claim_generator_info": [{"name": software.name, "version": software.version, "specVersion": SPECIFICATION}],
        "assertions": [
            {"label": "c2pa.actions.v2", "created": True, "data": actions},
            {"label": LISTING, "created": True, "data": listing_record(listing)},
        ],
    }
