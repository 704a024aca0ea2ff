"""Reads the shipped collection: the parties, styles and works that the starter model stands on."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from generation.starter.errors import CollectionDamaged
from provenance.canonical import Digest, is_digest, sha256_digest

COLLECTION = Path(__file__).with_name("collection.zip")
MANIFEST = "manifest.jsonl"
NOTE_EN = "Recorded from its public licence; no account here, no endorsement."
NOTE_ZH = "依其公开许可证登记；在此没有账户，也不代表认可。"
Split = Literal["trained", "held-out", "not-in-training"]
SPLITS: tuple[Split, ...] = ("trained", "held-out", "not-in-training")


@dataclass(frozen=True)
class PartyRecord:
    """An owner of pictures, as its public licence names it."""

    slug: str
    name: str
    url: str
    licence: str
    """SPDX identifier."""
    licence_url: str
    note_en: str = NOTE_EN
    note_zh: str = NOTE_ZH


@dataclass(frozen=True)
class WorkRecord:
    """One picture of the collection."""

    id: str
    subject: str
    name_en: str
    name_zh: str
    style: str
    """Slug of the style, which is the slug of its set."""
    owner: str
    licence: str
    """SPDX identifier."""
    digest: Digest
    """sha256 of the SVG document that it was drawn from."""
    split: Split
    thumbnail: bytes
    """WebP, 64 x 64."""


@dataclass(frozen=True)
class StyleRecord:
    """A style: the listed works that show it, and the word that calls it."""

    slug: str
    name_en: str
    name_zh: str
    party: str
    """Slug of the owner's PartyRecord."""
    token: str
    """The word for this style in prompts; empty where the model was never taught it."""
    licence: str
    works: tuple[Digest, ...]
    """Digests of its works; of a style that the model knows, exactly those that it was trained on."""
    is_trained: bool


def parties(path: Path = COLLECTION) -> tuple[PartyRecord, ...]:
    """Return the owners of the collection's pictures."""
    return tuple(
        PartyRecord(row["slug"], row["owner"], row["owner_url"], row["licence"], row["licence_url"])
        for row in _read(path)["sets"]
    )


def styles(path: Path = COLLECTION) -> tuple[StyleRecord, ...]:
    """Return the styles of the collection, each with the works that carry it."""
    content = _read(path)
    return tuple(
        StyleRecord(
            slug=row["slug"],
            name_en=row["style"],
            name_zh=f"{row['style']} 风格",
            party=row["slug"],
            token=row["style"] if row["trained"] else "",
            licence=row["licence"],
            works=tuple(
                work["digest"]
                for work in content["works"]
                if work["set"] == row["slug"] and (work["split"] == "trained" or not row["trained"])
            ),
            is_trained=row["trained"],
        )
        for row in content["sets"]
    )


def works(path: Path = COLLECTION) -> Iterator[WorkRecord]:
    """Yield every work of the collection with its thumbnail, in the manifest's order."""
    content = _read(path)
    for work in content["works"]:
        yield WorkRecord(
            id=work["id"],
            subject=work["subject"],
            name_en=work["en"],
            name_zh=work["zh"],
            style=work["set"],
            owner=work["owner"],
            licence=work["licence"],
            digest=work["digest"],
            split=work["split"],
            thumbnail=content["thumbnails"][work["id"]],
        )


def manifest_digest(path: Path = COLLECTION) -> Digest:
    """Return the digest of the manifest: what the model's training statement names."""
    return sha256_digest(_read(path)["manifest"])


def write_collection(
    *, sets: list[dict[str, Any]], works: list[dict[str, Any]], thumbnails: dict[str, bytes], path: Path
) -> None:
    """Write sets, works and thumbnails as one file, the same bytes each time."""
    lines = [json.dumps(row, ensure_ascii=False, sort_keys=True) for row in (*sets, *works)]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        members = {MANIFEST: ("\n".join(lines) + "\n").encode()}
        members |= {f"thumbnails/{key}.webp": data for key, data in thumbnails.items()}
        for name, data in members.items():
            # A fixed date: the same pictures give the same file.
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    path.write_bytes(buffer.getvalue())


def _read(path: Path) -> dict[str, Any]:
    """Return manifest bytes, sets, works and thumbnails, every work checked for its fields."""
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = archive.read(MANIFEST)
            rows = [json.loads(line) for line in manifest.decode().splitlines()]
            listed = [row for row in rows if row["kind"] == "work"]
            thumbnails = {row["id"]: archive.read(f"thumbnails/{row['id']}.webp") for row in listed}
        wrong = [row["id"] for row in listed if row["split"] not in SPLITS or not is_digest(row["digest"])]
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise CollectionDamaged(path=str(path), reason=f"{type(error).__name__}: {error}") from error
    if wrong:
        raise CollectionDamaged(path=str(path), reason=f"the work {wrong[0]} has no valid split or digest")
    sets = [row for row in rows if row["kind"] == "set"]
    return {"manifest": manifest, "sets": sets, "works": listed, "thumbnails": thumbnails}
