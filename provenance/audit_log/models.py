"""The log's tables; only ``Opening`` may ever be erased, and only ``Pending`` is emptied."""

from __future__ import annotations

import uuid

import pgtrigger
from django.db import models


class Refuse(pgtrigger.Trigger):
    """A trigger that refuses what would change a log after the fact."""

    when = pgtrigger.Before
    func = "RAISE EXCEPTION 'the audit log is append-only: % refuses %', TG_TABLE_NAME, TG_OP;"


def _refusals(*, update: bool = True, delete: bool = True, truncate: bool = True) -> list[pgtrigger.Trigger]:
    wanted = [
        (update, Refuse(name="refuse_update", operation=pgtrigger.Update)),
        (delete, Refuse(name="refuse_delete", operation=pgtrigger.Delete)),
        (
            truncate,
            Refuse(name="refuse_truncate", operation=pgtrigger.Truncate, level=pgtrigger.Statement),
        ),
    ]
    return [trigger for is_wanted, trigger in wanted if is_wanted]


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
        triggers = _refusals()


class Pending(models.Model):
    """An entry that the sequencer has not given its index yet."""

    entry = models.OneToOneField(Entry, primary_key=True, on_delete=models.PROTECT)

    class Meta:
        triggers = _refusals(delete=False, truncate=False)


class Position(models.Model):
    """The index of an entry in the tree: dense, from zero, in commit order."""

    index = models.BigIntegerField(primary_key=True)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT)

    class Meta:
        triggers = _refusals()


class Opening(models.Model):
    """The salt and details that open an entry's commitment; erasable."""

    entry = models.OneToOneField(Entry, primary_key=True, on_delete=models.PROTECT, related_name="opening")
    salt = models.BinaryField(max_length=32)
    details = models.JSONField()

    class Meta:
        indexes = [
            models.Index(models.F("details__actor"), name="opening_by_actor"),
            models.Index(models.F("details__generation"), name="opening_by_generation"),
            models.Index(
                models.F("details__image"), name="opening_by_image", condition=models.Q(details__has_key="image")
            ),
        ]
        triggers = _refusals(delete=False)


class LogKey(models.Model):
    """The public half of a key that signs checkpoints, in the order of their adoption; the last one signs."""

    vkey = models.CharField(max_length=400, unique=True)
    adopted_at = models.DateTimeField()

    class Meta:
        triggers = _refusals()


class Checkpoint(models.Model):
    """A tree head that was signed: stored here before anybody sees it."""

    size = models.BigIntegerField(primary_key=True)
    root = models.CharField(max_length=71)
    origin = models.CharField(max_length=200)
    note = models.TextField()
    signed_at = models.DateTimeField()

    class Meta:
        triggers = _refusals()


class Cosignature(models.Model):
    """What a witness signed under one of our checkpoints."""

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="cosignatures")
    witness = models.CharField(max_length=400)
    line = models.CharField(max_length=600)
    received_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["checkpoint", "witness"], name="one_cosignature_a_witness")]
        triggers = _refusals()


class WitnessedLog(models.Model):
    """Another log that we witness: the newest of its checkpoints that we cosigned."""

    origin = models.CharField(max_length=200, primary_key=True)
    size = models.BigIntegerField()
    root = models.CharField(max_length=71)
    note = models.TextField()
    cosigned_at = models.DateTimeField()
