"""What a licence lets people do, and what it asks of them: ODRL actions and duties, by SPDX id.

That the conditions of an open licence are carried to generated pictures is Colophon's cautious policy;
the law on it is unsettled, and Creative Commons itself calls it likely more than the licence demands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from provenance.canonical import Digest, canonical_json, sha256_digest

USE_STYLE = "gen:reference"
USE_ADAPTER = "gen:styleAdapter"
NAME_IN_PROMPT = "gen:promptName"
DERIVE = "derive"
TRAIN = "ai-train"
COMMERCIALIZE = "commercialize"
RUN = "gen:run"
BY_GRANT = "LicenseRef-Colophon-Grant"
"""The terms of a style or work that its owner grants one by one."""
EVERY_USE = frozenset({USE_STYLE, USE_ADAPTER, NAME_IN_PROMPT, DERIVE, TRAIN, COMMERCIALIZE})


@dataclass(frozen=True)
class Duty:
    """One thing the licensee must do, as ODRL names it, with a sentence in both languages."""

    action: str
    en: str
    zh: str

    def as_json(self) -> dict[str, str]:
        """Return the duty as it is recorded."""
        return {"action": self.action, "en": self.en, "zh-Hans": self.zh}


@dataclass(frozen=True)
class Terms:
    """Permissions and duties under a licence."""

    licence: str
    permissions: frozenset[str]
    duties: tuple[Duty, ...] = ()
    name: str = ""
    url: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the terms as they are recorded and hashed."""
        return {
            "licence": self.licence,
            "permissions": sorted(self.permissions),
            "duties": [duty.as_json() for duty in self.duties],
        }

    def is_within(self, bound: Terms) -> bool:
        """Say whether these terms allow nothing that others do not, and ask everything that those ask."""
        asked = {duty.action for duty in self.duties}
        return self.permissions <= bound.permissions and {duty.action for duty in bound.duties} <= asked

    def narrowed_to(self, bound: Terms) -> Terms:
        """Return these terms without what others do not allow, and with what those ask besides."""
        asked = {duty.action for duty in self.duties}
        more = tuple(duty for duty in bound.duties if duty.action not in asked)
        return replace(self, permissions=self.permissions & bound.permissions, duties=(*self.duties, *more))

    def digest(self) -> Digest:
        """Return the digest of the canonical terms."""
        return sha256_digest(canonical_json(self.as_json()))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Terms:
        """Return the terms that ``as_json`` wrote."""
        return cls(
            licence=value["licence"],
            permissions=frozenset(value["permissions"]),
            duties=tuple(Duty(duty["action"], duty["en"], duty["zh-Hans"]) for duty in value["duties"]),
        )


CREDIT = Duty("attribute", "Name the author and the licence.", "注明作者和许可证。")
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
NOTICE = Duty("gen:notice", "Keep the copyright and licence notice.", "保留版权和许可声明。")
LICENCE_TEXT = Duty("gen:licenceText", "Pass on the licence text and NOTICE.", "随附许可证文本与 NOTICE。")

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

_MODEL_USES = frozenset({RUN, DERIVE, COMMERCIALIZE})
USE_RESTRICTIONS = Duty(
    "gen:useRestrictions",
    "Respect the use restrictions of the model's licence.",
    "遵守模型许可证中的使用限制。",
)
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
        code: Terms(code, _MODEL_USES, (USE_RESTRICTIONS,), code)
        for code in ("CreativeML-OpenRAIL-M", "CreativeML-OpenRAIL++-M", "OpenRAIL++")
    },
    **{
        code: Terms(code, _MODEL_USES - {COMMERCIALIZE}, (*_CC_BY, NON_COMMERCIAL), code)
        for code in ("CC-BY-NC-4.0", "CC-BY-NC-SA-4.0")
    },
}
"""What running a model under its licence allows; a licence not listed here is unknown, and refused."""
