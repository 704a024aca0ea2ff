"""The licence decision's share: pure, over 8 references and 1,000 grants, where few or none of them fit."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime

from provenance.licensing.constraints import Constraint
from provenance.licensing.decision import Decision, decide, model_rights
from provenance.licensing.declared import Asked
from provenance.licensing.money import Money
from provenance.licensing.subjects import Right, Subject
from provenance.licensing.terms import BY_GRANT, COMMERCIALIZE, RUN, USE_STYLE, Price, Terms

REFERENCES, GRANTS, ROUNDS = 8, 1_000, 200
ASKED = Asked(at=datetime(2026, 11, 25, tzinfo=UTC), territory="DE", purpose="editorial", images=4)


def a_grant(number: int, *, place: str) -> Right:
    """Return a grant of its own terms: no two have the same count, price and end."""
    terms = Terms(
        licence=BY_GRANT,
        permissions=frozenset({USE_STYLE, COMMERCIALIZE}),
        constraints=(
            Constraint("purpose", "isAnyOf", ("advertising", "editorial")),
            Constraint("spatial", "isAnyOf", (place, "JP")),
            Constraint("dateTime", "lt", (f"20{30 + number % 60}-01-01T00:00:00+00:00",)),
            Constraint("count", "lteq", (str(100 + number),)),
        ),
        price=Price(Money(number, "EUR"), "image"),
    )
    return Right(basis="grant", terms=terms, id=str(number), terms_digest=str(number), splits=(("p", 10_000),))


def subjects(*, place: str) -> list[Subject]:
    """Return a model and references that share a thousand grants."""
    grants = [a_grant(number, place=place) for number in range(GRANTS)]
    model = Subject(kind="model", id="m", name="M", needs=RUN, rights=model_rights("CC0-1.0"))
    return [
        model,
        *(
            Subject(kind="style", id=str(each), name="S", needs=USE_STYLE, rights=tuple(grants[each::REFERENCES]))
            for each in range(REFERENCES)
        ),
    ]


def _p50(act: Callable[[], Decision]) -> float:
    """Return the median milliseconds of this thread: what others do on the machine does not count."""
    times = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        act()
        times.append(1000 * (time.thread_time() - began))
    return statistics.median(times)


def measured() -> list[tuple[str, str, str]]:
    """Return the rows: where the cheapest grant fits, and where all thousand are tried in vain."""
    fitting, barred = subjects(place="EU"), subjects(place="US")
    assert decide(fitting, asked=ASKED).is_permitted and not decide(barred, asked=ASKED).is_permitted
    name = f"decision, {REFERENCES} references, {GRANTS:,} grants, p50"
    return [
        (name, f"{_p50(lambda: decide(fitting, asked=ASKED)):.2f} ms", "<= 2 ms"),
        (f"{name}, none fits", f"{_p50(lambda: decide(barred, asked=ASKED)):.2f} ms", "worst case"),
    ]


if __name__ == "__main__":
    for row in measured():
        print(*row, sep="  ")
