"""Trainings of styles as they are recorded; ``models`` has them beside the other tables."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q


class TrainingRun(models.Model):
    """One training of a style's adapter: what was asked for, which works it stood on, how far it is, what it made."""

    class State(models.TextChoices):
        QUEUED = "queued"
        TRAINING = "training"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    style_id = models.UUIDField()
    asked_by = models.UUIDField(null=True)
    """No account where the operator asked on the command line."""
    model = models.ForeignKey("generation.ImageModel", on_delete=models.PROTECT, related_name="trainings")
    state = models.CharField(max_length=9, choices=State.choices)
    purpose = models.CharField(max_length=40, blank=True)
    recipe = models.JSONField()
    works = models.JSONField()
    """Of each work of the style: its digest, on what basis it was trained on, or why it was left out."""
    request_leaf = models.CharField(max_length=71, blank=True)

    attempt = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=120, blank=True)
    lease_expires = models.DateTimeField(null=True)
    lost_workers = models.PositiveSmallIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    release_requested = models.BooleanField(default=False)

    step = models.PositiveIntegerField(default=0)
    steps = models.PositiveIntegerField(default=0)
    seconds_left = models.PositiveIntegerField(null=True)
    is_paused = models.BooleanField(default=False)
    """Whether it stands aside for a render."""
    losses = models.JSONField(default=list)
    samples = models.JSONField(default=list)
    """Small JPEGs, base64, drawn as it learned: the step, and the pictures side by side."""
    checkpoint_digest = models.CharField(max_length=71, blank=True)

    adapter_digest = models.CharField(max_length=71, blank=True)
    manifest_id = models.CharField(max_length=80, blank=True)
    manifest_digest = models.CharField(max_length=71, blank=True)
    sheet_digest = models.CharField(max_length=71, blank=True)
    sheet_manifest_id = models.CharField(max_length=80, blank=True)
    outcome = models.JSONField(null=True)
    """Steps, seconds, settings and environment of a training that was done."""
    fault = models.JSONField(null=True)

    asked_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["asked_at"], condition=Q(state__in=["queued", "training"]), name="training_open"),
            models.Index(fields=["style_id", "-asked_at"], name="training_of_style"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["style_id"], condition=Q(state__in=["queued", "training"]), name="one_open_training_a_style"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) ^ Q(state__in=["done", "failed", "cancelled"]), name="a_training_ends_once"
            ),
        ]
