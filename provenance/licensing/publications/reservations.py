"""What terms reserve against machines: CAWG training-mining, PLUS data mining, TDMRep, AI preferences."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from provenance.licensing.publications.published import PLACES, Published
from provenance.licensing.terms import COMMERCIALIZE, DERIVE, TRAIN, USE_ADAPTER, USE_STYLE, Terms

CAWG_LABEL = "cawg.training-mining"
PLUS_VOCABULARY = "http://ns.useplus.org/ldf/vocab/"
Use = Literal["allowed", "notAllowed", "constrained"]


def _use(terms: Terms | None, *actions: str, is_open: bool) -> Use:
    """Say how far some uses are allowed: freely, on conditions that the terms name, or not at all."""
    if terms is None or terms.permissions.isdisjoint(actions):
        return "notAllowed"
    is_free = is_open and not terms.duties and not terms.constraints and COMMERCIALIZE in terms.permissions
    return "allowed" if is_free else "constrained"


def training_mining(published: Published) -> dict[str, Any]:
    """Return an offer's CAWG training and data mining entries (Creator Assertions Working Group, 1.1)."""
    terms, is_open = published.terms, published.is_open
    uses: dict[str, Use] = {
        "cawg.ai_generative_training": _use(terms, TRAIN, is_open=is_open),
        "cawg.ai_training": _use(terms, TRAIN, is_open=is_open),
        "cawg.ai_inference": _use(terms, USE_STYLE, USE_ADAPTER, DERIVE, is_open=is_open),
        "cawg.data_mining": _use(terms, TRAIN, is_open=is_open),
    }
    entries = {
        name: {"use": use, "constraint_info": published.url} if use == "constrained" else {"use": use}
        for name, use in uses.items()
    }
    return {"label": CAWG_LABEL, "data": {"entries": entries}}


def plus_data_mining(published: Published) -> str:
    """Return the PLUS code (XMP ``plus:DataMining``) of an offer: it answers for training alone."""
    use = _use(published.terms, TRAIN, is_open=published.is_open)
    code = {
        "allowed": "DMI-ALLOWED",
        "notAllowed": "DMI-PROHIBITED-AIMLTRAINING",
        "constrained": "DMI-PROHIBITED-SEECONSTRAINT",
    }[use]
    return PLUS_VOCABULARY + code


def xmp_properties(published: Published) -> dict[str, str]:
    """Return what an XMP packet of a listed work would say of the offer, by PLUS property."""
    code = plus_data_mining(published)
    see = {"plus:OtherConstraints": published.url} if code.endswith("SEECONSTRAINT") else {}
    return {"plus:DataMining": code, **see, "plus:LicensorURL": published.url}


def reserves_mining(published: Published) -> bool:
    """Say whether text and data mining is reserved: wherever training is not free for everybody."""
    return _use(published.terms, TRAIN, is_open=published.is_open) != "allowed"


def tdm_declarations(offers: Iterable[tuple[str, Published]]) -> list[dict[str, Any]]:
    """Return ``/.well-known/tdmrep.json`` (W3C TDM Reservation Protocol): each work's place, then all that is left.

    Whatever no offer frees is reserved.
    """
    listed = [
        {"location": location, "tdm-reservation": int(reserves_mining(one)), "tdm-policy": f"{one.url}.jsonld"}
        for location, one in offers
    ]
    return [*listed, {"location": "/*", "tdm-reservation": 1}]


def content_usage(published: Published | None = None) -> str:
    """Return a ``Content-Usage`` value (IETF AI preferences draft): whether training is free for everybody."""
    is_free = published is not None and not reserves_mining(published)
    return f"train-ai={'y' if is_free else 'n'}"


def robots(*, licence_url: str, usage: str) -> str:
    """Return robots.txt: where the licences are (RSL 1.0) and what may be done with what is read here.

    What licences and reservations name may be read although it lies below ``/api/``. The longest rule that fits holds
    (RFC 9309, 2.2.2); for readers that take the first one, the longest come first.
    """
    named = "".join(f"Allow: {place}\n" for place in PLACES.values())
    rules = f"{named}Disallow: /api/\nAllow: /\n"
    return f"License: {licence_url}\n\nUser-Agent: *\nContent-Usage: {usage}\n{rules}"
