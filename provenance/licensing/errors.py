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


class WorkNotUsable(LicensingError):
    """A listed work may not stand behind a style of this actor."""

    code = "work-not-usable"
    en = "{work} may not stand behind this style: {reason_en}. Leave it out, or ask its owner."
    zh = "{work} 不能作为该风格的依据：{reason_zh}。请不要列入，或与其所有者联系。"


class TermsTooWide(LicensingError):
    """An offer of a style would allow more than the works behind it do."""

    code = "terms-too-wide"
    en = (
        "{licence} allows more or asks less than the terms of {work}, on which this style stands. Choose narrower ones."
    )
    zh = "{licence} 允许的多于、或要求的少于该风格所依据作品 {work} 的条款。请选择更严格的条款。"
