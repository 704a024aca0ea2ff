"""Who acts: an account and its roles, or Colophon itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from provenance.errors import ProvenanceError

Role = Literal["artist", "auditor", "operator"]


class NotPermitted(ProvenanceError):
    """The actor lacks the role that this takes."""

    code = "not-permitted"
    en = "This needs the role {role}, which your account does not have. Ask the operator for it."
    zh = "此操作需要角色 {role}，您的账户没有该角色。请向运营者申请。"


@dataclass(frozen=True)
class Actor:
    """An account with its roles; no account stands for Colophon's own processes."""

    account_id: UUID | None
    roles: frozenset[str] = frozenset()

    def has(self, role: Role) -> bool:
        """Say whether the actor holds a role."""
        return role in self.roles

    def require(self, role: Role) -> None:
        """Raise NotPermitted unless the actor holds a role."""
        if role not in self.roles:
            raise NotPermitted(role=role)

    def as_json(self) -> str | None:
        """Return the account's id as text; None for Colophon itself."""
        return str(self.account_id) if self.account_id else None


COLOPHON = Actor(account_id=None)
"""Colophon's own processes: reaper, sweeper, first start."""
