"""What can go wrong with offers, grants and opt-outs."""

from __future__ import annotations

from provenance.errors import ProvenanceError


class LicensingError(ProvenanceError):
    """A fault with terms."""


class UnknownLicence(LicensingError):
    """No ready-made terms stand under this SPDX id."""

    code = "unknown-licence"
    en = "There are no ready-made terms for “{licence}”. Choose one of {known}."
    zh = "没有“{licence}”的现成条款。请从 {known} 中选择。"


class AlreadyRevoked(LicensingError):
    """The grant was revoked before."""

    code = "already-revoked"
    en = "This grant was already revoked."
    zh = "该授权已被撤销。"
