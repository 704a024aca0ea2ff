"""Styles and what carries them: none yet, an adapter later, and back again when their owner says so."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

import pytest

from generation.models import ImageModel
from provenance import storage
from provenance.audit_log.models import Entry
from provenance.canonical import sha256_digest
from provenance.licensing.actions.offering import offer_openly
from provenance.licensing.actions.opting_out import record_opt_out
from provenance.licensing.actions.styles import register_style
from provenance.licensing.errors import WorkNotUsable
from provenance.works.actions.styles import bring_back_style, carry_by_adapter, withdraw_style
from provenance.works.binding import works_digest
from provenance.works.errors import NotTheOwner, StyleHasNoWorks, StyleNotReady, WorkNotListed, WrongState
from provenance.works.models import Party, Style, Work
from server.accounts.models import Account
from tests.factories.records import a_model, a_party, a_request, a_work, an_artist, in_style, kinds_of_entries

pytestmark = pytest.mark.django_db


@dataclass
class Stand:
    """A painter's style that is still to be trained on two of the painter's works."""

    model: ImageModel
    painter: Account
    party: Party
    works: list[Work]
    style: Style

    def carry(self, **more: object) -> Style:
        values = {"adapter": b"lora", "works": self.works, "model_digest": self.model.digest, **more}
        return carry_by_adapter(actor=self.painter.actor(), style=self.style, **values)  # type: ignore[arg-type]


@pytest.fixture
def stand() -> Stand:
    model, painter = a_model(), an_artist("painter")
    party = a_party("Painter", member=painter)
    works = [a_work(painter, party, seed=seed) for seed in (1, 2)]
    style = register_style(
        actor=painter.actor(), party=party, slug="wave", name="Wave", works=works, model_digest=model.digest,
        is_untrained=True,
    )  # fmt: skip
    return Stand(model, painter, party, works, style)


def test_an_untrained_style_stands_in_the_books_and_cannot_be_drawn_with(stand: Stand) -> None:
    assert (stand.style.state, stand.style.carrier) == ("untrained", "none")
    before = Entry.objects.count()
    with pytest.raises(StyleNotReady, match="trained"):
        a_request(stand.painter, **in_style(stand.style))
    assert Entry.objects.count() == before


def test_a_trained_adapter_carries_the_style_and_the_log_says_on_which_works(stand: Stand) -> None:
    training = uuid4()
    style = stand.carry(training=training)
    assert (style.state, style.carrier, style.adapter_digest) == ("active", "adapter", sha256_digest(b"lora"))
    assert storage.load(style.adapter_digest) == b"lora"
    details = Entry.objects.get(kind="StyleCarried").opening.details
    assert details["works_digest"] == works_digest(work.digest for work in stand.works)
    assert details["training"] == str(training)
    (row,) = a_request(stand.painter, **in_style(style)).references
    assert row["adapter"] == row["digest"] == style.adapter_digest and row["digest_of"] == "adapter-file"


def test_a_work_that_opts_out_suspends_the_style_until_it_is_trained_without_it(stand: Stand) -> None:
    stand.carry()
    offer_openly(
        actor=stand.painter.actor(), party=stand.party, subject_kind="style", subject_id=stand.style.pk,
        licence="CC-BY-4.0",
    )  # fmt: skip
    artist, (first, second) = an_artist(), stand.works
    assert a_request(artist, **in_style(stand.style)).state == "queued"
    record_opt_out(
        actor=stand.painter.actor(), party=stand.party, subject_kind="work", subject_id=first.pk, source="form"
    )
    assert a_request(artist, **in_style(stand.style)).state == "refused"
    stand.carry(adapter=b"without the first", works=[second])
    assert a_request(artist, **in_style(stand.style)).state == "queued"


@pytest.mark.parametrize("works", ["none", "another's"])
def test_an_adapter_trained_on_works_that_the_style_does_not_list_is_not_taken(stand: Stand, works: str) -> None:
    other = a_work(stand.painter, stand.party, seed=3)
    fault = StyleHasNoWorks if works == "none" else WorkNotListed
    before = Entry.objects.count()
    with pytest.raises(fault):
        stand.carry(works=[] if works == "none" else [*stand.works, other])
    stand.style.refresh_from_db()
    assert stand.style.state == "untrained" and Entry.objects.count() == before


def test_a_stranger_gives_nobodys_style_a_carrier(stand: Stand) -> None:
    stand.painter = an_artist("stranger")
    with pytest.raises(NotTheOwner):
        stand.carry()
    assert Style.objects.get().carrier == "none"


def test_a_withdrawn_style_is_refused_until_it_is_brought_back(stand: Stand) -> None:
    style = withdraw_style(actor=stand.painter.actor(), style=stand.carry())
    assert a_request(stand.painter, **in_style(style)).state == "refused"
    with pytest.raises(WrongState):
        withdraw_style(actor=stand.painter.actor(), style=style)
    with pytest.raises(WrongState):
        stand.carry()
    style = bring_back_style(actor=stand.painter.actor(), style=style)
    assert style.state == "active" and a_request(stand.painter, **in_style(style)).state == "queued"
    assert kinds_of_entries().count("StyleWithdrawn") == kinds_of_entries().count("StyleBroughtBack") == 1


def test_an_untrained_style_comes_back_untrained(stand: Stand) -> None:
    withdraw_style(actor=stand.painter.actor(), style=stand.style)
    assert bring_back_style(actor=stand.painter.actor(), style=stand.style).state == "untrained"


def test_a_work_whose_licence_forbids_adapting_is_not_trained_on(stand: Stand) -> None:
    other = an_artist("noa")
    closed = a_work(other, a_party("Noa", member=other), seed=9, licence="CC-BY-ND-4.0")
    with pytest.raises(WorkNotUsable):
        register_style(
            actor=stand.painter.actor(), party=stand.party, slug="nd", name="ND", works=[closed],
            model_digest=stand.model.digest, is_untrained=True,
        )  # fmt: skip
    with pytest.raises(StyleHasNoWorks):
        register_style(
            actor=stand.painter.actor(), party=stand.party, slug="none", name="None", works=[],
            model_digest=stand.model.digest, token="none",
        )  # fmt: skip
    assert Style.objects.count() == 1
