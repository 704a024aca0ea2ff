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
