"""Disputes and everything that was said in them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db import models
from django.db.models import Q

from provenance.disputes.notice import GROUNDS, REMEDIES, SUBJECT_KINDS

STANDING = ("complete", "answered")
"""States in which new uses stop, royalties are held, and public pages show a banner."""
OPEN = ("received", "incomplete", *STANDING)
ENDED = ("upheld", "dismissed", "withdrawn", "lapsed")


def _same(names: Iterable[str]) -> list[tuple[str, str]]:
    return [(name, name) for name in names]


class Dispute(models.Model):
    """One notice against a work, a style or a delivered image, and what became of it."""

    class State(models.TextChoices):
        RECEIVED = "received"
        INCOMPLETE = "incomplete"
        COMPLETE = "complete"
        ANSWERED = "answered"
        UPHELD = "upheld"
        DISMISSED = "dismissed"
        WITHDRAWN = "withdrawn"
        LAPSED = "lapsed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subject_kind = models.CharField(max_length=8, choices=_same(SUBJECT_KINDS))
    subject = models.CharField(max_length=71)
    """The id of a work or style, or the digest of an image."""
    ground = models.CharField(max_length=12, choices=_same(GROUNDS))
    state = models.CharField(max_length=12, choices=State.choices, default=State.RECEIVED)
    claimant_name = models.CharField(max_length=200, blank=True)
    claimant_contact = models.CharField(max_length=300, blank=True)
    claimant_account = models.UUIDField(null=True)
    respondent_account = models.UUIDField(null=True)
    """Of an image: whose request it was; works and styles are answered for by their owner's members."""
    opt_out = models.UUIDField(null=True)
    """The claim to a picture that opened it, which holds once one of its disputes is upheld."""
    secret_digest = models.CharField(max_length=64, blank=True)
    language = models.CharField(max_length=8, default="en")
    stopped = models.JSONField(default=list)
    """What could be used until the notice was found complete, and can be again: kind and id of each."""
    remedy = models.CharField(max_length=10, choices=_same(REMEDIES), blank=True)
    new_owner = models.UUIDField(null=True)
    due_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField()
    stands_since = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["subject_kind", "subject"], name="dispute_by_subject"),
            models.Index(fields=["-received_at", "id"], name="dispute_newest_first"),
            models.Index(fields=["opt_out"], condition=Q(opt_out__isnull=False), name="dispute_by_opt_out"),
            models.Index(fields=["due_at"], condition=Q(ended_at=None), name="dispute_waiting"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(ended_at=None) ^ Q(state__in=ENDED), name="a_dispute_ends_once"),
        ]


class DisputeEvent(models.Model):
    """One thing that a side or an auditor did or said; never changed, and its words go only by erasure."""

    class Side(models.TextChoices):
        CLAIMANT = "claimant"
        RESPONDENT = "respondent"
        AUDITOR = "auditor"
        COLOPHON = "colophon"

    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=16)
    side = models.CharField(max_length=10, choices=Side.choices)
    account_id = models.UUIDField(null=True)
    text = models.TextField(blank=True)
    evidence = models.JSONField(default=list)
    """Of each file: digest, media type, size in bytes as a decimal string, and name."""
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["dispute", "at", "id"], name="dispute_events_in_order")]
