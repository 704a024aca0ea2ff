"""What our records say of a picture, for verification; only what the public may see."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from threading import Semaphore
from typing import Any
from uuid import UUID

from generation import image_files
from generation.image_files import Form
from generation.models import Generation
from generation.recovery import likenesses
from provenance.audit_log import proofs
from provenance.audit_log import queries as audit_log
from provenance.audit_log.errors import LogError, NoCheckpointYet, NotYetPublished
from provenance.audit_log.note import VerifierKey
from provenance.audit_log.witnesses import witness_keys
from provenance.canonical import Digest, timestamp
from provenance.credentials import queries as credentials
from provenance.credentials.actions import reading_watermark
from provenance.credentials.manifest import without_blanks
from provenance.credentials.watermark.contract import WatermarkRead
from provenance.disputes import queries as disputes
from provenance.fingerprint import Look
from provenance.licensing.credits import credits_of, without_names
from provenance.licensing.inheriting import conditions_and_policy
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
        # Pixels are decoded only where bytes and manifest are nobody's here.
        found = self._found_by(named) or self._found_by({"pixels": ("delivered_pixels", copy.pixel_digest)})
        if found or copy.pixels is None:
            return found
        return self._watermarked(copy.pixels) or self._alike(Look(copy.pixels))

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
        match = {
            "id": read.hex,
            "bits_mended": read.mended_bits,
            "of_bits": read.code_bits,
            "laid_back": read.was_searched,
        }
        found = self._told(image_files.forms_watermarked(read.hex), "watermark")
        return [dataclasses.replace(record, match=match) for record in found]

    def _read_watermark(self, pixels: Any) -> WatermarkRead | None:
        """Return what is read at once, else what a search finds: one at a time, for it takes a third of a second."""
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
        present = [leaf for leaf in record.leaf_hashes if leaf in places]
        if len(present) < len(record.leaf_hashes):
            return Answer(
                "failed",
                "An entry of this image is missing from the operator's log.",
                "运营者的日志中缺少此图像的条目。",
                {"present": present},
            )
        try:
            return _proved({leaf: places[leaf] for leaf in present}, witnesses=self._witnesses)
        except (NoCheckpointYet, NotYetPublished):
            return Answer(
                "not_checked",
                "The operator's log holds the entries; no published checkpoint includes them yet. "
                "Ask again in some seconds.",
                "运营者的日志中有这些条目；尚无已发布的检查点收录它们。请几秒后重试。",
                {"present": present},
            )
        except LogError as error:
            return Answer(
                "failed",
                f"The operator's log does not prove that it includes the entries. {error.said('en')}",
                f"运营者的日志无法证明收录了这些条目。{error.said('zh-Hans')}",
                {"present": present, "fault": error.code},
            )

    def licences_today(self, record: RecordFound) -> Answer:
        """Say whether what the image was made with, or its terms, changed; it keeps those it was made under."""
        form = self._form_of(record)
        if form is None:
            return LICENCES_NOT_CHECKED
        output = form.output
        # Without names found in the prompt: saying that one changed would tell of an undisclosed prompt.
        answers = without_names(output.generation.decision)["references"]
        used = [answer for answer in answers if answer["kind"] != "model"]
        subjects = [UUID(answer["id"]) for answer in used]
        held = [work for answer in used for work in (answer, *answer.get("works", ()))]
        grants = [UUID(answer["right"]) for answer in held if answer["basis"] == "grant"]
        offers = [UUID(answer["right"]) for answer in used if answer["basis"] == "open-licence"]
        decided_at = output.generation.claimed_at or output.delivered_at
        changed = changed_since(subjects, grants=grants, offers=offers, at=decided_at)
        terms = inherited_by([record.image_digest]).get(record.image_digest)
        came = conditions_and_policy(terms)
        en, zh = (f" It came with conditions: {came['en']}", f"此图像带有条件：{came['zh-Hans']}") if came else ("", "")
        told: dict[str, Any] = {"since": timestamp(decided_at), **({"terms_digest": terms.digest()} if terms else {})}
        if changed:
            return Answer(
                "passed",
                "Since then a rightsholder has opted out, or an offer, a grant, a style or a work was withdrawn, "
                f"paused, replaced, rejected or disputed; this image keeps the terms it was made under.{en}",
                "此后有权利人选择退出，或有要约、许可、风格或作品被撤回、暂停、取代、否决或提出争议；"
                f"此图像保留其生成时的条款。{zh}",
                {**told, "changed": [str(subject) for subject in changed]},
            )
        return Answer(
            "passed",
            f"The terms that this image was made under stand unchanged today.{en}",
            f"此图像生成时所依据的条款至今未变。{zh}",
            told,
        )

    def dispute(self, record: RecordFound) -> Answer:
        """Say whether a dispute stands over the image, or over a style or work that its request declared."""
        form = self._form_of(record)
        if form is None:
            return DISPUTE_NOT_CHECKED
        declared = without_names(form.output.generation.decision)["references"]
        used = [answer["id"] for answer in declared if answer["kind"] != "model"]
        behind = disputes.works_behind(UUID(answer) for answer in used)
        # Recorded against the file first delivered; what an older version recorded names the file that was shown.
        standing = disputes.standing_against({record.image_digest, form.output.digest, *used, *behind})
        if not standing:
            return Answer(
                "passed",
                "No dispute stands today over this image or what it was made with.",
                "目前没有针对此图像或其所用素材的争议。",
            )
        return Answer(
            "failed",
            "A dispute stands over this image or what it was made with; no new uses are allowed until it is decided.",
            "针对此图像或其所用素材的争议尚未了结；在裁定之前不允许新的使用。",
            {"disputes": [_told_of(one) for one in standing]},
        )

    def signing_key(self, record: RecordFound) -> Answer:
        """Say whether the key that signed the image was revoked, and whether from a moment before it signed."""
        signed = self._signed.get(record.image_digest) or credentials.credential_of(record.image_digest)
        if signed is None:
            return KEY_NOT_CHECKED
        revoked = credentials.revocation_of(signed.key_id)
        told: dict[str, Any] = {"key": signed.key_id}
        if revoked is None:
            return Answer("passed", "The signing key has not been revoked.", "签名密钥未被吊销。", told)
        since = f"{revoked.since:%Y-%m-%d %H:%M} UTC"
        told |= {"since": timestamp(revoked.since), "signed_at": timestamp(signed.signed_at)}
        if signed.signed_at < revoked.since:
            return Answer(
                "passed",
                f"The signing key was revoked from {since} on; this image was recorded as signed before that.",
                f"签名密钥自 {since} 起被吊销；记录显示此图像在此之前签名。",
                told,
            )
        return Answer(
            "failed",
            f"The signing key was revoked from {since} on, and this image was signed after that.",
            f"签名密钥自 {since} 起被吊销，而此图像在此之后签名。",
            told,
        )


def _told_of(dispute: Any) -> dict[str, str]:
    """Return what anyone may know of a dispute: no names."""
    return {
        "dispute": str(dispute.pk),
        "subject_kind": dispute.subject_kind,
        "subject": dispute.subject,
        "ground": dispute.ground,
        "since": timestamp(dispute.stands_since),
    }


def _proved(places: Mapping[Digest, int | None], *, witnesses: Sequence[VerifierKey]) -> Answer:
    now, found = proofs.inclusions(places, witnesses=witnesses)
    origin, size = now.checkpoint.origin, now.checkpoint.size
    indexes = [one.index for one in found]
    numbers = ", ".join(map(str, indexes))
    names = ", ".join(now.witnesses)
    held_en = f"cosigned by {names}" if names else "log held by the operator alone"
    held_zh = f"由 {names} 联署见证" if names else "日志仅由运营者自己保管"
    return Answer(
        "passed",
        f"The log {origin} includes this image's entries, as numbers {numbers} of {size}, under a signed checkpoint; "
        f"{held_en}.",
        f"日志 {origin} 收录了此图像的条目（共 {size} 条中的第 {numbers} 条），检查点已签名；{held_zh}。",
        {
            "leaf_hashes": list(places),
            "index": indexes[-1],
            "indexes": indexes,
            "tree_size": size,
            "checkpoint": now.note,
            "witnesses": list(now.witnesses),
        },
    )


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
