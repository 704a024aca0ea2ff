"""What can go wrong with works and styles."""

from __future__ import annotations

from provenance.errors import ProvenanceError


class WorksError(ProvenanceError):
    """A fault with a party, work or style."""


class WorkAlreadyListed(WorksError):
    """The same picture is listed already."""

    code = "work-already-listed"
    en = "This picture is already listed{as_en}. If it is yours, open a dispute on that work."
    zh = "该图片已登记{as_zh}。若它是您的作品，请对该作品提出争议。"


def already_listed(title: str = "") -> WorkAlreadyListed:
    """Return the fault for a picture that stands already, naming the work only where its title is given."""
    as_en, as_zh = (f" as “{title}”", f"为“{title}”") if title else ("", "")
    return WorkAlreadyListed(as_en=as_en, as_zh=as_zh)


class NotTheOwner(WorksError):
    """The actor does not act for the party that owns this."""

    code = "not-the-owner"
    en = "Only a member of the owning party may do this."
    zh = "只有所有者一方的成员可以进行此操作。"


class UnknownStyle(WorksError):
    """No such style is registered."""

    code = "unknown-style"
    en = "There is no style “{style}”. GET /api/v1/styles lists those that stand."
    zh = "没有名为“{style}”的风格。可通过 GET /api/v1/styles 查看现有风格。"


class UnknownWork(WorksError):
    """No such work is listed, or the actor may not see it."""

    code = "unknown-work"
    en = "There is no work {work} that you may use."
    zh = "没有您可以使用的作品 {work}。"
