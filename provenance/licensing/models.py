"""Offers, grants and opt-outs as they are recorded."""

from __future__ import annotations

import uuid

from django.db import models

from provenance.works.models import Party

SUBJECT_KINDS = [("style", "style"), ("work", "work"), ("party", "party")]
"""A party stands for all the works that it lists; a style is offered by itself."""


class Offer(models.Model):
    """Terms on which a party lets its style or work be used."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="offers")
    subject_kind = models.CharField(max_length=8, choices=SUBJECT_KINDS)
    subject_id = models.UUIDField()
    licence = models.CharField(max_length=80)
    is_open = models.BooleanField()
    terms = models.JSONField()
    terms_digest = models.CharField(max_length=71)
    version = models.PositiveIntegerField(default=1)
    published_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["subject_kind", "subject_id"], name="offer_by_subject")]


class Grant(models.Model):
    """An immutable snapshot of an offer's terms, given to one licensee."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="grants")
    licensee_id = models.UUIDField(db_index=True)
    terms = models.JSONField()
    terms_digest = models.CharField(max_length=71)
    granted_at = models.DateTimeField()


class GrantEvent(models.Model):
    """What happened to a grant after it was given."""

    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=12, choices=[("revoked", "revoked")])
    at = models.DateTimeField()


class OptOut(models.Model):
    """A party's no, which wins over every offer from the moment it was recorded."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="opt_outs")
    subject_kind = models.CharField(max_length=8, choices=SUBJECT_KINDS)
    subject_id = models.UUIDField()
    source = models.CharField(max_length=200)
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["subject_kind", "subject_id"], name="opt_out_by_subject")]
