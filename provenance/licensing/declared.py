"""What a requester declares of a use, and which declared values are kinds or parts of which others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from provenance.licensing.money import Money

BROADER_PURPOSES: Mapping[str, str] = {
    "commercial": "",
    "advertising": "commercial",
    "editorial": "commercial",
    "merchandise": "commercial",
    "non-commercial": "",
    "education": "non-commercial",
    "personal": "non-commercial",
    "research": "non-commercial",
}
"""Each purpose that can be declared, with the one that it is a kind of."""
PURPOSES_ZH: Mapping[str, str] = {
    "commercial": "商业",
    "advertising": "广告",
    "editorial": "编辑报道",
    "merchandise": "商品",
    "non-commercial": "非商业",
    "education": "教育",
    "personal": "个人",
    "research": "研究",
}
"""How each purpose is called in Chinese."""
COMMERCIAL_UNLESS_SAID = "commercial"
"""A purpose that the requester leaves open is read as the one that asks for most."""
RATINGS = ("general", "teen", "mature", "explicit")
"""Content ratings, each including those before it; a picture whose rating is left open may be the last."""

_ISO_3166_1 = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW "
    "BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI "
    "FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN "
    "IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME "
    "MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF "
    "PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV "
    "SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE "
    "YT ZA ZM ZW"
)
COUNTRIES = frozenset(_ISO_3166_1.split())
"""ISO 3166-1 alpha-2."""
_EU = "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE"
REGIONS: Mapping[str, frozenset[str]] = {
    "EU": frozenset(_EU.split()),
    "EEA": frozenset(f"{_EU} IS LI NO".split()),
}
"""Regions that terms may name, each with its countries."""
PLACES = COUNTRIES | REGIONS.keys()


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A use as its requester declares it; what is left out is read as whatever asks for most."""

    at: datetime
    purpose: str = ""
    territory: str = ""
    recipient: str = ""
    content_rating: str = ""
    images: int = 1
    ceiling: Money | None = None
    accepted_terms: frozenset[str] = frozenset()
    """Digests of terms whose use restrictions the requester accepts."""
    is_before_acceptance: bool = False
    """Whether it was asked for when use restrictions bound without anybody accepting them."""
    is_prompt_public: bool = True

    @property
    def is_commercial(self) -> bool:
        """Say whether the purpose is commercial, or left open."""
        return "non-commercial" not in broader(self.purpose)


@cache
def broader(purpose: str) -> frozenset[str]:
    """Return a purpose with whatever it is a kind of; none for one that nobody knows."""
    found = set()
    while purpose in BROADER_PURPOSES:
        found.add(purpose)
        purpose = BROADER_PURPOSES[purpose]
    return frozenset(found)


@cache
def narrower(purpose: str) -> frozenset[str]:
    """Return a purpose with every kind of it."""
    return frozenset(one for one in BROADER_PURPOSES if purpose in broader(one))


@cache
def regions_with(country: str) -> frozenset[str]:
    """Return a country with the regions that it is part of."""
    return frozenset({country, *(name for name, members in REGIONS.items() if country in members)})
