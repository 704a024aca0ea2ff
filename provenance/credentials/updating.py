"""An update manifest: the timestamp that a signature lacks, added later without touching the picture.

C2PA 2.4, 11.2 (update manifests) and ``c2pa.time-stamp``. The file gets new bytes and a manifest of its own on top;
the signed one below stays as it is.
"""

from __future__ import annotations

import io

from provenance.credentials.definition import PARENT, SPECIFICATION, nested
from provenance.credentials.errors import NotStampable
from provenance.credentials.manifest import Software
from provenance.credentials.nesting import manifest_in
from provenance.credentials.reading import media_type_of, read
from provenance.credentials.signing import (
    SignedImage,
    SigningKey,
    add_ingredient,
    new_builder,
    read_back,
    require_library,
    signing_context,
    signing_settings,
)
from provenance.credentials.timestamps import TimestampAuthority

NEVER_STAMPED_LATER = frozenset({"image/webp"})
"""RIFF's length field stands under the first signature's hash, and a longer store changes it (c2pa-rs 0.91)."""


def stamp_later(
    data: bytes, *, manifest_id: str, software: Software, key: SigningKey, timestamps: TimestampAuthority
) -> SignedImage:
    """Return a signed picture with an update manifest that holds a timestamp for the signature below it.

    Raises SigningFailed when the authority is down still, NotStampable for a WebP or when the file is not whole and
    from a signer we trust.
    """
    require_library()
    media_type = media_type_of(data)
    if media_type in NEVER_STAMPED_LATER:
        raise NotStampable(reason="a WebP file cannot take an update manifest")
    if read(data, trust_pem=key.root_pem).validation_state != "Trusted":
        raise NotStampable(reason="only a whole file of a trusted signer gets a timestamp later")
    below = manifest_in(data, media_type=media_type, trust_pem=key.root_pem)
    chosen = signing_settings(key)
    chosen["core"] = {"allowed_network_hosts": [timestamps.host]}
    chosen["builder"]["auto_timestamp_assertion"] = {"enabled": True, "skip_existing": True, "fetch_scope": "parent"}

    def sign(timestamp_url: str) -> SignedImage:
        stamped = io.BytesIO()
        with signing_context(key, timestamp_url=timestamp_url, chosen=chosen) as context:
            builder = new_builder(_definition(manifest_id, software), context, is_update=True)
            if below is not None:  # else the library takes it in by itself, with three times as many words
                add_ingredient(builder, nested({"label": PARENT, "relationship": "parentOf"}, below))
            store = builder.sign(media_type, io.BytesIO(data), stamped)
        return read_back(SignedImage(stamped.getvalue(), store, manifest_id, is_timestamped=True), key=key)

    return timestamps.ask(sign)


def _definition(manifest_id: str, software: Software) -> dict[str, object]:
    generator = {"name": software.name, "version": software.version, "specVersion": SPECIFICATION}
    # The library puts the opening of the parent in. Nothing else was done to the picture: C2PA 2.4, 18.15.3.
    actions = {"label": "c2pa.actions.v2", "created": True, "data": {"actions": [], "allActionsIncluded": True}}
    return {"label": manifest_id, "claim_version": 2, "claim_generator_info": [generator], "assertions": [actions]}
