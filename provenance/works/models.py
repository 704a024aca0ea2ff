"""Parties, works and styles as they are recorded."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q


class Party(models.Model):
    """A person or organisation that owns works, licenses them, or makes a model."""

    class Kind(models.TextChoices):
        PERSON = "person"
        ORGANISATION = "organisation"

    class Capacity(models.TextChoices):
        SELF = "self"
        ASSIGNEE = "assignee"
        AGENT = "agent"
        GUARDIAN = "guardian"
        ESTATE = "estate"
        COLLECTIVE = "collective"

    class Claim(models.TextChoices):
        SELF_DECLARED = "self-declared"
        EVIDENCE_REVIEWED = "evidence-reviewed"
        IDENTITY_VERIFIED = "identity-verified"

    class Origin(models.TextChoices):
        JOINED = "joined"
        PUBLIC_LICENCE = "public-licence"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    capacity = models.CharField(max_length=16, choices=Capacity.choices, default=Capacity.SELF)
    claim = models.CharField(max_length=20, choices=Claim.choices, default=Claim.SELF_DECLARED)
    origin = models.CharField(max_length=20, choices=Origin.choices, default=Origin.JOINED)
    url = models.URLField(blank=True)
    recorded_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=Q(origin="public-licence"), name="one_public_licence_party_a_name"
            )
        ]


class PartyMember(models.Model):
    """Gives an account the powers of a party."""

    party = models.ForeignKey(Party, on_delete=models.CASCADE, related_name="members")
    account_id = models.UUIDField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["party", "account_id"], name="one_membership_a_party")]


class Work(models.Model):
    """One listed picture, its owner, and what is known of its rights."""

    class State(models.TextChoices):
        ACTIVE = "active"
        WITHDRAWN = "withdrawn"
        DISPUTED = "disputed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    title = models.CharField(max_length=300)
    title_zh = models.CharField(max_length=300, blank=True)
    owner = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="works")
    author_credit = models.CharField(max_length=200, blank=True)
    digest = models.CharField(max_length=71)
    pixel_digest = models.CharField(max_length=71, blank=True, db_index=True)
    preview_digest = models.CharField(max_length=71, blank=True)
    media_type = models.CharField(max_length=40)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    licence = models.CharField(max_length=80, blank=True)
    rights_evidence = models.TextField(blank=True)
    source_url = models.URLField(max_length=500, blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.ACTIVE)
    registered_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "digest"], name="one_work_a_file_and_owner")]
        indexes = [
            models.Index(fields=["digest"], name="work_by_digest"),
            models.Index(fields=["-registered_at", "id"], name="work_newest_first"),
        ]


class Style(models.Model):
    """A named style tied to listed works and to the carrier that brings it into a picture.

    A style is left behind when the model that carried it was replaced by one that does not know it:
    its terms stand, and it cannot be asked for until a model carries it again.
    """

    class Carrier(models.TextChoices):
        PROMPT_TOKEN = "prompt-token"
        ADAPTER = "adapter"

    class State(models.TextChoices):
        ACTIVE = "active"
        WITHDRAWN = "withdrawn"
        LEFT_BEHIND = "left-behind"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    name_zh = models.CharField(max_length=120, blank=True)
    owner = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="styles")
    works = models.ManyToManyField(Work, related_name="styles")
    carrier = models.CharField(max_length=16, choices=Carrier.choices)
    model_digest = models.CharField(max_length=71)
    token = models.CharField(max_length=80, blank=True)
    adapter_digest = models.CharField(max_length=71, blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.ACTIVE)
    registered_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(carrier="prompt-token", token__gt="", adapter_digest="")
                | Q(carrier="adapter", adapter_digest__gt=""),
                name="a_style_has_its_carrier",
            )
        ]
