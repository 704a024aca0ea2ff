"""Parties, works and styles as they are recorded."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q


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
    capacity_evidence = models.TextField(blank=True)
    capacity_until = models.DateTimeField(null=True)
    is_minor = models.BooleanField(default=False)
    guardian = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="wards")
    claim = models.CharField(max_length=20, choices=Claim.choices, default=Claim.SELF_DECLARED)
    origin = models.CharField(max_length=20, choices=Origin.choices, default=Origin.JOINED)
    url = models.URLField(blank=True)
    recorded_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=Q(origin="public-licence"), name="one_public_licence_party_a_name"
            ),
            models.CheckConstraint(condition=~Q(guardian=F("id")), name="nobody_is_their_own_guardian"),
        ]


class PartyMember(models.Model):
    """Gives an account the powers of a party, once the account has taken up its invitation."""

    party = models.ForeignKey(Party, on_delete=models.CASCADE, related_name="members")
    account_id = models.UUIDField(db_index=True)
    is_invited = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["party", "account_id"], name="one_membership_a_party")]


class Work(models.Model):
    """One listed picture, its owner, and what is known of its rights.

    It is flagged while an auditor has to see whether it is somebody else's picture, and rejected where it is:
    neither can be used.
    """

    class State(models.TextChoices):
        ACTIVE = "active"
        WITHDRAWN = "withdrawn"
        DISPUTED = "disputed"
        FLAGGED = "flagged"
        REJECTED = "rejected"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    title = models.CharField(max_length=300)
    title_zh = models.CharField(max_length=300, blank=True)
    owner = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="works")
    author_credit = models.CharField(max_length=200, blank=True)
    authors = models.JSONField(default=list)
    """The credit name of each author, null for one who stays anonymous; empty where only a credit line is known."""
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
    its terms stand, and it cannot be asked for until a model carries it again. Its works are those that its
    carrier was trained on, or will be trained on while it is untrained. It is proposed until everybody who
    has a share in it has consented.
    """

    class Carrier(models.TextChoices):
        PROMPT_TOKEN = "prompt-token"
        ADAPTER = "adapter"
        NONE = "none"

    class State(models.TextChoices):
        PROPOSED = "proposed"
        UNTRAINED = "untrained"
        ACTIVE = "active"
        WITHDRAWN = "withdrawn"
        LEFT_BEHIND = "left-behind"
        DISPUTED = "disputed"
        REJECTED = "rejected"

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
                | Q(carrier="adapter", adapter_digest__gt="")
                | (Q(carrier="none", token="", adapter_digest="") & ~Q(state="active")),
                name="a_style_has_its_carrier",
            )
        ]


class SplitAgreement(models.Model):
    """Who shares in what a style or work earns, and who offers it; in force once every party in it has consented."""

    class OfferedBy(models.TextChoices):
        TOGETHER = "together"
        """Nobody offers it who does not act for everybody with a share."""
        OWNER = "owner"
        """The owner offers it for all."""

    class State(models.TextChoices):
        PROPOSED = "proposed"
        ACTIVE = "active"
        REFUSED = "refused"
        REPLACED = "replaced"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subject_kind = models.CharField(max_length=8, choices=[("style", "style"), ("work", "work")])
    subject_id = models.UUIDField()
    proposed_by = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="split_proposals")
    offered_by = models.CharField(max_length=8, choices=OfferedBy.choices, default=OfferedBy.TOGETHER)
    state = models.CharField(max_length=12, choices=State.choices, default=State.PROPOSED)
    proposed_at = models.DateTimeField()
    active_from = models.DateTimeField(null=True)
    active_until = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["subject_kind", "subject_id"], name="splits_by_subject")]
        constraints = [
            models.UniqueConstraint(
                fields=["subject_kind", "subject_id", "state"],
                condition=Q(state__in=["proposed", "active"]),
                name="one_split_in_force_and_one_proposed",
            )
        ]


class Share(models.Model):
    """One party's part of a split, in basis points, and whether it consented; none for one that would lose its own."""

    agreement = models.ForeignKey(SplitAgreement, on_delete=models.PROTECT, related_name="shares")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="shares")
    basis_points = models.PositiveIntegerField()
    consented_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agreement", "party"], name="one_share_a_party"),
            models.CheckConstraint(
                condition=Q(basis_points__gte=0, basis_points__lte=10_000), name="a_share_is_at_most_10000"
            ),
        ]


class Flag(models.Model):
    """A listed work that looks like somebody else's, for an auditor to clear or reject."""

    class Decision(models.TextChoices):
        CLEARED = "cleared"
        REJECTED = "rejected"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    work = models.ForeignKey(Work, on_delete=models.PROTECT, related_name="flags")
    against_kind = models.CharField(max_length=8)
    """"work", "opt-out" for a picture that was opted out without being listed, or "image" for one delivered here."""
    against_id = models.UUIDField()
    distance = models.PositiveSmallIntegerField()
    """Bits of 256 in which the nearest fingerprints differ."""
    raised_at = models.DateTimeField()
    decision = models.CharField(max_length=8, choices=Decision.choices, blank=True)
    decided_by = models.UUIDField(null=True)
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["work", "against_kind", "against_id"], name="one_flag_a_pair")
        ]
        indexes = [models.Index(fields=["-raised_at", "id"], name="flag_newest_first")]
