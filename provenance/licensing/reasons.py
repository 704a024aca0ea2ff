"""Why a reference is permitted or refused, and what to do next, in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from provenance.licensing.constraints import (
    CONTENT_RATING,
    COUNT,
    DATE_TIME,
    PURPOSE,
    RECIPIENT,
    SPATIAL,
    Constraint,
    Outcome,
)

MOST_WORKS_NAMED = 3
"""How many works one reason names before it only counts the rest."""


@dataclass(frozen=True)
class Reason:
    """Why a reference was permitted or refused, in both languages."""

    code: str
    en: str
    zh: str

    def as_json(self) -> dict[str, str]:
        """Return the reason as it is recorded."""
        return {"code": self.code, "en": self.en, "zh-Hans": self.zh}


@dataclass(frozen=True)
class Called:
    """What something is called in each language."""

    en: str
    zh: str


class _Sentence:
    """A reason's two templates; called with the name and the licence it speaks of."""

    def __init__(self, code: str, en: str, zh: str) -> None:
        self.code, self.en, self.zh = code, en, zh

    def __call__(
        self, name: str | Called, licence: str = "", *, works: Sequence[str] = (), **more_values: str
    ) -> Reason:
        called = Called(name, name) if isinstance(name, str) else name
        values = {"licence": licence, **more_values}
        more = len(works) - MOST_WORKS_NAMED
        named = works[:MOST_WORKS_NAMED]
        en = ", ".join(named) + (f" and {more} more" if more > 0 else "")
        zh = "、".join(named) + (f" 等 {len(works)} 件" if more > 0 else "")
        return Reason(
            self.code,
            self.en.format(name=called.en, works=en, **values),
            self.zh.format(name=called.zh, works=zh, **values),
        )


OPTED_OUT = _Sentence(
    "opted-out",
    "The rightsholder of {name} has opted out; it may not be used. Choose another reference.",
    "{name} 的权利人已选择退出，不得使用。请另选参考。",
)
OPTED_OUT_BY_POLICY = _Sentence(
    "opted-out",
    "The rightsholder of {name} has opted out. Its open licence cannot be revoked and is not revoked by this: that "
    "Colophon makes nothing more from it here is its own policy. Choose another reference.",
    "{name} 的权利人已选择退出。其开放许可不可撤销，也并未因此被撤销："
    "此处不再使用它是 Colophon 自身的政策。请另选参考。",
)
WITHDRAWN = _Sentence(
    "withdrawn",
    "{name} has been withdrawn or is in dispute. Choose another reference.",
    "{name} 已撤回或处于争议中。请另选参考。",
)
WORK_OPTED_OUT = _Sentence(
    "work-opted-out",
    "{name} stands on {works}, and the rightsholder has opted out; the style may not be used. Choose another.",
    "{name} 依据的作品 {works} 的权利人已选择退出，该风格不得使用。请另选风格。",
)
WORK_WITHDRAWN = _Sentence(
    "work-withdrawn",
    "{name} stands on {works}, withdrawn or in dispute; the style may not be used. Choose another.",
    "{name} 依据的作品 {works} 已撤回或处于争议中，该风格不得使用。请另选风格。",
)
OWN_WORK = _Sentence("own-work", "{name} is your own work.", "{name} 是您自己的作品。")
NO_BASIS = _Sentence(
    "no-basis",
    "There is no open licence and no grant for {name}. Ask its rightsholder for a grant, or leave it out.",
    "{name} 没有开放许可，您也没有授权。请向权利人申请授权，或不使用它。",
)
USE_NOT_PERMITTED = _Sentence(
    "use-not-permitted",
    "{licence} does not permit this use of {name}. Ask its rightsholder for a grant, or leave it out.",
    "{licence} 不允许以此方式使用 {name}。请向权利人申请授权，或不使用它。",
)
NOT_COMMERCIAL = _Sentence(
    "not-commercial",
    "{licence} permits {name} for non-commercial purposes only. Declare that purpose, or leave it out.",
    "{licence} 只允许将 {name} 用于非商业目的。请声明非商业目的，或不使用它。",
)
UNKNOWN_MODEL_LICENCE = _Sentence(
    "unknown-model-licence",
    "The licence of the model {name} is not known. Ask the operator to register it with its licence.",
    "模型 {name} 的许可证未知。请运营者登记其许可证。",
)
BY_GRANT = _Sentence("granted", "You hold a grant for {name}.", "您拥有 {name} 的授权。")
BY_OPEN_LICENCE = _Sentence(
    "open-licence", "{name} is offered to everyone under {licence}.", "{name} 以 {licence} 向所有人开放。"
)
BY_MODEL_LICENCE = _Sentence(
    "model-licence", "The model {name} may be run under {licence}.", "模型 {name} 可依 {licence} 运行。"
)
BY_WORKS = _Sentence(
    "works-licence",
    "{name} is your own style; the works of others behind it may be used so under {licence}.",
    "{name} 是您自己的风格；其所依据的他人作品可依 {licence} 如此使用。",
)
INHERITED = _Sentence(
    "inherited-terms",
    "{name} is your own picture; the conditions of {licence} came with it from what it was made with (our policy).",
    "{name} 是您自己的图片；{licence} 的条件随其所用素材传递而来（本站政策）。",
)
WORKS_WITHOUT_BASIS = _Sentence(
    "works-without-basis",
    "{name} is your own style, but stands on {works}, which the terms of its owner do not let you use so. "
    "Ask its owner for a grant, or take the work out of the style.",
    "{name} 是您自己的风格，但它依据的 {works} 的条款不允许您如此使用。请向其所有者申请授权，或将该作品移出风格。",
)
PROHIBITED = _Sentence(
    "prohibited",
    "The terms of {name} prohibit this use. Leave it out.",
    "{name} 的条款禁止此种使用。请不要使用它。",
)
OUTPUTS_NOT_USABLE = _Sentence(
    "outputs-not-usable",
    "{licence} lets the model {name} be run, but not its pictures be used. Choose another model.",
    "{licence} 允许运行模型 {name}，但不允许使用其生成的图片。请另选模型。",
)
RESTRICTIONS_NOT_ACCEPTED = _Sentence(
    "restrictions-not-accepted",
    "{licence} asks whoever uses the model {name} to keep its use restrictions. Read them, then accept them by "
    "putting {digest} into accepted_terms.",
    "{licence} 要求模型 {name} 的使用者遵守其使用限制。请阅读后将 {digest} 放入 accepted_terms 以示接受。",
)
PRICED_NAME_UNDISCLOSED = _Sentence(
    "priced-name-undisclosed",
    "{name} stands in a prompt that is not public, and its use has a price: what is owed is told to its "
    "rightsholder. Declare it as a reference, or leave the name out.",
    "{name} 出现在未公开的提示词中，而其使用需要付费：应付款项会告知权利人。请将其声明为参考，或不写该名称。",
)
ABOVE_CEILING = _Sentence(
    "above-ceiling",
    "This would cost {total}, above your ceiling of {ceiling}. Raise the ceiling, or ask for fewer pictures.",
    "此请求需 {total}，超过您设定的上限 {ceiling}。请提高上限，或减少图片数量。",
)
ABOVE_QUOTE = _Sentence(
    "above-quote",
    "Since this was asked for its terms have changed: it would now cost {total}, and {quoted} was quoted. Ask again to "
    "accept the new price.",
    "自提出请求以来条款已有变化：现需 {total}，而当时报价为 {quoted}。如接受新价格，请重新提出请求。",
)
CURRENCIES_DIFFER = _Sentence(
    "currencies-differ",
    "What this request uses is priced in {currencies}; a request keeps to one currency. Leave one of them out.",
    "此请求所用内容以 {currencies} 计价；一次请求只用一种货币。请去掉其中之一。",
)

_UNMET = {
    DATE_TIME: _Sentence(
        "out-of-term",
        "The terms of {name} do not hold at this time ({limit}). Ask its rightsholder for a grant that does.",
        "{name} 的条款此时不适用（{limit}）。请向权利人申请适用的授权。",
    ),
    COUNT: _Sentence(
        "uses-exhausted",
        "The grant for {name} is for a number of pictures ({limit}), and this request goes beyond it. Ask for fewer "
        "pictures, or take another grant.",
        "{name} 的授权限定了图片数量（{limit}），此请求超出该数量。请减少图片，或另取授权。",
    ),
    PURPOSE: _Sentence(
        "purpose-not-covered",
        "The terms of {name} are for other purposes ({limit}). Declare one that they cover, or leave it out.",
        "{name} 的条款适用于其他目的（{limit}）。请声明其涵盖的目的，或不使用它。",
    ),
    SPATIAL: _Sentence(
        "territory-not-covered",
        "The terms of {name} hold in some territories only ({limit}). Declare where the picture will be used; left "
        "open, it counts as used everywhere.",
        "{name} 的条款只适用于某些地域（{limit}）。请声明图片的使用地域；未声明则视为全球使用。",
    ),
    RECIPIENT: _Sentence(
        "recipient-not-covered",
        "The terms of {name} are for certain recipients ({limit}). Declare for whom the picture is; left open, it "
        "counts as for anybody.",
        "{name} 的条款只适用于特定接收方（{limit}）。请声明图片提供给谁；未声明则视为任何人。",
    ),
    CONTENT_RATING: _Sentence(
        "content-rating-not-covered",
        "The terms of {name} limit the content rating ({limit}). Declare a content_rating within it; left open, a "
        "picture may be explicit.",
        "{name} 的条款限制内容分级（{limit}）。请声明不超过该级别的 content_rating；未声明则可能为限制级。",
    ),
}
CONSTRAINT_UNKNOWN = _Sentence(
    "constraint-unknown",
    "The terms of {name} set a condition that nobody here can check ({limit}), so it cannot be used. Ask its "
    "rightsholder for other terms.",
    "{name} 的条款含有此处无人能核查的条件（{limit}），因此不能使用。请向权利人另商条款。",
)


def constraint_reason(name: Called, constraint: Constraint, outcome: Outcome) -> Reason:
    """Return why a constraint refuses the use of something."""
    limit = f"{constraint.left_operand} {constraint.operator} {' | '.join(constraint.right_operand)}"
    known = _UNMET.get(constraint.left_operand) if outcome == "unmet" else None
    return (known or CONSTRAINT_UNKNOWN)(name, limit=limit[:200])
