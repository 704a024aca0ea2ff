"""Content credentials as they were signed, and as they verified then."""

from __future__ import annotations

import uuid

from django.db import models


class Credential(models.Model):
    """The manifest of one delivered file, kept so that a stripped copy can get it back."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    image_digest = models.CharField(max_length=71, unique=True)
    manifest_id = models.CharField(max_length=80, unique=True)
    store_digest = models.CharField(max_length=71)
    verdict = models.JSONField()
    library_version = models.CharField(max_length=80)
    key_id = models.CharField(max_length=71)
    signed_at = models.DateTimeField()
    stamp_due_at = models.DateTimeField(null=True)
    """Since when the signature waits for a timestamp; null once it has one, or where it can have none."""
    erased_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["stamp_due_at"], condition=models.Q(stamp_due_at__isnull=False), name="stamp_due")
        ]


class WorkCredential(models.Model):
    """The manifest beside a listed work's file: what was stated of the work then, and by which key.

    A work whose credit or licence changed gets another one; what earlier ones stand in keeps them.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    work_id = models.UUIDField()
    party_id = models.UUIDField()
    """The owner then."""
    file_digest = models.CharField(max_length=71)
    statement = models.CharField(max_length=71)
    """Digest of what is stated."""
    manifest_id = models.CharField(max_length=80, unique=True)
    store_digest = models.CharField(max_length=71)
    library_version = models.CharField(max_length=80)
    key_id = models.CharField(max_length=71)
    signed_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["work_id", "-signed_at"], name="credential_of_work")]


class WatermarkReading(models.Model):
    """A picture whose watermark a process with torch is to read: what was found, and for a day where to ask."""

    class State(models.TextChoices):
        WAITING = "waiting"
        DONE = "done"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    picture = models.BinaryField()
    """A PNG, made small; empty once it was read."""
    state = models.CharField(max_length=8, choices=State.choices)
    found = models.CharField(max_length=16, blank=True)
    mended_bits = models.PositiveSmallIntegerField(default=0)
    code_bits = models.PositiveSmallIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    """Counted before each, so that a picture which ends the process is not tried for ever."""
    file_alone = models.JSONField(default=dict)
    """What the verdict says without any record: of this and of what is found the later verdict is made."""
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["asked_at"], condition=models.Q(state="waiting"), name="watermark_waiting"),
        ]


class RevokedKey(models.Model):
    """A signing key that is not to be relied on from a moment on, as an operator recorded it."""

    key_id = models.CharField(max_length=71, unique=True)
    since = models.DateTimeField()
    reason = models.CharField(max_length=500)
    revoked_by = models.UUIDField(null=True)
    """No account where the operator did so on the command line."""
    revoked_at = models.DateTimeField()
