"""Offers, grants and opt-outs as they are recorded."""

from __future__ import annotations

import uuid

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL

from provenance.works.models import Party, Work

SUBJECT_KINDS = [("style", "style"), ("work", "work"), ("party", "party")]
"""A party stands for all the works that it lists; a style is offered by itself."""


class Refuse(pgtrigger.Trigger):
    """A trigger that refuses to change what was agreed on: what happens later is an event of its own."""

    when = pgtrigger.Before
    func = "RAISE EXCEPTION 'what was agreed on stays as it is: % refuses %', TG_TABLE_NAME, TG_OP;"


def _refusals() -> list[pgtrigger.Trigger]:
    return [
        Refuse(name="refuse_update", operation=pgtrigger.Update),
        Refuse(name="refuse_delete", operation=pgtrigger.Delete),
    ]


class Offer(models.Model):
    """Terms on which a party lets its style or work be used; publishing again makes another row, the next version."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="offers")
    subject_kind = models.CharField(max_length=8, choices=SUBJECT_KINDS)
    subject_id = models.UUIDField()
    licence = models.CharField(max_length=80)
    is_open = models.BooleanField()
    terms = models.JSONField()
    terms_digest = models.CharField(max_length=71)
    version = models.PositiveIntegerField(default=1)
    replaces = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="replaced_by")
    """The version before."""
    published_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    superseded_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["subject_kind", "subject_id"], name="offer_by_subject"),
            models.Index(fields=["-published_at", "id"], name="offer_newest_first"),
        ]
        triggers = [
            Refuse(
                name="refuse_other_terms",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "party",
                    "subject_kind",
                    "subject_id",
                    "licence",
                    "is_open",
                    "terms",
                    "terms_digest",
                    "version",
                    "replaces",
                    "published_at",
                ),
            ),
        ]


class Grant(models.Model):
    """An immutable snapshot of an offer's terms, given to one licensee."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="grants")
    licensee_id = models.UUIDField(db_index=True)
    terms = models.JSONField()
    terms_digest = models.CharField(max_length=71)
    price = models.JSONField(null=True)
    """What it costs and to whom that goes, as a decision's price line."""
    needs_approval = models.BooleanField(default=False)
    is_exclusive = models.BooleanField(default=False)
    granted_at = models.DateTimeField()
    """When it was given, or asked for where the rightsholder approves it."""

    class Meta:
        indexes = [models.Index(fields=["-granted_at", "id"], name="grant_newest_first")]
        triggers = _refusals()


class GrantEvent(models.Model):
    """What happened to a grant after it was given or asked for."""

    class Kind(models.TextChoices):
        APPROVED = "approved"
        DECLINED = "declined"
        REVOKED = "revoked"

    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["grant", "kind"], name="a_grant_has_each_event_once")]
        triggers = _refusals()


class Notification(models.Model):
    """Something that an account should know of what it offers or was granted; what it tells has its own entry."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account_id = models.UUIDField()
    kind = models.CharField(max_length=24)
    subject = models.CharField(max_length=120)
    """What it is called that the notification is about."""
    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="+")
    grant = models.ForeignKey(Grant, on_delete=models.CASCADE, null=True, related_name="+")
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["account_id", "-at", "id"], name="notification_of_account")]


class OptOut(models.Model):
    """A party's no, which wins over every offer from the moment it was recorded.

    One that an unverified party says to the picture of a verified one, or to one whose uses were prepaid, is a
    claim: it waits for review, and until it is upheld it stops nothing.
    """

    class State(models.TextChoices):
        ACTIVE = "active"
        AWAITING_REVIEW = "awaiting-review"
        DISMISSED = "dismissed"
        WITHDRAWN = "withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="opt_outs")
    subject_kind = models.CharField(max_length=8, choices=[*SUBJECT_KINDS, ("picture", "picture")])
    subject_id = models.UUIDField()
    """Of a picture that is not listed: the opt-out's own id."""
    digest = models.CharField(max_length=71, blank=True)
    """Of the file, where the no is to one picture."""
    source = models.CharField(max_length=200)
    evidence = models.TextField(blank=True)
    state = models.CharField(max_length=16, choices=State.choices, default=State.ACTIVE)
    recorded_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["subject_kind", "subject_id"], name="opt_out_by_subject"),
            models.Index(fields=["-recorded_at", "id"], name="opt_out_newest_first"),
            models.Index(fields=["digest"], condition=~Q(digest=""), name="opt_out_by_digest"),
        ]


class OptOutMatch(models.Model):
    """A listed work that an opted-out picture is the same as, or a changed copy of: the no is to the work too."""

    opt_out = models.ForeignKey(OptOut, on_delete=models.PROTECT, related_name="matches")
    work = models.ForeignKey(Work, on_delete=models.PROTECT, related_name="+")
    distance = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["opt_out", "work"], name="one_match_an_opt_out_and_work")]


class Use(models.Model):
    """Uses of one right that one request reserved: what was reserved is settled or released, one image at a time.

    The request is named only by its id, which says nothing to this layer.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    generation = models.UUIDField()
    licensee_id = models.UUIDField()
    basis = models.CharField(max_length=16)
    right_id = models.UUIDField()
    subject_kind = models.CharField(max_length=8)
    subject_id = models.UUIDField()
    terms_digest = models.CharField(max_length=71)
    price = models.JSONField(null=True)
    """The decision's price line: amount, currency, per, splits; null for uses that are only counted."""
    is_counted = models.BooleanField()
    """Whether it counts against the uses that a grant is for."""
    reserved = models.PositiveIntegerField()
    settled = models.PositiveIntegerField(default=0)
    released = models.PositiveIntegerField(default=0)
    reserved_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["generation"], name="use_by_generation"),
            models.Index(fields=["right_id"], condition=Q(is_counted=True), name="use_counted_by_right"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(reserved__gt=0, reserved__gte=models.F("settled") + models.F("released")),
                name="no_more_uses_than_reserved",
            ),
        ]


class LedgerTransaction(models.Model):
    """One movement of money between accounts: its postings add up to nothing in every currency."""

    class Kind(models.TextChoices):
        ROYALTY = "royalty"
        FLAT = "flat"
        HOLD = "hold"
        FREE = "free"
        DUE = "due"
        REVERSAL = "reversal"
        PAYOUT = "payout"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    at = models.DateTimeField()
    leaf = models.CharField(max_length=71)
    reason = models.CharField(max_length=200, blank=True)
    use = models.ForeignKey(Use, null=True, on_delete=models.PROTECT, related_name="transactions")
    generation = models.UUIDField(null=True)
    image = models.CharField(max_length=71, blank=True)
    right_id = models.UUIDField(null=True)
    subject_kind = models.CharField(max_length=8, blank=True)
    subject_id = models.UUIDField(null=True)
    terms_digest = models.CharField(max_length=71, blank=True)
    licensee_id = models.UUIDField(null=True)
    price = models.JSONField(null=True)
    """The price line of the whole image or prepayment, of which the lines are the parts."""
    replaces = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="replaced_by")
    made_in = models.BigIntegerField(db_default=RawSQL("pg_current_xact_id()::text::bigint", ()))
    """The database transaction that made it, which alone may post to it."""

    class Meta:
        indexes = [
            models.Index(fields=["generation"], condition=Q(generation__isnull=False), name="ledger_by_generation"),
            models.Index(fields=["subject_id"], condition=Q(subject_id__isnull=False), name="ledger_by_subject"),
            models.Index(fields=["right_id"], condition=Q(right_id__isnull=False), name="ledger_by_right"),
            models.Index(fields=["image"], condition=Q(image__gt=""), name="ledger_by_image"),
        ]


class RoyaltyLine(models.Model):
    """What one party earned by one image or prepayment; where it stands now is the sum of its postings."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    transaction = models.ForeignKey(LedgerTransaction, on_delete=models.PROTECT, related_name="lines")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="royalty_lines")
    number = models.PositiveBigIntegerField()
    """The party's lines are numbered from one without a gap, so that one that is kept back is missed."""
    basis_points = models.PositiveIntegerField()
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["party", "number"], name="one_line_a_number"),
            models.UniqueConstraint(fields=["transaction", "party"], name="one_line_a_party_and_transaction"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="a_line_is_of_something"),
        ]


class Posting(models.Model):
    """One side of a movement: a debit is positive, a credit negative."""

    class Account(models.TextChoices):
        OWED = "owed"
        ACCRUED = "accrued"
        HELD = "held"
        PAYABLE = "payable"
        PAID = "paid"
        REPAYABLE = "repayable"

    transaction = models.ForeignKey(LedgerTransaction, on_delete=models.PROTECT, related_name="postings")
    account = models.CharField(max_length=9, choices=Account.choices)
    holder = models.UUIDField()
    """A party; for what is owed, the account of the licensee who owes it."""
    line = models.ForeignKey(RoyaltyLine, null=True, on_delete=models.PROTECT, related_name="postings")
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)

    class Meta:
        indexes = [models.Index(fields=["holder", "account"], name="posting_by_holder")]


class Hold(models.Model):
    """A reason why what a work, style or image earns waits."""

    subject_kind = models.CharField(max_length=8)
    subject = models.CharField(max_length=71)
    reason = models.CharField(max_length=200)
    placed_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject_kind", "subject", "reason"], condition=Q(lifted_at=None), name="one_hold_a_reason"
            )
        ]


class PayeeCount(models.Model):
    """How many lines a party has: whoever adds one holds this row."""

    party = models.OneToOneField(Party, primary_key=True, on_delete=models.PROTECT)
    last = models.PositiveBigIntegerField()


class InheritedTerms(models.Model):
    """The terms that travelled to a delivered image from what it was made with, or to a copy of one that was listed.

    Without a row, none did; what came by likeness alone may be lifted by an auditor.
    """

    class CameBy(models.TextChoices):
        MAKING = "making"
        PIXELS = "pixels"
        """The listed file has another image's very pixels."""
        LIKENESS = "likeness"
        """The listed picture may be a copy of one: their fingerprints are near."""

    image = models.CharField(max_length=71, unique=True)
    """Digest of the file that they bind: a delivered image's, or a listed work's."""
    terms = models.JSONField()
    terms_digest = models.CharField(max_length=71)
    inherited_at = models.DateTimeField()
    came_by = models.CharField(max_length=8, choices=CameBy.choices, default=CameBy.MAKING)
    sources = models.JSONField(default=list)
    """Digests of the pictures that a listed copy has them from."""
    lifted_at = models.DateTimeField(null=True)
