"""Which of a style's works may be trained on, on what basis, and why others are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from generation.errors import InputMissing
from generation.models import TrainingRun
from generation.training.contract import Lesson
from generation.training.recipe import Recipe, held_out_of
from provenance import storage
from provenance.actor import Actor
from provenance.canonical import Digest, canonical_json, sha256_digest
from provenance.licensing.queries.training import decisions_to_train
from provenance.picture import decode_picture
from provenance.works import queries as works_queries
from provenance.works.binding import works_digest
from provenance.works.models import Style, Work

TRAINED, HELD_OUT, LEFT_OUT = "trained", "held-out", "left-out"


def works_taught(*, actor: Actor, style: Style, purpose: str, recipe: Recipe) -> list[dict[str, Any]]:
    """Return each work of a style with its use: trained on, kept back, or left out, and the reasons.

    Works are named by their id in the reasons, so that nothing here needs erasing when a title does.
    """
    works = list(Work.objects.filter(styles=style).select_related("owner").order_by("registered_at", "digest"))
    answers = decisions_to_train(actor=actor, works=works, purpose=purpose)
    rows = [_row(work, answers[str(work.pk)]) for work in works]
    usable = [row["digest"] for row in rows if row["use"] == TRAINED]
    kept_back = held_out_of(usable, recipe=recipe)
    return [{**row, "use": HELD_OUT} if row["digest"] in kept_back else row for row in rows]


def _row(work: Work, answer: Mapping[str, Any]) -> dict[str, Any]:
    reasons = list(answer["reasons"])
    is_usable = bool(answer["permitted"])
    if is_usable and not (work.pixel_digest and storage.exists(work.digest)):
        is_usable, reasons = False, [InputMissing(work=work.pk).as_json()]
    return {
        "work": str(work.pk),
        "digest": work.digest,
        "use": TRAINED if is_usable else LEFT_OUT,
        "basis": answer["basis"],
        "right": answer["right"],
        "licence": answer["licence"],
        "terms_digest": answer["terms_digest"],
        "reasons": reasons,
    }


def digests(rows: Sequence[Mapping[str, Any]], *uses: str) -> list[Digest]:
    """Return the file digests of the works with some uses, in order."""
    return [row["digest"] for row in rows if row["use"] in uses]


def rows_digest(rows: Sequence[Mapping[str, Any]]) -> Digest:
    """Return the digest of the canonical list of works, as entries state it."""
    return sha256_digest(canonical_json(list(rows)))


def taught_digest(rows: Sequence[Mapping[str, Any]]) -> Digest:
    """Return the digest of the sorted list of the files that are trained on."""
    return works_digest(digests(rows, TRAINED))


def why_left_out(rows: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Return the first reasons for which works were left out, in both languages."""
    reasons = [reason for row in rows if row["use"] == LEFT_OUT for reason in row["reasons"]][:3]
    return " ".join(reason["en"] for reason in reasons), "".join(reason["zh-Hans"] for reason in reasons)


def lessons_of(run: TrainingRun, *, use: str) -> tuple[Lesson, ...]:
    """Return the works of one use as a trainer sees them; raises what reading a file raises."""
    rows = [row for row in run.works if row["use"] == use]
    works = {str(work.pk): work for work in works_queries.works_with_ids([row["work"] for row in rows])}
    return tuple(_lesson(works[row["work"]], digest=row["digest"]) for row in rows)


def _lesson(work: Work, *, digest: Digest) -> Lesson:
    pixels = decode_picture(storage.load(digest)).pixels
    return Lesson(digest=digest, pixels=np.asarray(pixels), title=work.title, title_zh=work.title_zh)


