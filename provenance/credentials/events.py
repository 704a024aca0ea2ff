"""What the log is told of credentials and the keys behind them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from provenance.audit_log.entry import Statement


@dataclass(frozen=True, kw_only=True)
class CredentialSigned(Statement):
    """An image was signed; this is its manifest store and how it verified then."""

    image: str
    manifest: str
    store: str
    key: str
    state: str
    library: str


@dataclass(frozen=True, kw_only=True)
class WorkSigned(Statement):
    """What Colophon states of a listed work was signed, in a manifest beside the work's file."""

    work: UUID
    party: UUID
    file: str
    manifest: str
    store: str
    statement: str
    key: str
    library: str


@dataclass(frozen=True, kw_only=True)
class SigningKeyRevoked(Statement):
    """An operator revoked a signing key: what it signs from this moment on is not to be relied on."""

    key: str
    since: datetime
    reason: str
