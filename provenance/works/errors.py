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


class GuardianNeeded(WorksError):
    """A minor's rights are given away by the guardian alone."""

    code = "guardian-needed"
    en = "{party} is a minor: only a member of the guardian's party may do this. An auditor records the guardian."
    zh = "{party} 是未成年人：只有其监护人一方的成员可以进行此操作。监护人由审计员登记。"


class CapacityEnded(WorksError):
    """The capacity in which a party held rights is over."""

    code = "capacity-ended"
    en = "{party} acted as {capacity} until {date}. Declare the capacity anew, with evidence, before going on."
    zh = "{party} 以 {capacity} 身份行事的期限已于 {date} 届满。请先重新声明身份并提供证据。"


class AuditorConcerned(WorksError):
    """An auditor may not decide on what concerns a party that they act for."""

    code = "auditor-concerned"
    en = "You act for a party that this decision concerns. Another auditor must take it; nothing was changed."
    zh = "您所代表的当事方与此决定有关。须由其他审计员作出决定；未作任何更改。"


class NotVerified(WorksError):
    """Money goes only to a party whose identity an auditor has verified."""

    code = "party-not-verified"
    en = "{party} has no verified identity, so nothing can be paid to it yet. Ask an auditor to verify it."
    zh = "{party} 的身份尚未核实，暂不能向其付款。请联系审计员核实。"


class AlreadyMember(WorksError):
    """The account belongs to the party or was invited already."""

    code = "already-member"
    en = "This account acts for the party already, or has been invited."
    zh = "该账户已代表这一方，或已收到邀请。"


class NotInvited(WorksError):
    """There is no such membership or invitation."""

    code = "not-invited"
    en = "There is no such invitation or membership. GET the party to see who acts for it."
    zh = "没有这样的邀请或成员。请查看该当事方以了解其成员。"


class LastMember(WorksError):
    """Nobody would be left to act for the party."""

    code = "last-member"
    en = "Nobody else acts for this party. Invite somebody else first."
    zh = "没有其他人代表这一方。请先邀请他人。"


class UnknownFlag(WorksError):
    """No such flag was raised."""

    code = "unknown-flag"
    en = "There is no flag {flag}. GET /api/v1/audit/flags lists those that wait."
    zh = "没有编号为 {flag} 的标记。可通过 GET /api/v1/audit/flags 查看待处理的标记。"


class FlagDecided(WorksError):
    """An auditor has decided on this flag before."""

    code = "flag-decided"
    en = "This flag was {decision} already; a decision stands."
    zh = "该标记已有结论（{decision}），结论不再更改。"


class SharesNamedTwice(WorksError):
    """A split names one party more than once."""

    code = "shares-named-twice"
    en = "A party is named twice. Name each party once, with its whole share."
    zh = "同一当事方出现两次。每一方只写一次，并写明其全部份额。"


class SlugTaken(WorksError):
    """Another style stands under this name in addresses."""

    code = "slug-taken"
    en = "There is a style “{slug}” already. Choose another name for the address."
    zh = "已有名为“{slug}”的风格。请为地址另选名称。"


class CarrierNotSupported(WorksError):
    """Nothing here can draw from reference pictures as such."""

    code = "carrier-not-supported"
    en = (
        "No model here can take reference pictures as what carries a style, so such a style could never be drawn. "
        "Train an adapter on the works, or let each work go in as the picture that a request starts from."
    )
    zh = (
        "此处没有模型能以参考图片承载风格，这样的风格无法生成图片。"
        "请用这些作品训练适配器，或将单件作品作为请求的起始图片。"
    )


class ImportUnreadable(WorksError):
    """A table or archive of works cannot be read."""

    code = "import-unreadable"
    en = "This import cannot be read: {reason}. Send a zip of pictures with a works.csv of file, title and more in it."
    zh = "无法读取该导入：{reason}。请提供包含图片及 works.csv（列 file、title 等）的 zip 压缩包。"
