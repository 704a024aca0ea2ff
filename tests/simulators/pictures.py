"""Small pictures and what their manifests say, signed for real."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
from PIL import Image

from provenance.canonical import sha256_digest
from provenance.credentials.listing import Listing, sign_listing
from provenance.credentials.manifest import (
    BasisLine,
    Colophon,
    Edit,
    InputUsed,
    LogReceipt,
    ModelUsed,
    NestedManifest,
    Opened,
    Prompt,
    Reference,
    Software,
    WorkBehind,
)
from provenance.credentials.signing import SignedImage, SigningKey, sign_image
from provenance.credentials.timestamps import TimestampAuthority

MADE_AT = datetime(2026, 11, 23, 12, 30, 15, 123456, tzinfo=UTC)
PROMPT = "a red fox asleep under a lamp"
LEAF = "sha256:" + "a" * 64
ENCODINGS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP", "image/avif": "AVIF"}


def digest(letter: str) -> str:
    """Return a digest that is easy to tell from others."""
    return "sha256:" + letter * 64


def picture(media_type: str = "image/png", *, seed: int = 1, size: int = 48, **options: Any) -> bytes:
    """Return an unsigned picture of noise."""
    pixels = np.random.default_rng(seed).integers(0, 255, (size, size, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, ENCODINGS[media_type], **options)
    return buffer.getvalue()


def colophon(*, number: int = 1, **changes: Any) -> Colophon:
    """Return what a manifest says, the same each time but for the changes asked for."""
    values: dict[str, Any] = {
        "manifest_id": f"urn:c2pa:{UUID(int=number, version=4)}",
        "title": "fox.png",
        "media_type": "image/png",
        "made_at": MADE_AT,
        "software": Software("Colophon", "0.1.0"),
        "model": ModelUsed(
            name="Starter",
            identifier="colophon-starter",
            source="generation/starter",
            revision="1",
            licence="CC0-1.0",
            weights_digest=digest("b"),
            training_statement="Trained on listed works under open licences.",
            url="https://example.org/starter",
        ),
        "prompt": Prompt.public(PROMPT),
        "seed": 2**63 - 1,
        "raw_pixels": digest("c"),
        "generation_id": str(UUID(int=7, version=4)),
        "log": LogReceipt(origin="colophon.example/log", leaf_hash=LEAF),
        "settings": {"steps": 20, "guidance_scale": 7.5, "scheduler": "ddim"},
        "references": (
            Reference(
                kind="style",
                name="Quiet ink",
                digest=digest("d"),
                licence="CC-BY-4.0",
                credit_line="Made with Quiet ink, trained on works by A. Painter, CC BY 4.0",
                url="https://example.org/quiet-ink",
            ),
        ),
        "basis": (
            BasisLine(
                subject="style: Quiet ink",
                basis="open-licence",
                licence="CC-BY-4.0",
                terms_digest=digest("e"),
                duties=("attribute",),
            ),
        ),
        "use_ids": (str(UUID(int=8, version=4)),),
    }
    return Colophon(**values | changes)


def signed(key: SigningKey, *, media_type: str = "image/png", data: bytes | None = None, **changes: Any) -> SignedImage:
    """Return a picture signed with a key; changes go into what its manifest says."""
    statement = colophon(media_type=media_type, **changes)
    return sign_image(data or picture(media_type), media_type=media_type, colophon=statement, key=key)


def over(data: bytes) -> tuple[InputUsed, ...]:
    """Return the input of a picture that is made over another one's bytes."""
    name, licence = "Sketch", "CC0-1.0"
    return (InputUsed(role="image", name=name, digest=digest("f"), licence=licence, credit_line="", data=data),)


def opened(data: bytes, *edits: Edit) -> Opened:
    """Return what a later form of a picture says of the file it was made from."""
    return Opened(image=digest("f"), parent=digest("f"), reason="crop", edited_at=MADE_AT, data=data, edits=edits)


def listing(data: bytes, *, media_type: str = "image/png", **changes: Any) -> Listing:
    """Return what is stated of a listed work, the same each time but for the changes asked for."""
    values: dict[str, Any] = {
        "work": str(UUID(int=11, version=4)), "party": str(UUID(int=12, version=4)), "listed_by": "Ada Painter",
        "claim": "self-declared", "title": "Wave", "credit": "Ada Painter", "licence": "CC-BY-4.0",
        "source_url": "https://example.org/wave", "digest": sha256_digest(data), "bound_file": sha256_digest(data),
        "media_type": media_type, "listed_at": MADE_AT, "log_origin": "colophon.example/log",
    }  # fmt: skip
    return Listing(**values | changes)


def listed(
    key: SigningKey,
    data: bytes,
    *,
    media_type: str = "image/png",
    timestamps: TimestampAuthority | None = None,
    **changes: Any,
) -> NestedManifest:
    """Return the manifest beside a listed work, signed with a key."""
    statement = listing(data, media_type=media_type, **changes)
    software = Software("Colophon", "0.1.0")
    return sign_listing(data, listing=statement, software=software, key=key, timestamps=timestamps)


def xmp_naming(address: str) -> bytes:
    """Return XMP that says that a picture's credentials are kept at an address."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="{address}"/>'
        "</rdf:RDF></x:xmpmeta>"
    ).encode()


def over_listed(key: SigningKey, data: bytes, *, media_type: str = "image/png") -> tuple[InputUsed, ...]:
    """Return the input of a picture that is made over a listed work with a manifest of its own beside it."""
    (plain,) = over(data)
    return (replace(plain, digest=sha256_digest(data), manifest=listed(key, data, media_type=media_type)),)


def on_listed(key: SigningKey, *works: bytes) -> tuple[Reference, ...]:
    """Return the style of a picture that stands on a few listed works, each with its manifest."""
    behind = (
        WorkBehind(
            name=f"Wave {number}", digest=sha256_digest(data), licence="CC-BY-4.0",
            manifest=listed(key, data, title=f"Wave {number}"),
        )
        for number, data in enumerate(works)
    )  # fmt: skip
    return (replace(colophon().references[0], works=tuple(behind)),)
