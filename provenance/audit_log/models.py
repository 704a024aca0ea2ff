"""The log's four tables; only ``Opening`` may ever be erased."""

from __future__ import annotations

import uuid

from django.db import models


class Entry(models.Model):
    """One statement, as the public sees it; never changed, never removed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=64)
    at = models.DateTimeField()
    commitment = models.CharField(max_length=71)
    leaf_hash = models.CharField(max_length=71, unique=True)

    class Meta:
        indexes = [
            models.Index(fields=["-at", "id"], name="entry_newest_first"),
            models.Index(fields=["kind", "-at"], name="entry_by_kind"),
        ]


class Pending(models.Model):
    """An entry that the sequencer has not given its index yet."""

    entry = models.OneToOneField(Entry, primary_key=True, on_delete=models.PROTECT)


class Position(models.Model):
    """The index of an entry in the tree: dense, from zero, in commit order."""

    index = models.BigIntegerField(primary_key=True)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT)


class Opening(models.Model):
    """The salt and details that open an entry's commitment; erasable."""

    entry = models.OneToOneField(Entry, primary_key=True, on_delete=models.PROTECT, related_name="opening")
    salt = models.BinaryField(max_length=32)
    details = models.JSONField()

    class Meta:
        indexes = [
            models.Index(models.F("details__actor"), name="opening_by_actor"),
            models.Index(models.F("details__generation"), name="opening_by_generation"),
        ]
