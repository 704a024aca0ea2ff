"""Which terms get in each other's way when one of them is exclusive."""

from __future__ import annotations

from provenance.licensing.constraints import DATE_TIME, PURPOSE, SPATIAL, leaves_room
from provenance.licensing.terms import COMMERCIALIZE, Terms

SCOPE = frozenset({SPATIAL, DATE_TIME, PURPOSE})
"""What an exclusive grant is exclusive in: places, dates and purposes. It is so against every recipient."""


def overlap(one: Terms, other: Terms) -> bool:
    """Say whether some use, somewhere and at some time, is permitted by both."""
    shared = (one.permissions & other.permissions) - {COMMERCIALIZE}
    if not shared - one.prohibitions - other.prohibitions:
        return False
    return leaves_room([each for each in (*one.constraints, *other.constraints) if each.left_operand in SCOPE])
