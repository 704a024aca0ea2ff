"""Fingerprints of works, delivered images and opted-out pictures as they are kept."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from provenance.fingerprint import LEAST_QUALITY


class KeptFingerprint(models.Model):
    """What one picture is recognised by, and which picture that is.

    The database adds a column ``written_in``, the transaction that wrote the row: by it a process that searches
    knows which rows it has not seen yet. It also refuses codes that are neither ten nor none.
    """

    class Kind(models.TextChoices):
        WORK = "work"
        IMAGE = "image"
        OPT_OUT = "opt-out"

    class Stage(models.TextChoices):
        ONLY = ""
        RAW = "raw"
        """Before marks."""
        DELIVERED = "delivered"
        """Of the delivered file, decoded again."""
        RENDITION = "rendition"
        """Of a later form: of an image one that was made here, of an opted-out picture one that was known here."""

    kind = models.CharField(max_length=8, choices=Kind.choices)
    subject_id = models.UUIDField()
    stage = models.CharField(max_length=9, choices=Stage.choices, blank=True)
    digest = models.CharField(max_length=71)
    codes = models.BinaryField()
    """The PDQ codes of the whole and its nine windows, 32 bytes each; empty for a picture without enough detail."""
    quality = models.PositiveSmallIntegerField()
    iscc = models.CharField(max_length=32, blank=True)
    kept_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject_id", "stage"],
                condition=~Q(stage="rendition"),
                name="one_fingerprint_a_picture_and_stage",
            ),
            models.UniqueConstraint(
                fields=["kind", "subject_id", "digest"],
                condition=Q(stage="rendition"),
                name="one_fingerprint_a_later_form",
            ),
        ]
        indexes = [
            # Every look-up by picture: neither constraint covers all stages, so neither serves it.
            models.Index(fields=["kind", "subject_id", "stage"], name="fingerprint_by_subject"),
            models.Index(fields=["iscc"], condition=~Q(iscc=""), name="fingerprint_by_iscc"),
            models.Index(fields=["digest"], condition=Q(kind="opt-out"), name="fingerprint_of_opted_out_file"),
            # Empty once each was recorded anew: the job that looks for some then reads nothing.
            models.Index(
                fields=["id"],
                condition=Q(codes=b"", quality__gte=LEAST_QUALITY, erased_at=None),
                name="fingerprint_kept_as_too_plain",
            ),
        ]
