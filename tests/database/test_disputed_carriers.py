"""What is in dispute or rejected stays so, whatever its owner, a training, a model or a flag does meanwhile."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from django.db import transaction

from generation.actions.training.running import train_next
from provenance.actor import COLOPHON
from provenance.audit_log.models import Entry
from provenance.works.actions.disputing import end_dispute, put_in_dispute, reject
from provenance.works.actions.flagging import decide_flag
from provenance.works.actions.styles import carry_by_adapter, leave_style_behind, rebind_style
from provenance.works.errors import WrongState
from provenance.works.models import Flag, Style, Work
from tests.database.test_flags import a_painting, encoded, listed
from tests.factories.records import an_artist, an_auditor, kinds_of_entries
from tests.factories.trainings import Studio, Watched, a_studio, a_trainer, asked

STOPS = {"disputed": put_in_dispute, "rejected": reject}


@transaction.atomic
def stopped(kind: str, pk: UUID, state: str) -> object:
    """Let a dispute stop a work or style, or end with its rejection."""
    return STOPS[state](COLOPHON, kind, pk)


def state_of(studio: Studio) -> str:
    return Style.objects.get(pk=studio.style.pk).state


@pytest.mark.django_db
@pytest.mark.parametrize("state", STOPS)
def test_a_style_that_is_stopped_is_given_no_carrier_by_anybody(state: str) -> None:
    studio = a_studio()
    digest = studio.model.digest
    stopped("style", studio.style.pk, state)
    before = Entry.objects.count()
    with pytest.raises(WrongState):
        carry_by_adapter(
            actor=studio.painter.actor(), style=studio.style, adapter=b"lora", works=studio.works, model_digest=digest
        )
    with pytest.raises(WrongState):
        rebind_style(actor=COLOPHON, style=studio.style, works=studio.works, model_digest=digest, token="t")
    with pytest.raises(WrongState):
        leave_style_behind(actor=COLOPHON, style=studio.style, model_digest=digest)
    with pytest.raises(WrongState):
        asked(studio)
    assert state_of(studio) == state and Entry.objects.count() == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("state", STOPS)
@pytest.mark.parametrize("step", [0, 4])
def test_a_training_ends_without_a_carrier_where_its_style_was_stopped(keys: Path, state: str, step: int) -> None:
    studio, trainer = a_studio(), Watched()
    run = asked(studio)
    if step:
        trainer.at[step] = lambda: stopped("style", studio.style.pk, state)
    else:
        stopped("style", studio.style.pk, state)
    assert train_next(worker=a_trainer(keys, trainer=trainer))
    run.refresh_from_db()
    assert run.state == "failed" and run.fault["code"] == "wrong-state"
    assert state_of(studio) == state and bool(trainer.orders) == bool(step)


@pytest.fixture
def flag() -> Flag:
    """Flag a work that is its owner's and near another's."""
    listed(an_artist("painter"), "Painter", encoded(a_painting()))
    return Flag.objects.get(work=listed(an_artist("copier"), "Copier", encoded(a_painting(), "JPEG", quality=60)))


@pytest.mark.django_db
@pytest.mark.parametrize(("decision", "after"), [("cleared", "active"), ("rejected", "rejected"), ("", "flagged")])
def test_a_flagged_work_in_dispute_stays_there_until_the_dispute_is_over(flag: Flag, decision: str, after: str) -> None:
    assert stopped("work", flag.work_id, "disputed") == "flagged"
    if decision:
        decide_flag(actor=an_auditor().actor(), flag_id=flag.pk, decision=decision, reason="Looked.")
    assert Work.objects.get(pk=flag.work_id).state == "disputed"
    with transaction.atomic():
        end_dispute(COLOPHON, "work", flag.work_id, state="flagged")
    assert Work.objects.get(pk=flag.work_id).state == after
    assert kinds_of_entries()[-1] == "WorkDisputeOver"


@pytest.mark.django_db
def test_a_rejected_work_is_not_brought_back_by_clearing_its_flag(flag: Flag) -> None:
    stopped("work", flag.work_id, "rejected")
    decide_flag(actor=an_auditor().actor(), flag_id=flag.pk, decision="cleared", reason="Looked.")
    assert Work.objects.get(pk=flag.work_id).state == "rejected"
