"""What our records say of a picture, for verification; only what the public may see."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from generation import queries
from generation.models import Output
from provenance.audit_log import queries as audit_log
from provenance.canonical import Digest
from provenance.credentials import queries as credentials
from provenance.licensing import queries as licensing
from provenance.licensing.credits import credits_of
from provenance.verification.evidence import LICENCES_NOT_CHECKED, Answer, Layer, RecordFound


class Records:
    """The records of this installation, asked by a verification."""

    def __init__(self, *, keeper: str) -> None:
        self._keeper = keeper

    @property
    def keeper(self) -> str:
        """Return who keeps these records."""
        return self._keeper

    def find(
        self, *, file_digest: Digest, pixel_digest: Digest | None, manifest_id: str | None
    ) -> Sequence[RecordFound]:
        """Return the delivered images that a file is: by its bytes, its manifest, then its pixels."""
        layers: tuple[tuple[Layer, dict[str, str | None]], ...] = (
            ("file", {"digest": file_digest}),
            ("manifest", {"manifest_id": manifest_id}),
            ("pixels", {"delivered_pixels": pixel_digest}),
        )
        for layer, wanted in layers:
            if all(wanted.values()) and (found := queries.outputs_with(**wanted)):
                return [_found(output, layer) for output in found]
        return ()

    def log_inclusion(self, record: RecordFound) -> Answer:
        """Say that the entries are recorded; without a published checkpoint nobody can prove more."""
        present = [leaf for leaf in record.leaf_hashes if audit_log.has_leaf(leaf)]
        if len(present) < len(record.leaf_hashes):
            return Answer(
                "failed",
                "An entry of this image is missing from the operator's log.",
                "运营者的日志中缺少此图像的条目。",
                {"present": present},
            )
        return Answer(
            "not_checked",
            "The operator's log holds the entries; no checkpoint is published yet that would prove it.",
            "运营者的日志中有这些条目；尚未发布可供证明的检查点。",
            {"present": present},
        )

    def licences_today(self, record: RecordFound) -> Answer:
        """Say whether a rightsholder has opted out since; the image keeps the terms it was made under."""
        found = queries.outputs_with(digest=record.image_digest)
        if not found:
            return LICENCES_NOT_CHECKED
        answers = found[0].generation.decision["references"]
        subjects = [UUID(answer["id"]) for answer in answers if answer["kind"] != "model"]
        grants = [UUID(answer["right"]) for answer in answers if answer["basis"] == "grant"]
        decided_at = found[0].generation.claimed_at or found[0].delivered_at
        changed = licensing.changed_since(subjects, grants=grants, at=decided_at)
        if changed:
            return Answer(
                "passed",
                "A rightsholder has opted out or withdrawn since; this image keeps the terms it was made under.",
                "此后有权利人选择退出或撤回；此图像保留其生成时的条款。",
                {"changed": [str(subject) for subject in changed]},
            )
        return Answer(
            "passed",
            "The terms that this image was made under stand unchanged today.",
            "此图像生成时所依据的条款至今未变。",
        )


def _found(output: Output, layer: Layer) -> RecordFound:
    generation = output.generation
    credential = credentials.credential_of(output.digest)
    return RecordFound(
        layer=layer,
        image_digest=output.digest,
        manifest_id=output.manifest_id,
        delivered_pixels=output.delivered_pixels,
        generation_id=str(generation.pk),
        model=generation.model.name,
        made_at=credential.signed_at if credential else output.delivered_at,
        credits=tuple(line["en"] for line in credits_of(generation.decision)),
        leaf_hashes=(generation.request_leaf, output.delivered_leaf),
    )
