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
    erased_at = models.DateTimeField(null=True)
