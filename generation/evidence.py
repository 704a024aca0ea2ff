"""What our records say of a picture, for verification; only what the public may see."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from threading import Semaphore
from typing import Any
from uuid import UUID

from generation import answers, image_files
from generation.image_files import Form
from generation.models import Generation, Output
from generation.recovery import likenesses
from provenance.audit_log import proofs
from provenance.audit_log import queries as audit_log
from provenance.audit_log.errors import LogError, NoCheckpointYet, NotYetPublished
from provenance.audit_log.witnesses import witness_keys
from provenance.canonical import Digest
from provenance.credentials import queries as credentials
from provenance.credentials.actions import reading_watermark
from provenance.credentials.manifest import without_blanks
from provenance.credentials.watermark.chances import chance_of_a_stranger
from provenance.credentials.watermark.contract import WatermarkRead
from provenance.disputes import queries as disputes
from provenance.fingerprint import Look
from provenance.licensing.credits import credits_of, without_names
from provenance.licensing.queries.crediting import all_credited_today
from provenance.licensing.queries.inheriting import inherited_by
from provenance.licensing.queries.offers import changed_since
from provenance.verification.copy import Copy
from provenance.verification.evidence import (
    DISPUTE_NOT_CHECKED,
    KEY_NOT_CHECKED,
    LICENCES_NOT_CHECKED,
    Answer,
    Layer,
    RecordFound,
)

SECONDS_TO_WAIT = 0.5
_searching = Semaphore()
"""Held by the one that searches for a watermark in this process; the others are answered without."""


class Records:
    """The records of this installation, asked by a verification."""

    def __init__(self, *, keeper: str, may_search: Callable[[], bool] = lambda: True) -> None:
        """Ask for one picture, at one moment: what was found is kept, and what is asked of it reads that.

        ``may_search`` says whether the caller may have a cropped copy's watermark searched for now.
        """
        self._keeper, self._may_search = keeper, may_search
        self._left_out: tuple[str, ...] = ()
        self._witnesses = witness_keys()
        self._forms: dict[Digest, Form] = {}
        self._signed: dict[Digest, Any] = {}

    @property
    def keeper(self) -> str:
        """Return who keeps these records."""
        return self._keeper

    @property
    def left_out(self) -> Sequence[str]:
        """Return which ways of finding the picture were not tried."""
        return self._left_out

    def find(self, copy: Copy) -> Sequence[RecordFound]:
        """Return the delivered images that a file is: by bytes, manifest, pixels or watermark; else all it may copy."""
        named: dict[Layer, tuple[str, str | None]] = {
            "file": ("digest", copy.file_digest), "manifest": ("manifest_id", copy.manifest_id)
        }  # fmt: skip
        found = self._found_by(named)
        if found and found[0].layer == "file":
            return found  # its pixels are not even decoded
        same = self._found_by({"pixels": ("delivered_pixels", copy.pixel_digest)})
        if found or same:
            return _pictured(found, same)
        return () if copy.pixels is None else self._watermarked(copy.pixels) or self._alike(Look(copy.pixels))

    def _found_by(self, named: Mapping[Layer, tuple[str, str | None]]) -> Sequence[RecordFound]:
        known = {layer: (column, value) for layer, (column, value) in named.items() if value}
        if not known:
            return ()
        fitting = image_files.files_fitting(**dict(known.values()))
        for layer, (column, value) in known.items():
            if forms := image_files.forms_fitting(column, value, fitting=fitting):
                return self._told(forms, layer)
        return ()

    def _watermarked(self, pixels: Any) -> Sequence[RecordFound]:
        """Return the image whose id stands in a copy's pixels; an id that no record holds is no finding."""
        read = self._read_watermark(pixels) if image_files.is_any_watermarked() else None
        if read is None:
            return ()
        return self.carrying(read)

    def carrying(self, read: WatermarkRead) -> Sequence[RecordFound]:
        """Return the image whose id was read in a picture; an id that no record holds is no finding."""
        found = self._told(image_files.forms_watermarked(read.hex), "watermark")
        if not found:
            return ()
        match = {
            "id": read.hex,
            "bits_mended": read.mended_bits,
            "of_bits": read.code_bits,
            "laid_back": read.was_searched,
            "stranger": chance_of_a_stranger(read, kept=image_files.watermarks_kept()),
        }
        return [dataclasses.replace(record, match=match) for record in found]

    def _read_watermark(self, pixels: Any) -> WatermarkRead | None:
        """Return what is read at once, else what a search finds: one at a time, for it takes up to half a second."""
        watermark = reading_watermark()
        if read := watermark.read(pixels, thorough=False):
            return read
        if not self._may_search() or not _searching.acquire(timeout=SECONDS_TO_WAIT):
            self._left_out = ("watermark.search",)
            return None
        try:
            return watermark.read(pixels)
        finally:
            _searching.release()

    def _alike(self, look: Look) -> Sequence[RecordFound]:
        near = likenesses(look)
        records = self._told([one.form for one in near], "fingerprint")
        return [
            dataclasses.replace(record, match={**record.match, **one.told()}, is_possible=not one.is_confirmed)
            for record, one in zip(records, near, strict=True)
        ]

    def _told(self, forms: Sequence[Form], layer: Layer) -> Sequence[RecordFound]:
        """Return what is told of some files, their credentials fetched together: a picture may be like a hundred."""
        if not forms:
            return ()
        self._forms |= {form.file.digest: form for form in forms}
        self._signed |= credentials.credentials_of(
            {digest for form in forms for digest in (form.file.digest, form.output.digest)}
        )
        today = all_credited_today(form.output.generation.decision for form in forms)
        return [
            _told_by(form, layer, kept=self._signed, credited=credited)
            for form, credited in zip(forms, today, strict=True)
        ]

    def _form_of(self, record: RecordFound) -> Form | None:
        found = self._forms.get(record.image_digest)
        return found or next(iter(image_files.forms_with(digest=record.image_digest)), None)

    def log_inclusion(self, record: RecordFound) -> Answer:
        """Prove that the published checkpoint includes the entries, and say who besides the operator vouches for it."""
        places = audit_log.places_of(record.leaf_hashes)
        present = {leaf: places[leaf] for leaf in record.leaf_hashes if leaf in places}
        if len(present) < len(record.leaf_hashes):
            return answers.entry_missing(record, present=list(present))
        try:
            now, found = proofs.inclusions(present, witnesses=self._witnesses)
        except (NoCheckpointYet, NotYetPublished):
            return answers.entries_wait(present=list(present))
        except LogError as error:
            return answers.entries_unproved(error, present=list(present))
        return answers.entries_included(record, leaves=list(present), head=now, indexes=[one.index for one in found])

    def licences_today(self, record: RecordFound) -> Answer:
        """Say whether what the image was made with, or its terms, changed; it keeps those it was made under."""
        form = self._form_of(record)
        if form is None:
            return LICENCES_NOT_CHECKED
        output = form.output
        used = _used(output)
        held = [work for answer in used for work in (answer, *answer.get("works", ()))]
        decided_at = output.generation.claimed_at or output.delivered_at
        changed = changed_since(
            [UUID(answer["id"]) for answer in used],
            grants=[UUID(answer["right"]) for answer in held if answer["basis"] == "grant"],
            offers=[UUID(answer["right"]) for answer in used if answer["basis"] == "open-licence"],
            at=decided_at,
        )
        terms = inherited_by([record.image_digest]).get(record.image_digest)
        return answers.terms_today(record, used=used, since=decided_at, changed=changed, terms=terms)

    def dispute(self, record: RecordFound) -> Answer:
        """Say whether a dispute stands over the image, or over a style or work that its request declared."""
        form = self._form_of(record)
        if form is None:
            return DISPUTE_NOT_CHECKED
        used = [answer["id"] for answer in _used(form.output)]
        behind = disputes.works_behind(UUID(answer) for answer in used)
        # Recorded against the file first delivered; what an older version recorded names the file that was shown.
        images = {record.image_digest, form.output.digest}
        standing = disputes.standing_against({*images, *used, *behind})
        return answers.disputes_today(record, asked=[*sorted(images), *used], standing=standing)

    def signing_key(self, record: RecordFound) -> Answer:
        """Say whether the key that signed the image was revoked, and whether from a moment before it signed."""
        signed = self._signed.get(record.image_digest) or credentials.credential_of(record.image_digest)
        if signed is None:
            return KEY_NOT_CHECKED
        return answers.key_today(record, signed=signed, revoked=credentials.revocation_of(signed.key_id))


def _pictured(named: Sequence[RecordFound], same: Sequence[RecordFound]) -> Sequence[RecordFound]:
    """Return the record of the picture that is seen: a manifest that was moved onto it names another one's."""
    ids = {record.generation_id for record in named}
    is_moved = bool(same) and not any(record.generation_id in ids for record in same)
    return same if is_moved or not named else named


def _used(output: Output) -> list[Mapping[str, Any]]:
    """Return what an image was declared to be made with, but for the model.

    Without names found in the prompt: saying that one changed would tell of an undisclosed prompt.
    """
    references = without_names(output.generation.decision)["references"]
    return [answer for answer in references if answer["kind"] != "model"]


def _told_by(
    form: Form, layer: Layer, *, kept: Mapping[str, Any], credited: Mapping[str, Any]
) -> RecordFound:
    output, generation = form.output, form.output.generation
    credential, signed = kept.get(output.digest), kept.get(form.file.digest)
    return RecordFound(
        layer=layer,
        image_digest=form.file.digest,
        manifest_id=form.file.manifest_id,
        delivered_pixels=form.file.delivered_pixels,
        generation_id=str(generation.pk),
        model=generation.model.name,
        made_at=credential.signed_at if credential else output.delivered_at,
        credits=tuple(credits_of(credited)),
        leaf_hashes=form.leaves,
        model_digest=generation.model.digest,
        seed=str(output.seed),
        request_leaf=generation.request_leaf,
        key_id=signed.key_id if signed else "",
        match={"rendition_of": output.digest, "reason": form.rendition.reason} if form.rendition else {},
        erased_at=generation.erased_at,
        **({} if generation.erased_at else _disclosed(generation)),
    )


def _disclosed(generation: Generation) -> dict[str, Any]:
    """Return what erasing takes away, as far as the requester disclosed it: the same that the manifest states."""
    licences = {answer["id"]: answer["licence"] for answer in generation.decision["references"]}
    is_public = generation.disclosure == Generation.Disclosure.PUBLIC
    is_committed = generation.disclosure == Generation.Disclosure.COMMITTED
    return {
        "disclosure": generation.disclosure,
        "prompt_text": generation.prompt if is_public else "",
        "prompt_commitment": generation.prompt_commitment if is_committed else "",
        "references": tuple(
            without_blanks(
                kind="adapter" if row["adapter"] else "style",
                name=row["name"],
                digest=row.get("digest", row["adapter"]),
                licence=licences.get(row["style"], ""),
            )
            for row in generation.references
        ),
        "inputs": tuple(
            without_blanks(
                role=row["role"], name=row["title"], digest=row["digest"], licence=licences.get(row["work"], "")
            )
            for row in generation.inputs
        ),
    }
