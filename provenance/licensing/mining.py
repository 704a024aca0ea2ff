"""What a picture's own terms say of mining it and of training on it (CAWG training and data mining 1.1).

Nothing follows from silence: training on a picture is reserved unless the terms that travelled to it oblige whoever
uses it to share it under a licence that allows training. That is Colophon's policy, and the law on it is unsettled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from provenance.licensing.inheriting import SEVERAL, SHARE_ALIKE, conditions
from provenance.licensing.terms import OPEN_LICENCES, TRAIN, Terms

Use = Literal["allowed", "notAllowed", "constrained"]
TRAINING = ("cawg.ai_training", "cawg.ai_generative_training")
OTHER_USES = ("cawg.ai_inference", "cawg.data_mining")


@dataclass(frozen=True)
class Mining:
    """How far each use by machines is allowed; a use that is not named is unstated."""

    uses: Mapping[str, Use]
    constraints: str = ""
    """What the constrained uses ask for, in English, with the licence's address where there is one."""


RESERVED = Mining(dict.fromkeys(TRAINING, "notAllowed"))


def mining_of(terms: Terms | None) -> Mining:
    """Return what inherited terms say of mining and training; training on one without any is reserved."""
    if terms is None:
        return RESERVED
    training: Use = "constrained" if _must_be_shared_for_training(terms) else "notAllowed"
    uses: dict[str, Use] = dict.fromkeys(TRAINING, training)
    uses |= dict.fromkeys(OTHER_USES, "constrained")
    url = OPEN_LICENCES[terms.licence].url if terms.licence in OPEN_LICENCES else ""
    return Mining(uses, " ".join(filter(None, (conditions(terms)["en"], url))))


def _must_be_shared_for_training(terms: Terms) -> bool:
    """Say whether the picture may be offered under one licence alone, and that one allows training."""
    is_shared = any(duty.action == SHARE_ALIKE for duty in terms.duties) and terms.licence != SEVERAL
    licence = OPEN_LICENCES.get(terms.licence)
    # A limit of purpose, place or recipient came from elsewhere: that source allowed nobody to train on anything.
    return is_shared and not terms.constraints and licence is not None and TRAIN in licence.permissions
