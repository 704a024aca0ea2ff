"""Accounts and their API tokens."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import datetime
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone

from provenance.actor import Actor

TOKEN_PREFIX = "colophon_"


class AccountManager(BaseUserManager["Account"]):
    """Makes accounts."""

    def create_user(self, name: str, password: str, **fields: Any) -> Account:
        """Return a new account with a hashed password."""
        account = self.model(name=name, **fields)
        account.set_password(password)
        account.save(using=self._db)
        return account


class Account(AbstractBaseUser):
    """A person's account; each role is held or not, and none contains another."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=150, unique=True)
    is_artist = models.BooleanField(default=True)
    is_auditor = models.BooleanField(default=False)
    is_operator = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(default=timezone.now)

    USERNAME_FIELD = "name"
    objects = AccountManager()

    def actor(self) -> Actor:
        """Return the account as the layers below know it."""
        held = {"artist": self.is_artist, "auditor": self.is_auditor, "operator": self.is_operator}
        return Actor(account_id=self.pk, roles=frozenset(role for role, has in held.items() if has))


class Token(models.Model):
    """A secret that a program sends in place of a password; only its SHA-256 is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)

    @staticmethod
    def digest_of(secret: str) -> str:
        """Return what is kept of a secret; 256 random bits need no slow hash."""
        return hashlib.sha256(secret.encode()).hexdigest()


def make_token(*, account: Account, name: str, expires_at: datetime | None = None) -> tuple[Token, str]:
    """Return a new token and its secret, which is shown this once."""
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = Token.objects.create(
        account=account, name=name, digest=Token.digest_of(secret), expires_at=expires_at
    )
    return token, secret


def account_with(secret: str) -> Account | None:
    """Return the active account that a token's secret belongs to."""
    token = (
        Token.objects.select_related("account")
        .filter(digest=Token.digest_of(secret), account__is_active=True)
        .exclude(expires_at__lte=timezone.now())
        .first()
    )
    return token.account if token else None
