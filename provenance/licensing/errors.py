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


class TermsInvalid(LicensingError):
    """A field of an offer says what no terms can; ``field`` names it."""

    code = "terms-invalid"
    en = "{field}: {said_en}"
    zh = "{field}：{said_zh}"


class UnknownOffer(LicensingError):
    """No such offer of the caller's, or none that stands."""

    code = "unknown-offer"
    en = "There is no offer “{offer}” here. Check its id, or look through the offers that stand."
    zh = "此处没有要约“{offer}”。请检查其编号，或查看现有要约。"


class OfferNotStanding(LicensingError):
    """The offer was withdrawn, replaced or paused."""

    code = "offer-not-standing"
    en = "This offer was {state_en}. {next_en}"
    zh = "该要约已{state_zh}。{next_zh}"


class SubjectNotUsable(LicensingError):
    """What an offer is of can be used by nobody now, so no grant of it is given or paid for."""

    code = "subject-not-usable"
    en = (
        "What is offered here cannot be used now: it is not active (withdrawn, in dispute, not ready), or a"
        " rightsholder said no. Look for another offer, or try again when that has changed."
    )
    zh = (
        "此要约的对象目前无法使用：它未处于可用状态（已撤回、存在争议或尚未就绪），或权利人已表示拒绝。"
        "请另选要约，或待情况变化后再试。"
    )


class UnknownGrant(LicensingError):
    """No such grant that the caller may see."""

    code = "unknown-grant"
    en = "There is no grant “{grant}” of yours. Check its id, or look through your grants."
    zh = "您没有编号为“{grant}”的授权。请检查编号，或查看您的授权。"


class ExclusiveElsewhere(LicensingError):
    """Somebody else holds the same exclusively."""

    code = "exclusive-elsewhere"
    en = "Somebody holds an exclusive grant that overlaps these terms. Choose other territories, dates or purposes."
    zh = "已有人持有与这些条款重叠的独家授权。请选择其他地域、时间或目的。"


class GrantedElsewhere(LicensingError):
    """An exclusive grant would not be exclusive: others hold grants of the same."""

    code = "granted-elsewhere"
    en = "An earlier grant to somebody else overlaps, so this cannot be exclusive. Choose a scope that is still free."
    zh = "先前给予他人的授权与此重叠，因此不能独家。请选择尚未授予的范围。"


class AlreadyOpen(LicensingError):
    """An exclusive grant would not be exclusive: everybody may use it."""

    code = "already-open"
    en = "It is offered to everyone under {licence}, so it cannot be exclusive. Withdraw that offer first."
    zh = "它已以 {licence} 向所有人开放，因此不能独家。请先撤回该要约。"


class GrantNotWaiting(LicensingError):
    """The grant does not wait for an approval."""

    code = "grant-not-waiting"
    en = "This grant does not wait for an approval: it needs none, or was approved, declined or revoked before."
    zh = "该授权并不在等待批准：它无需批准，或已被批准、拒绝或撤销。"


class NotForTaking(LicensingError):
    """An open offer needs no grant."""

    code = "not-for-taking"
    en = "This offer is open to everyone; you need no grant to use it. Credit it as its terms ask."
    zh = "该要约向所有人开放，无需授权即可使用。请按其条款署名。"


class OwnOffer(LicensingError):
    """The offer is the caller's own."""

    code = "own-offer"
    en = "This is your own offer; you need no grant of what you own."
    zh = "这是您自己的要约；您无需就自己拥有的内容取得授权。"


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


class NothingToLift(LicensingError):
    """A work has no conditions that came by likeness."""

    code = "nothing-to-lift"
    en = (
        "No conditions came to this work by likeness alone, so there are none to lift. Those of an exact copy stay as "
        "long as the picture is what it is."
    )
    zh = "没有条件仅因相似而随此作品传递，因此无可解除。完全相同的副本所带的条件始终有效。"


class WorksNotOffered(LicensingError):
    """A style stands on works of others who offer them on no terms, so nobody can say what the style may allow."""

    code = "works-not-offered"
    en = (
        "“{style}” stands on works of others who offer them on no terms: {works}. Ask their owners to offer them, "
        "agree with them on a split of the style, or train it without these works."
    )
    zh = (
        "风格“{style}”所依据的他人作品没有任何有效条款：{works}。"
        "请其所有者为作品发布要约，或与其就该风格的份额达成一致，或在训练时不使用这些作品。"
    )


class OwnersNotAgreed(LicensingError):
    """What is shared is offered by one of those who share in it, and they have not agreed that it may."""

    code = "owners-not-agreed"
    en = (
        "Others share in this: {parties}. Nothing says that you may offer it for them. Propose a split in which the "
        "owner offers for all, and offer it once everybody has consented."
    )
    zh = (
        "该内容还有其他份额持有者：{parties}，没有任何约定允许您代其发布要约。"
        "请提议一份由所有者代表全体发布要约的份额方案，待全体同意后再发布。"
    )


class MoneyError(LicensingError):
    """An amount, currency or division that cannot be."""


class UnknownCurrency(MoneyError):
    """A currency that ISO 4217 does not list."""

    code = "unknown-currency"
    en = "{currency} is no currency of ISO 4217. Write its code of three capital letters, such as EUR."
    zh = "{currency} 不是 ISO 4217 中的货币。请写三个大写字母的代码，例如 EUR。"


class AmountNotWhole(MoneyError):
    """An amount that is not a whole number of minor units."""

    code = "amount-not-whole"
    en = "{amount} is no whole number of minor units. Write 250 for 2.50 EUR."
    zh = "{amount} 不是最小货币单位的整数。2.50 EUR 请写 250。"


class AmountNegative(MoneyError):
    """An amount below nothing."""

    code = "amount-negative"
    en = "{amount} is below zero. An amount is zero or more; money that goes back is a reversal."
    zh = "{amount} 小于零。金额须为零或更多；退回的款项应记为冲销。"


class AmountTooLarge(MoneyError):
    """An amount beyond what is kept exactly."""

    code = "amount-too-large"
    en = "An amount is at most {most} minor units. Ask for less at once."
    zh = "金额最多为 {most} 个最小货币单位。请减少单次数额。"


class CurrenciesDiffer(MoneyError):
    """Two currencies where one belongs."""

    code = "currencies-differ"
    en = "{one} and {other} cannot be added. Keep to one currency in a request."
    zh = "{one} 与 {other} 不能相加。一次请求请只用一种货币。"


class SplitsDoNotAddUp(MoneyError):
    """Shares that are not the whole together."""

    code = "splits-do-not-add-up"
    en = "The shares add up to {total} basis points, and each must be at least 1. Make them {whole} together."
    zh = "各份额合计 {total} 个基点，且每份至少为 1。请使其合计为 {whole}。"


class PriceMalformed(MoneyError):
    """A price line that says neither per image nor flat, or names a party twice."""

    code = "price-malformed"
    en = "A price is per image or flat, not {per}, and names each party once. State it again."
    zh = "价格应为 image（每张图片）或 flat（一次性），而非 {per}，且每个参与方只出现一次。请重新填写。"


class UsesExhausted(LicensingError):
    """A grant's uses are taken."""

    code = "uses-exhausted"
    en = "This grant has {left} uses left, and the request needs {needed}. Ask its rightsholder for another grant."
    zh = "该授权还剩 {left} 次使用，而此请求需要 {needed} 次。请向权利人申请新的授权。"


class NothingPayable(MoneyError):
    """There is nothing to pay to a party."""

    code = "nothing-payable"
    en = "Nothing is payable to this party in {currency}. Make what has accrued payable first."
    zh = "目前没有以 {currency} 应付给该参与方的款项。请先将已计提的款项转为应付。"


class PayoutDiffers(MoneyError):
    """The payout names another amount than what is payable."""

    code = "payout-differs"
    en = "{payable} is payable to this party, not {stated}. Export the payouts again and record that amount."
    zh = "应付给该参与方的金额为 {payable}，而不是 {stated}。请重新导出付款清单并按该金额记录。"


class PeriodBackwards(LicensingError):
    """A period that ends before it begins."""

    code = "period-backwards"
    en = "The period ends before it begins. Choose a later day for its end."
    zh = "期间的结束早于开始。请选择更晚的结束日期。"


class StatementTooLong(LicensingError):
    """A statement of more lines than go into one."""

    code = "statement-too-long"
    en = "This statement would have {number} lines; one has at most {most}. Choose a shorter period."
    zh = "该结算单将有 {number} 条明细；一份最多 {most} 条。请选择更短的期间。"


class UnknownOptOut(LicensingError):
    """No such opt-out is recorded, or it is somebody else's."""

    code = "unknown-opt-out"
    en = "There is no opt-out {opt_out} of yours. GET /api/v1/opt-outs lists those in force."
    zh = "没有属于您的选择退出记录 {opt_out}。可通过 GET /api/v1/opt-outs 查看有效记录。"


class OptOutEnded(LicensingError):
    """An opt-out is not in the state that this takes."""

    code = "opt-out-ended"
    en = "This opt-out is {state}, so this cannot be done with it."
    zh = "该选择退出记录的状态为 {state}，无法进行此操作。"


class ListUnreadable(LicensingError):
    """A list of opt-outs is in no format that is read."""

    code = "list-unreadable"
    en = "This list cannot be read: {reason}. Send CSV as GET /api/v1/opt-outs.csv writes it, TDMRep JSON or RSL XML."
    zh = "无法读取该列表：{reason}。请提供 GET /api/v1/opt-outs.csv 格式的 CSV、TDMRep JSON 或 RSL XML。"
