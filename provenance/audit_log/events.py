"""What the log is told of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from provenance.audit_log.entry import Statement


@dataclass(frozen=True, kw_only=True)
class LogKeyAdopted(Statement):
    """The log signs with a key from its first checkpoint on."""

    key: str


@dataclass(frozen=True, kw_only=True)
class LogKeyRotated(Statement):
    """Another key signs from here on; the next checkpoint carries both signatures, and the old key is deleted."""

    old_key: str
    key: str


@dataclass(frozen=True, kw_only=True)
class SettingsChanged(Statement):
    """The installation started with other settings than the log knew; these are in force from here on."""

    settings: Mapping[str, str]
    changed: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class LogExported(Statement):
    """An auditor took a bundle of the whole log away."""

    size: int
    root: str
    openings: int
