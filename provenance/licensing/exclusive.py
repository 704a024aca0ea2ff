"""Which terms get in each other's way when one of them is exclusive."""

from __future__ import annotations

from datetime import datetime

from provenance.licensing.constraints import DATE_TIME, PURPOSE, SPATIAL, Constraint, leaves_room
from provenance.licensing.terms import COMMERCIALIZE, Terms

SCOPE = frozenset({SPATIAL, DATE_TIME, PURPOSE})
"""What an exclusive grant is exclusive in: places, dates and purposes. It is so against every recipient."""


def overlap(one: Terms, other: Terms, *, since: datetime | None = None) -> bool:
    """Say whether some use, somewhere and at some time, is permitted by both; from a moment on where one is named."""
    shared = (one.permissions & other.permissions) - {COMMERCIALIZE}
    if not shared - one.prohibitions - other.prohibitions:
        return False
    from_now = (Constraint(DATE_TIME, "gteq", (since.isoformat(),)),) if since else ()
    both = (*one.constraints, *other.constraints)
    return leaves_room([*from_now, *(each for each in both if each.left_operand in SCOPE)])
