"""Refused at the last moment: what opted out, was revoked or was registered between request and rendering."""

from __future__ import annotations

from pathlib import Path

import pytest

from generation.actions.rendering import render_next
from provenance.audit_log.models import Entry
from provenance.licensing.actions.granting import give_grant, revoke_grant
from provenance.licensing.actions.offering import offer_by_grant
from provenance.licensing.actions.opting_out import record_opt_out
from tests.database.test_rendering import Watched, ended
from tests.factories.records import (
    a_model,
    a_party,
    a_request,
    a_style,
    a_worker,
    an_artist,
    in_style,
)

# A worker renews its lease from a connection of its own, which sees only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)


def test_an_opt_out_between_request_and_rendering_refuses(keys: Path) -> None:
    owner = an_artist("ada")
    party = a_party(member=owner)
    style = a_style(a_model(), party=party)
    generation = a_request(an_artist(), **in_style(style))
    record_opt_out(actor=owner.actor(), party=party, subject_kind="style", subject_id=style.pk, source="form")
    pipeline = Watched()
    render_next(worker=a_worker(keys, pipeline=pipeline))
    refused = ended(generation, "refused", "RenderingStarted", "GenerationRefused")
    assert pipeline.orders == [] and "opted out" in refused.fault["en"]
    assert Entry.objects.get(kind="GenerationRefused").opening.details["stage"] == "rendering"


def test_a_grant_revoked_between_request_and_rendering_refuses(keys: Path) -> None:
    owner, artist = an_artist("ada"), an_artist()
    party = a_party(member=owner)
    style = a_style(a_model(), party=party, licence="")
    offer = offer_by_grant(actor=owner.actor(), party=party, subject_kind="style", subject_id=style.pk)
    grant = give_grant(actor=owner.actor(), offer=offer, licensee_id=artist.pk)
    generation = a_request(artist, **in_style(style))
    revoke_grant(actor=owner.actor(), grant=grant)
    render_next(worker=a_worker(keys))
    refused = ended(generation, "refused", "RenderingStarted", "GenerationRefused")
    assert refused.decision["permitted"] is False


def test_a_request_that_stands_on_another_basis_by_now_is_drawn_and_says_so(keys: Path) -> None:
    owner, artist = an_artist("ada"), an_artist()
    party = a_party(member=owner)
    style = a_style(a_model(), party=party, licence="CC-BY-4.0")
    offer = offer_by_grant(actor=owner.actor(), party=party, subject_kind="style", subject_id=style.pk)
    grant = give_grant(actor=owner.actor(), offer=offer, licensee_id=artist.pk)
    generation = a_request(artist, **in_style(style))
    assert generation.decision["references"][1]["basis"] == "grant"
    revoke_grant(actor=owner.actor(), grant=grant)
    render_next(worker=a_worker(keys))
    told = ["RenderingStarted", "DecisionRenewed", "MarkingStarted", "OutputDelivered", "GenerationDone"]
    done = ended(generation, "done", *told)
    assert done.decision["references"][1]["basis"] == "open-licence"


def test_a_name_that_was_registered_since_refuses_too(keys: Path) -> None:
    model = a_model()
    generation = a_request(an_artist(), prompt="a cat by Ada Painter")
    a_style(model, licence="")
    render_next(worker=a_worker(keys))
    ended(generation, "refused", "RenderingStarted", "GenerationRefused")


def test_an_opt_out_after_the_claim_comes_too_late_for_this_picture(keys: Path) -> None:
    owner = an_artist("ada")
    party = a_party(member=owner)
    style = a_style(a_model(), party=party)
    generation = a_request(an_artist(), **in_style(style))

    def opt_out(number: int) -> None:
        if number == 1:
            record_opt_out(actor=owner.actor(), party=party, subject_kind="style", subject_id=style.pk, source="form")

    render_next(worker=a_worker(keys, pipeline=Watched(at_step=opt_out)))
    ended(generation, "done", "RenderingStarted", "MarkingStarted", "OutputDelivered", "GenerationDone")
