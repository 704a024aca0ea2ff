"""Models, requests and delivered images as they are recorded."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from generation.training_runs import TrainingRun as TrainingRun


class ImageModel(models.Model):
    """A checkpoint as it was registered: where it is, what its files hash to, its licence, what it can do.

    A row is never changed, and the database refuses it: registering other weights, or anything else
    that is recorded, under the same name makes a new row, and the one before is superseded.
    """

    class Training(models.TextChoices):
        KNOWN = "known"
        LICENSED_BY_STATEMENT = "licensed-by-statement"
        UNDISCLOSED = "undisclosed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(max_length=80)
    name = models.CharField(max_length=200)
    source = models.CharField(max_length=500)
    revision = models.CharField(max_length=80, blank=True)
    digest = models.CharField(max_length=71)
    weights = models.JSONField()
    licence = models.CharField(max_length=80)
    training = models.CharField(max_length=24, choices=Training.choices)
    training_statement = models.TextField(blank=True)
    pipeline_class = models.CharField(max_length=120)
    tasks = ArrayField(models.CharField(max_length=20))
    defaults = models.JSONField()
    sizes = models.JSONField()
    vocabulary = models.JSONField(default=dict)
    is_withdrawn = models.BooleanField(default=False)
    superseded_at = models.DateTimeField(null=True)
    named_at = models.DateTimeField()
    """When this name was first registered: newer weights keep their place in the list."""
    registered_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["slug"], condition=Q(superseded_at=None), name="one_current_model_a_name")
        ]
        indexes = [models.Index(fields=["digest"], name="model_by_digest")]


class Generation(models.Model):
    """A request for pictures, and its life."""

    class State(models.TextChoices):
        REQUESTED = "requested"
        QUEUED = "queued"
        RENDERING = "rendering"
        MARKING = "marking"
        DONE = "done"
        REFUSED = "refused"
        FAILED = "failed"
        CANCELLED = "cancelled"

    class Disclosure(models.TextChoices):
        PUBLIC = "public"
        COMMITTED = "committed"
        PRIVATE = "private"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner_id = models.UUIDField()
    owner_name = models.CharField(max_length=150, blank=True)
    state = models.CharField(max_length=10, choices=State.choices)
    priority = models.SmallIntegerField(default=0)
    model = models.ForeignKey(ImageModel, on_delete=models.PROTECT, related_name="generations")

    prompt = models.TextField(blank=True)
    expanded_prompt = models.TextField(blank=True)
    negative_prompt = models.TextField(blank=True)
    prompt_salt = models.BinaryField(max_length=32)
    prompt_commitment = models.CharField(max_length=71, blank=True)
    disclosure = models.CharField(max_length=9, choices=Disclosure.choices)
    task = models.CharField(max_length=16)
    seeds = ArrayField(models.DecimalField(max_digits=20, decimal_places=0))
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    steps = models.PositiveSmallIntegerField()
    guidance_scale = models.FloatField()
    scheduler = models.CharField(max_length=80, blank=True)
    strength = models.FloatField(null=True)
    references = models.JSONField(default=list)
    inputs = models.JSONField(default=list)
    purpose = models.CharField(max_length=40, blank=True)
    territory = models.CharField(max_length=2, blank=True)
    recipient = models.CharField(max_length=200, blank=True)
    media_type = models.CharField(max_length=40, default="image/png")
    """In what its pictures are delivered."""
    quality = models.PositiveSmallIntegerField(null=True)
    label = models.JSONField(null=True)
    """The visible label asked for or prescribed: position and language."""
    content_rating = models.CharField(max_length=10, blank=True)
    ceiling = models.JSONField(null=True)
    accepted_terms = models.JSONField(default=list)

    decision = models.JSONField()
    request_leaf = models.CharField(max_length=71, blank=True)
    fault = models.JSONField(null=True)
    notes = models.JSONField(default=list)
    environment = models.JSONField(null=True)
    settings = models.JSONField(null=True)

    attempt = models.PositiveSmallIntegerField(default=0)
    worker = models.CharField(max_length=120, blank=True)
    lease_expires = models.DateTimeField(null=True)
    lost_workers = models.PositiveSmallIntegerField(default=0)
    woken_at = models.DateTimeField(null=True)
    passed_over = models.PositiveSmallIntegerField(default=0)
    step = models.PositiveSmallIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    release_requested = models.BooleanField(default=False)

    requested_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)
    """When prompt and names were erased at the person's request: state and digests stay."""

    class Meta:
        indexes = [
            models.Index(
                fields=["priority", "owner_id", "requested_at"],
                condition=Q(state="queued"),
                name="generation_waiting",
            ),
            models.Index(
                fields=["lease_expires"],
                condition=Q(state__in=["rendering", "marking"]),
                name="generation_leased",
            ),
            models.Index(fields=["owner_id", "-requested_at", "id"], name="generation_of_owner"),
            models.Index(fields=["owner_id", "-claimed_at"], name="generation_last_turn"),
            models.Index(fields=["-requested_at", "id"], name="generation_newest_first"),
            models.Index(fields=["state", "-requested_at", "id"], name="generation_by_state"),
            models.Index(fields=["model", "-requested_at", "id"], name="generation_by_model"),
            models.Index(fields=["prompt_commitment"], name="generation_by_commitment"),
            GinIndex(fields=["references"], opclasses=["jsonb_path_ops"], name="generation_by_reference"),
            GinIndex(fields=["inputs"], opclasses=["jsonb_path_ops"], name="generation_by_input"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "requested",
                        "queued",
                        "rendering",
                        "marking",
                        "done",
                        "refused",
                        "failed",
                        "cancelled",
                    ]
                ),
                name="a_generation_has_a_known_state",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) ^ Q(state__in=["done", "refused", "failed", "cancelled"]),
                name="a_generation_ends_once",
            ),
        ]


class Output(models.Model):
    """One delivered image of a generation."""

    generation = models.ForeignKey(Generation, on_delete=models.PROTECT, related_name="outputs")
    index = models.PositiveSmallIntegerField()
    use_id = models.UUIDField(default=uuid.uuid4, unique=True)
    digest = models.CharField(max_length=71, unique=True)
    seed = models.DecimalField(max_digits=20, decimal_places=0)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    media_type = models.CharField(max_length=40)
    size_bytes = models.PositiveBigIntegerField()
    raw_pixels = models.CharField(max_length=71)
    delivered_pixels = models.CharField(max_length=71, db_index=True)
    manifest_id = models.CharField(max_length=80, unique=True)
    watermark = models.CharField(max_length=16, null=True, unique=True)
    """The 64-bit id hidden in its pixels, in hex; none where they carry none."""
    delivered_leaf = models.CharField(max_length=71, blank=True)
    delivered_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["generation", "index"], name="one_output_a_seed"),
        ]


class Rendition(models.Model):
    """A later form of a delivered image: another format, a label, an edit, or a timestamp that came late."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    output = models.ForeignKey(Output, on_delete=models.PROTECT, related_name="renditions")
    parent = models.CharField(max_length=71)
    """Digest of the file it was made from: the one first delivered, or another rendition."""
    reason = models.CharField(max_length=20)
    digest = models.CharField(max_length=71, unique=True)
    manifest_id = models.CharField(max_length=80, unique=True)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    media_type = models.CharField(max_length=40)
    size_bytes = models.PositiveBigIntegerField()
    delivered_pixels = models.CharField(max_length=71, db_index=True)
    leaf = models.CharField(max_length=71)
    made_by = models.UUIDField(null=True)
    """No account where Colophon itself added a timestamp."""
    made_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["output", "made_at"], name="rendition_of_output")]


class IdempotencyKey(models.Model):
    """Ties a caller's key to the one request it made."""

    owner_id = models.UUIDField()
    key = models.CharField(max_length=200)
    body_digest = models.CharField(max_length=71)
    generation = models.ForeignKey(Generation, on_delete=models.CASCADE)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner_id", "key"], name="one_request_a_key_and_owner")]


class Reconciliation(models.Model):
    """One comparison of rows, files, manifests and log: who asked, how far it is, and its signed result."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    asked_by = models.UUIDField(null=True)
    """No account where the operator asked on the command line."""
    state = models.CharField(max_length=8, choices=State.choices)
    stage = models.CharField(max_length=20, blank=True)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(default=0)
    counts = models.JSONField(default=dict)
    attempt = models.PositiveSmallIntegerField(default=0)
    beat_at = models.DateTimeField(null=True)
    differences = models.PositiveBigIntegerField(null=True)
    report_digest = models.CharField(max_length=71, blank=True)
    note = models.TextField(blank=True)
    fault = models.JSONField(null=True)
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["-asked_at", "id"], name="reconciliation_newest_first")]


class ReconciliationDifference(models.Model):
    """One thing that is not as it was recorded: where it is, what was recorded, and what was found."""

    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.CASCADE, related_name="found")
    kind = models.CharField(max_length=40)
    table = models.CharField(max_length=80)
    row = models.CharField(max_length=300)
    field = models.CharField(max_length=80, blank=True)
    recorded = models.CharField(max_length=300, blank=True)
    found = models.CharField(max_length=300, blank=True)
    entry = models.CharField(max_length=36, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reconciliation", "table", "row", "field"], name="one_difference_a_field"
            )
        ]


class Replay(models.Model):
    """One time that a delivered generation was drawn again, and how the pictures compare."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    generation = models.ForeignKey(Generation, on_delete=models.PROTECT, related_name="replays")
    asked_by = models.UUIDField()
    state = models.CharField(max_length=8, choices=State.choices)
    result = models.CharField(max_length=40, blank=True)
    comparison = models.JSONField(null=True)
    fault = models.JSONField(null=True)
    step = models.PositiveSmallIntegerField(default=0)
    attempt = models.PositiveIntegerField(default=0)
    lost_workers = models.PositiveSmallIntegerField(default=0)
    beat_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["asked_at"], condition=Q(state__in=["waiting", "running"]), name="replay_waiting"),
            models.Index(fields=["generation", "-asked_at"], name="replay_of_generation"),
        ]


class Reverification(models.Model):
    """One time that every stored credential was verified again, with which library and trust lists, and how it went."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    class Reason(models.TextChoices):
        ASKED = "asked"
        LIBRARY = "library-changed"
        TRUST = "trust-lists-changed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    asked_by = models.UUIDField(null=True)
    """No account where the operator asked on the command line, or an upgrade did."""
    reason = models.CharField(max_length=20, choices=Reason.choices)
    library_version = models.CharField(max_length=80)
    trust_version = models.CharField(max_length=71, blank=True)
    state = models.CharField(max_length=8, choices=State.choices)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(default=0)
    last = models.CharField(max_length=71, blank=True)
    """The image verified last; images come in the order of their digests, and another attempt goes on behind it."""
    changed = models.PositiveBigIntegerField(null=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    beat_at = models.DateTimeField(null=True)
    fault = models.JSONField(null=True)
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["-asked_at", "id"], name="reverification_newest_first")]


class VerdictChange(models.Model):
    """A stored credential that verifies otherwise than it did: before, now, and which checks tell why."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reverification = models.ForeignKey(Reverification, on_delete=models.PROTECT, related_name="changes")
    image_digest = models.CharField(max_length=71, db_index=True)
    manifest_id = models.CharField(max_length=80)
    before = models.JSONField()
    after = models.JSONField()
    """Each ``{state, library, trust, checks}``: the checks by code, with their results."""
    why = models.JSONField()
    found_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["reverification", "image_digest"], name="one_change_an_image_and_run")
        ]
