"""Makers of styles that wait for their adapter, and of workers that train them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from generation.actions.training.requesting import request_training
from generation.actions.training.running import TrainingWorker, train_next
from generation.models import ImageModel, TrainingRun
from generation.training.contract import StepTrained, Trained, TrainingOrder
from generation.training.recipe import Recipe
from generation.training.stand_in import StandInTrainer
from provenance.audit_log.models import Entry
from provenance.credentials.development_ca import DevelopmentCA
from provenance.licensing.actions.styles import register_style
from provenance.works.models import Party, Style, Work
from server.accounts.models import Account
from tests.factories.records import a_model, a_party, a_work, an_artist


@dataclass
class Studio:
    """A painter with works of her own and a style that waits for its adapter."""

    painter: Account
    party: Party
    model: ImageModel
    works: list[Work]
    style: Style


def a_studio(*, works: int = 4, name: str = "Cut Paper") -> Studio:
    """Record a painter, her works, and an untrained style of them."""
    model, painter = a_model(), an_artist("ada")
    party = a_party("Ada Painter", member=painter)
    own = [a_work(painter, party, seed=10 + n, title=f"Wave {n}") for n in range(works)]
    style = register_style(
        actor=painter.actor(), party=party, slug="cut-paper", name=name, name_zh="剪纸", works=own,
        model_digest=model.digest, is_untrained=True,
    )  # fmt: skip
    return Studio(painter, party, model, own, style)


def asked(studio: Studio, *, purpose: str = "", **recipe: Any) -> TrainingRun:
    """Ask for the studio's style as its owner: eight steps unless told otherwise."""
    return request_training(
        actor=studio.painter.actor(), style=studio.style, recipe=Recipe(**{"steps": 8, **recipe}), purpose=purpose
    )


@dataclass
class Watched:
    """A trainer that lets a test act at a step, and remembers what it was given."""

    at: dict[int, Callable[[], object]] = field(default_factory=dict)
    orders: list[TrainingOrder] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)

    def train(
        self, order: TrainingOrder, *, on_step: Callable[[StepTrained], None], between: Callable[[], None]
    ) -> Trained:
        """Train as the stand-in does."""
        self.orders.append(order)

        def told(step: StepTrained) -> None:
            self.steps.append(step.number)
            self.at.get(step.number, lambda: None)()
            on_step(step)

        return StandInTrainer().train(order, on_step=told, between=between)


def a_trainer(keys: Path, *, trainer: Any = None, **changes: Any) -> TrainingWorker:
    """Return a training worker with the stand-in and a development key of its own."""
    authority = DevelopmentCA(keys)
    values: dict[str, Any] = {
        "name": "trainer", "trainer": lambda: trainer or StandInTrainer(), "lease_seconds": 30, "yields": True,
        "checkpoint_seconds": 30.0, "signing_key": lambda: authority.signing_key(now=datetime.now(UTC)),
    }  # fmt: skip
    return TrainingWorker(**(values | changes))


def trained(studio: Studio, keys: Path, **recipe: Any) -> TrainingRun:
    """Ask for the studio's style and train it."""
    run = asked(studio, **recipe)
    assert train_next(worker=a_trainer(keys))
    run.refresh_from_db()
    assert run.state == "done", run.fault
    return run


def told_of(run: TrainingRun) -> list[str]:
    """Return the kinds of the entries about a training, oldest first."""
    entries = Entry.objects.filter(opening__details__training=str(run.pk)).order_by("at", "id")
    return list(entries.values_list("kind", flat=True))
