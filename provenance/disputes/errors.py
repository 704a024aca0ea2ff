"""What can go wrong with a notice and its dispute."""

from __future__ import annotations

from provenance.errors import ProvenanceError


class DisputesError(ProvenanceError):
    """A fault with a dispute."""


class UnknownDispute(DisputesError):
    """No such dispute stands, or the caller is no side of it."""

    code = "unknown-dispute"
    en = "There is no such dispute that you may read. Check its number and the secret that came with your notice."
    zh = "没有您可以查看的该争议。请核对编号以及提交通知时收到的密钥。"


class NothingToDispute(DisputesError):
    """The subject of a notice is not recorded here."""

    code = "nothing-to-dispute"
    en = "There is no {kind} {subject} here. Copy its number from its page, or its digest from the report."
    zh = "此处没有{kind_zh} {subject}。请从其页面复制编号，或从核验报告复制摘要。"


class NoticeIncomplete(DisputesError):
    """A notice lacks a statement that it must make."""

    code = "notice-incomplete"
    en = "{field}: {said_en}"
    zh = "{field}：{said_zh}"


class WrongStep(DisputesError):
    """The dispute is not in a state in which this can be done."""

    code = "wrong-step"
    en = "This dispute is {state}; that cannot be done now. {next_en}"
    zh = "该争议当前状态为 {state}，现在不能进行此操作。{next_zh}"


class Recused(DisputesError):
    """An auditor who has a part in a dispute may not decide it."""

    code = "recused"
    en = "You have a part in this dispute, or have stood back from it. Another auditor must act on it."
    zh = "您与该争议有利害关系，或已回避。须由其他审计者处理。"


class NoNewOwner(DisputesError):
    """Rights are to be reassigned, and nobody fit is named."""

    code = "no-new-owner"
    en = "Name the party that the rights go to: one that is recorded here, and not the owner now."
    zh = "请指明权利归属的一方：须为此处已登记、且不是现所有者的一方。"


class EvidenceUnfit(DisputesError):
    """A file sent as evidence is not of a kind that is kept."""

    code = "evidence-unfit"
    en = "{name} cannot be kept as evidence: {reason_en}. Send PNG, JPEG, WebP, PDF or plain text, up to 10 MB each."
    zh = "无法将 {name} 作为证据保存：{reason_zh}。请提交 PNG、JPEG、WebP、PDF 或纯文本，每个不超过 10 MB。"


class ImageDisputed(DisputesError):
    """A delivered image is to be listed as a work while a dispute over it stands, or after one was upheld."""

    code = "image-disputed"
    en = (
        "This picture was made here, and dispute {dispute} over it stands or was upheld. It cannot be listed as a work "
        "unless the dispute is dismissed or withdrawn. List another picture."
    )
    zh = (
        "此图片由本处生成，针对它的争议 {dispute} 尚未了结或已被支持。"
        "除非该争议被驳回或撤回，否则不能登记为作品。请登记其他图片。"
    )


class TooManyOpen(DisputesError):
    """One claimant has as many open notices against a subject as are taken."""

    code = "notice-already-open"
    en = "A notice of yours against this stands open already, as dispute {dispute}. Add to that one."
    zh = "您针对此内容的通知（争议 {dispute}）仍在处理中。请在其中补充。"
