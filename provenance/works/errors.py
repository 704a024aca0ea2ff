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


class SharesDoNotAddUp(WorksError):
    """The shares of a split are not 10,000 basis points together."""

    code = "shares-do-not-add-up"
    en = "The shares add up to {total} basis points; all together must be 10,000, and each at least 1."
    zh = "各份额合计为 {total} 个基点；总和必须为 10,000，且每份至少为 1。"


class UnknownParty(WorksError):
    """No such party is known."""

    code = "unknown-party"
    en = "There is no party {party}. GET /api/v1/parties lists those that you act for."
    zh = "没有编号为 {party} 的当事方。可通过 GET /api/v1/parties 查看您所代表的当事方。"


class SharesMissing(WorksError):
    """Somebody who owns a work behind a style has no share in it."""

    code = "shares-missing"
    en = "{parties} own works behind this style and have no share in it. Name a share for each owner."
    zh = "{parties} 拥有该风格所依据的作品，却没有份额。请为每位所有者指定份额。"


class NoSuchProposal(WorksError):
    """No split waits for this party's consent."""

    code = "no-such-proposal"
    en = "No split waits for your party's answer here. Read the splits again: they may have been decided."
    zh = "此处没有等待您这一方答复的分成方案。请重新查看：可能已有结果。"


class StyleNotReady(WorksError):
    """A style stands in the books and cannot be drawn with yet."""

    code = "style-not-ready"
    en = "The style {style} cannot be used yet: {reason_en}."
    zh = "风格 {style} 尚不能使用：{reason_zh}。"


class WrongState(WorksError):
    """A work or style is in a state in which this cannot be done."""

    code = "wrong-state"
    en = "“{name}” is {state}, so this cannot be done with it now."
    zh = "“{name}”当前状态为 {state}，暂不能进行此操作。"


class WorkNotListed(WorksError):
    """A carrier was trained on a work that the style does not list."""

    code = "work-not-listed"
    en = "The adapter was trained on works that “{style}” does not list. List them first; nothing was changed."
    zh = "该适配器使用了“{style}”未列出的作品训练。请先列出这些作品；未作任何更改。"


class StyleHasNoWorks(WorksError):
    """A style was to stand on nothing."""

    code = "style-has-no-works"
    en = "A style stands on listed works, and none is named. List at least one work first."
    zh = "风格必须依据已登记的作品，但没有指定任何作品。请先登记至少一件作品。"
