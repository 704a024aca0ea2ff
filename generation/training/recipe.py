"""How a style is trained: what an owner may choose, within which bounds, and what it is otherwise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from generation.request import InvalidRequest, invalid
from provenance.canonical import Digest, canonical_json, sha256_digest

LEAST_WORKS = 3
MOST_WORKS = 2_000
RANKS = (1, 128)
STEPS = (1, 20_000)
MINUTES = (0.1, 1_440.0)
RATES = (1e-6, 1e-2)
BATCHES = (1, 256)
MOST_HELD_OUT = 0.5
MOST_SEED = 2**32 - 1
VIEWS_A_WORK = 390
"""How often each work is shown where nothing else is asked: what the first adapters needed to know their works."""
DEFAULT_STEPS = (60, 2_000)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides an adapter besides its works and its model."""

    rank: int = 16
    learning_rate: float = 1.5e-3
    batch: int = 32
    steps: int | None = None
    """How many; None where the time decides."""
    minutes: float | None = None
    """Processor minutes on all cores of the machine, or minutes on another device."""
    warm_up: int = 30
    seed: int = 1
    held_out: float = 0.0
    """Share of the works that are kept back, to see whether the style is learned and not only its works."""

    def as_json(self) -> dict[str, Any]:
        """Return the recipe as it is recorded: numbers that are no integers as text."""
        values = asdict(self)
        for name in ("learning_rate", "held_out", "minutes"):
            values[name] = None if values[name] is None else repr(float(values[name]))
        values["seed"] = str(self.seed)
        return values

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Recipe:
        """Return the recipe that ``as_json`` wrote."""
        return cls(
            **{
                **value,
                "learning_rate": float(value["learning_rate"]),
                "held_out": float(value["held_out"]),
                "minutes": None if value["minutes"] is None else float(value["minutes"]),
                "seed": int(value["seed"]),
            }
        )

    def digest(self) -> Digest:
        """Return the digest of the canonical recipe."""
        return sha256_digest(canonical_json(self.as_json()))


def settled_recipe(asked: Recipe, *, works: int) -> Recipe:
    """Return a recipe that says how long it takes for so many works; raise InvalidRequest naming a wrong field."""
    fault = _fault(asked)
    if fault is not None:
        raise fault
    if asked.steps is not None or asked.minutes is not None:
        return asked
    least, most = DEFAULT_STEPS
    return replace(asked, steps=min(most, max(least, round(works * VIEWS_A_WORK / asked.batch))))


def _fault(asked: Recipe) -> InvalidRequest | None:
    bounds: dict[str, tuple[float, float]] = {
        "rank": RANKS, "learning_rate": RATES, "batch": BATCHES, "warm_up": (0, STEPS[1]), "seed": (0, MOST_SEED),
        "held_out": (0, MOST_HELD_OUT), "steps": STEPS, "minutes": MINUTES,
    }  # fmt: skip
    for name, (least, most) in bounds.items():
        value = getattr(asked, name)
        if value is not None and not (math.isfinite(value) and least <= value <= most):
            return invalid(name, f"is between {least:g} and {most:g}.", f"应在 {least:g} 与 {most:g} 之间。")
    if asked.steps is not None and asked.minutes is not None:
        return invalid("minutes", "is given together with steps; name one of them.", "与 steps 只能填写其一。")
    return None


def held_out_of(digests: list[Digest], *, recipe: Recipe) -> set[Digest]:
    """Return which works are kept back: the same ones for the same works and seed, and never all but two."""
    wanted = min(round(len(digests) * recipe.held_out), len(digests) - LEAST_WORKS)
    drawn = sorted(digests, key=lambda digest: sha256_digest(f"{recipe.seed} {digest}".encode()))
    return set(drawn[: max(0, wanted)])
