"""What a licence lets people do, and what it asks of them: ODRL actions and duties, by SPDX id.

That the conditions of an open licence are carried to generated pictures is Colophon's cautious policy;
the law on it is unsettled, and Creative Commons itself calls it likely more than the licence demands.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from provenance.canonical import Digest, canonical_json, sha256_digest
from provenance.licensing.constraints import COUNT, DATE_TIME, Constraint, implies, moment, whole
from provenance.licensing.errors import CurrenciesDiffer
from provenance.licensing.money import Money

USE_STYLE = "gen:reference"
USE_ADAPTER = "gen:styleAdapter"
NAME_IN_PROMPT = "gen:promptName"
DERIVE = "derive"
TRAIN = "ai-train"
COMMERCIALIZE = "commercialize"
RUN = "gen:run"
USE_OUTPUTS = "gen:useOutputs"
BY_GRANT = "LicenseRef-Colophon-Grant"
"""The terms of a style or work that its owner grants one by one."""
EVERY_USE = frozenset({USE_STYLE, USE_ADAPTER, NAME_IN_PROMPT, DERIVE, TRAIN, COMMERCIALIZE})
ATTRIBUTE, OBTAIN_CONSENT = "attribute", "obtainConsent"


@dataclass(frozen=True)
class Duty:
    """One thing the licensee must do, as ODRL names it, with a sentence in both languages."""

    action: str
    en: str
    zh: str
    text: str = ""
    """The credit line that the rightsholder asks for, of an attribution."""
    url: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the duty as it is recorded."""
        said = {"action": self.action, "en": self.en, "zh-Hans": self.zh}
        return said | {name: value for name, value in (("text", self.text), ("url", self.url)) if value}

    @classmethod
    def from_json(cls, value: Mapping[str, str]) -> Duty:
        """Return the duty that ``as_json`` wrote."""
        return cls(value["action"], value["en"], value["zh-Hans"], value.get("text", ""), value.get("url", ""))


@dataclass(frozen=True)
class Price:
    """What is owed: for every delivered picture, or once when a grant is given. ODRL's duty to compensate."""

    money: Money
    per: Literal["image", "flat"]

    def as_json(self) -> dict[str, str]:
        """Return the price as it is recorded: minor units as a decimal string."""
        return {**self.money.as_json(), "per": self.per}

    @classmethod
    def from_json(cls, value: Mapping[str, str]) -> Price:
        """Return the price that ``as_json`` wrote."""
        return cls(Money.from_json(value), "flat" if value["per"] == "flat" else "image")

    def covers(self, other: Price) -> bool:
        """Say whether a price is no lower than another that is asked for the same."""
        is_same = (self.per, self.money.currency) == (other.per, other.money.currency)
        return is_same and self.money.minor_units >= other.money.minor_units


@dataclass(frozen=True)
class Terms:
    """What is permitted and prohibited, under which constraints, with which duties and at which price.

    An ODRL policy in few words: every permission and every prohibition has all the constraints and duties.
    """

    licence: str
    permissions: frozenset[str]
    duties: tuple[Duty, ...] = ()
    name: str = ""
    url: str = ""
    prohibitions: frozenset[str] = frozenset()
    constraints: tuple[Constraint, ...] = ()
    price: Price | None = None
    is_exclusive: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the terms as they are recorded and hashed; what was not agreed on is left out."""
        more: dict[str, Any] = {
            "prohibitions": sorted(self.prohibitions),
            "constraints": [constraint.as_json() for constraint in self.constraints],
            "price": self.price.as_json() if self.price else None,
            "exclusive": self.is_exclusive,
        }
        return {
            "licence": self.licence,
            "permissions": sorted(self.permissions),
            "duties": [duty.as_json() for duty in self.duties],
            **{name: value for name, value in more.items() if value},
        }

    @property
    def needs_approval(self) -> bool:
        """Say whether the rightsholder approves each grant before it counts."""
        return any(duty.action == OBTAIN_CONSENT for duty in self.duties)

    @property
    def most_uses(self) -> int | None:
        """Return for how many delivered pictures the terms hold; None where they do not say."""
        limits = [
            read - (constraint.operator == "lt")
            for constraint in self.constraints
            if constraint.left_operand == COUNT and constraint.operator in {"lteq", "lt"}
            if (read := whole(constraint.right_operand[0])) is not None
        ]
        return min(limits, default=None)

    @property
    def ends_at(self) -> str:
        """Return the first moment at which the terms no longer hold; empty where they do not end."""
        ends = (one for one in self.constraints if one.left_operand == DATE_TIME and one.operator in {"lt", "lteq"})
        named = [(read, one.right_operand[0]) for one in ends if (read := moment(one.right_operand[0]))]
        return min(named)[1] if named else ""

    def is_within(self, bound: Terms) -> bool:
        """Say whether these terms allow nothing that others do not, ask everything that those ask, and cost no less.

        A price that is asked once is no substitute for one that is asked for every picture, nor the reverse.
        """
        asked = {duty.action for duty in self.duties}
        if COMMERCIALIZE not in self.permissions - self.prohibitions:
            asked.add(NON_COMMERCIAL.action)  # what may not be sold is not for sale, in whichever words
        return (
            self.permissions <= bound.permissions
            and bound.prohibitions <= self.prohibitions | (EVERY_USE - self.permissions)
            and {duty.action for duty in bound.duties} <= asked
            and implies(self.constraints, bound.constraints)
            and (bound.price is None or (self.price is not None and self.price.covers(bound.price)))
        )

    def narrowed_to(self, bound: Terms) -> Terms:
        """Return these terms without what others do not allow, with what those ask besides, at the higher price.

        Raises CurrenciesDiffer where two prices cannot be compared.
        """
        asked = {duty.action for duty in self.duties}
        more = tuple(
            duty
            for duty in bound.duties
            if duty.action not in asked or ((duty.text or duty.url) and duty not in self.duties)  # each credit counts
        )
        new = tuple(constraint for constraint in bound.constraints if constraint not in self.constraints)
        return replace(
            self,
            permissions=self.permissions & bound.permissions,
            prohibitions=self.prohibitions | bound.prohibitions,
            duties=(*self.duties, *more),
            constraints=(*self.constraints, *new),
            price=_higher(self.price, bound.price),
        )

    def digest(self) -> Digest:
        """Return the digest of the canonical terms."""
        return sha256_digest(canonical_json(self.as_json()))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Terms:
        """Return the terms that ``as_json`` wrote."""
        return cls(
            licence=value["licence"],
            permissions=frozenset(value["permissions"]),
            duties=tuple(Duty.from_json(duty) for duty in value["duties"]),
            prohibitions=frozenset(value.get("prohibitions", ())),
            constraints=tuple(Constraint.from_json(one) for one in value.get("constraints", ())),
            price=Price.from_json(value["price"]) if value.get("price") else None,
            is_exclusive=bool(value.get("exclusive", False)),
        )


def _higher(one: Price | None, other: Price | None) -> Price | None:
    if one is None or other is None:
        return one or other
    if one.per != other.per or one.money.currency != other.money.currency:
        raise CurrenciesDiffer(one=f"{one.money.currency}/{one.per}", other=f"{other.money.currency}/{other.per}")
    return one if one.covers(other) else other


_READ: dict[str, Terms] = {}
_MOST_READ = 20_000


def terms_read(value: Mapping[str, Any] | str, *, digest: Digest) -> Terms:
    """Return recorded terms, parsed once for each digest: terms never change, and thousands of grants share them.

    They come as they were read, or as the text of their JSON.
    """
    if digest not in _READ:
        if len(_READ) >= _MOST_READ:
            _READ.clear()
        _READ[digest] = Terms.from_json(json.loads(value) if isinstance(value, str) else value)
    return _READ[digest]


CREDIT = Duty("attribute", "Name the author and the licence.", "注明作者和许可证。")
UNNAMED = Duty(
    ATTRIBUTE, "Name the licence; its author asked not to be named.", "注明许可证；作者要求不予署名。"
)
STATE_CHANGES = Duty("gen:stateChanges", "Say that the work was changed.", "说明作品已被改动。")
NO_ENDORSEMENT = Duty(
    "gen:noEndorsement", "Do not suggest that the author endorses the result.", "不得暗示作者认可该结果。"
)
SHARE_ALIKE = Duty(
    "nextPolicy",
    "Offer the result under the same licence (our policy).",
    "以相同许可证提供结果（本站政策）。",
)
NON_COMMERCIAL = Duty("gen:nonCommercial", "Use the result for no commercial purpose.", "结果不得用于商业目的。")
LABEL = Duty("gen:label", "Label the result visibly as made with AI.", "在结果上明显标注由 AI 生成。")
KEEP_CREDENTIALS = Duty("c2pa:retain", "Keep the content credentials in the file.", "保留文件中的内容凭证。")
OBTAIN_APPROVAL = Duty(OBTAIN_CONSENT, "Wait until the rightsholder approves the grant.", "须等待权利人批准授权。")
NOTICE = Duty("gen:notice", "Keep the copyright and licence notice.", "保留版权和许可声明。")
LICENCE_TEXT = Duty("gen:licenceText", "Pass on the licence text and NOTICE.", "随附许可证文本与 NOTICE。")



def naming_nobody(duties: Iterable[Duty]) -> tuple[Duty, ...]:
    """Return duties in which no author is named: a credit line that the rightsholder worded is left out."""
    return tuple(dict.fromkeys(UNNAMED if duty.action == ATTRIBUTE else duty for duty in duties))


_CC_BY = (CREDIT, STATE_CHANGES, NO_ENDORSEMENT)
_NOT_FOR_SALE = EVERY_USE - {COMMERCIALIZE}


def _open(licence: str, duties: tuple[Duty, ...], permissions: frozenset[str], name: str, url: str) -> Terms:
    return Terms(licence=licence, permissions=permissions, duties=duties, name=name, url=url)


def _cc(code: str, path: str, duties: tuple[Duty, ...], permissions: frozenset[str]) -> Terms:
    name = code.replace("-4.0", " 4.0").replace("CC-", "CC ")
    return _open(code, duties, permissions, name, f"https://creativecommons.org/licenses/{path}/4.0/")


OPEN_LICENCES: Mapping[str, Terms] = {
    terms.licence: terms
    for terms in (
        _open("CC0-1.0", (), EVERY_USE, "CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
        _cc("CC-BY-4.0", "by", _CC_BY, EVERY_USE),
        _cc("CC-BY-SA-4.0", "by-sa", (*_CC_BY, SHARE_ALIKE), EVERY_USE),
        _cc("CC-BY-NC-4.0", "by-nc", (*_CC_BY, NON_COMMERCIAL), _NOT_FOR_SALE),
        _cc("CC-BY-NC-SA-4.0", "by-nc-sa", (*_CC_BY, SHARE_ALIKE, NON_COMMERCIAL), _NOT_FOR_SALE),
        _cc("CC-BY-ND-4.0", "by-nd", _CC_BY, frozenset()),
        _open("MIT", (NOTICE,), EVERY_USE, "MIT", "https://spdx.org/licenses/MIT.html"),
        _open(
            "Apache-2.0",
            (LICENCE_TEXT, STATE_CHANGES),
            EVERY_USE,
            "Apache 2.0",
            "https://www.apache.org/licenses/LICENSE-2.0",
        ),
    )
}
"""Ready-made terms by SPDX id; a licence that forbids adaptation permits nothing as a reference."""

_MODEL_USES = frozenset({RUN, USE_OUTPUTS, DERIVE, COMMERCIALIZE})
USE_RESTRICTIONS = Duty(
    "gen:useRestrictions",
    "Respect the use restrictions of the model's licence, and pass them on to adapters.",
    "遵守模型许可证中的使用限制，并将其延续到适配器。",
)


def _rail(code: str, url: str) -> Terms:
    return Terms(code, _MODEL_USES, (USE_RESTRICTIONS,), code, url)


MODEL_LICENCES: Mapping[str, Terms] = {
    **{
        code: Terms(
            licence=code,
            permissions=_MODEL_USES,
            duties=OPEN_LICENCES[code].duties,
            name=OPEN_LICENCES[code].name,
            url=OPEN_LICENCES[code].url,
        )
        for code in ("CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "MIT", "Apache-2.0")
    },
    **{
        code: _rail(code, url)
        for code, url in (
            ("CreativeML-OpenRAIL-M", "https://huggingface.co/spaces/CompVis/stable-diffusion-license"),
            (
                "CreativeML-OpenRAIL++-M",
                "https://huggingface.co/stabilityai/stable-diffusion-xl-base-1.0/blob/main/LICENSE.md",
            ),
            ("OpenRAIL++", "https://huggingface.co/stabilityai/stable-diffusion-xl-base-1.0/blob/main/LICENSE.md"),
        )
    },
    **{
        code: Terms(code, _MODEL_USES - {COMMERCIALIZE}, (*_CC_BY, NON_COMMERCIAL), code)
        for code in ("CC-BY-NC-4.0", "CC-BY-NC-SA-4.0")
    },
    "LicenseRef-FLUX-1-dev": Terms(
        "LicenseRef-FLUX-1-dev",
        frozenset({RUN, USE_OUTPUTS, DERIVE}),
        (USE_RESTRICTIONS,),
        "FLUX.1 [dev] Non-Commercial License",
        "https://huggingface.co/black-forest-labs/FLUX.1-dev/blob/main/LICENSE.md",
    ),
}
"""What a model's licence allows of running it and of using its outputs; a licence not listed here is unknown.

FLUX.1 [dev] may be run for non-commercial purposes; what it makes may be used for others by its own words.
"""
