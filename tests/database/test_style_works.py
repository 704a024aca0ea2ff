"""Styles stand on their works: what stops a work stops the style, and its terms bound the style's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from generation.actions.rendering import render_next
from generation.models import Generation, ImageModel
from provenance.actor import COLOPHON
from provenance.audit_log.models import Entry
from provenance.licensing.actions.granting import give_grant, revoke_grant
from provenance.licensing.actions.offering import offer_by_grant, offer_openly
from provenance.licensing.actions.opting_out import record_opt_out
from provenance.licensing.actions.styles import rebind_style, register_style
from provenance.licensing.errors import TermsTooWide, WorkNotUsable
from provenance.licensing.models import Offer
from provenance.licensing.queries import offers as queries
from provenance.licensing.terms import COMMERCIALIZE
from provenance.works.errors import NotTheOwner, UnknownWork
from provenance.works.models import Party, Style, Work
from server.accounts.models import Account
from tests.factories.records import (
    a_model,
    a_party,
    a_request,
    a_style,
    a_work,
    a_worker,
    an_artist,
    as_image,
    in_style,
)
from tests.simulators.caller import Caller

pytestmark = pytest.mark.django_db


@dataclass
class Stand:
    """A style of a studio that stands on its own work and on another painter's open one."""

    model: ImageModel
    studio: Account
    party: Party
    painter: Account
    painters: Party
    own: Work
    open: Work
    style: Style


@pytest.fixture
def stand() -> Stand:
    model, studio, painter = a_model(), an_artist("studio"), an_artist("painter")
    party, painters = a_party("Studio", member=studio), a_party("Pia Painter", member=painter)
    own = a_work(studio, party, seed=1, title="Private sketch")
    free = a_work(painter, painters, seed=2, title="Open wave", licence="CC-BY-4.0")
    style = a_style(model, party=party, works=[own, free], actor=studio.actor(), licence="CC-BY-4.0")
    return Stand(model, studio, party, painter, painters, own, free, style)


def opt_out(account: Account, party: Party, *, work: Work | None = None) -> None:
    kind, subject = ("work", work.pk) if work else ("party", party.pk)
    record_opt_out(actor=account.actor(), party=party, subject_kind=kind, subject_id=subject, source="form")


def refused_for(generation: Generation, code: str, *, naming: str) -> None:
    """The request is refused for the style alone, and the reason names the work in both languages."""
    generation.refresh_from_db()
    assert generation.state == "refused"
    (answer,) = [one for one in generation.decision["references"] if not one["permitted"]]
    assert [reason["code"] for reason in answer["reasons"]] == [code]
    assert all(naming in answer["reasons"][0][language] for language in ("en", "zh-Hans"))


# ---- what stops a work stops the style ------------------------------------------------------------------------


def test_a_style_is_refused_when_a_work_behind_it_opts_out(stand: Stand) -> None:
    artist = an_artist()
    assert a_request(artist, **in_style(stand.style)).state == "queued"
    opt_out(stand.painter, stand.painters, work=stand.open)
    refused_for(a_request(artist, **in_style(stand.style)), "work-opted-out", naming="Open wave")


def test_a_style_is_refused_when_the_owner_of_a_work_behind_it_opts_out_of_everything(stand: Stand) -> None:
    opt_out(stand.painter, stand.painters)
    refused_for(a_request(an_artist(), **in_style(stand.style)), "work-opted-out", naming="Open wave")


@pytest.mark.parametrize("state", ["disputed", "withdrawn"])
def test_a_style_is_refused_while_a_work_behind_it_is_disputed_or_withdrawn(stand: Stand, state: str) -> None:
    Work.objects.filter(pk=stand.open.pk).update(state=state)
    refused_for(a_request(an_artist(), **in_style(stand.style)), "work-withdrawn", naming="Open wave")
    refused_for(a_request(stand.studio, **in_style(stand.style)), "work-withdrawn", naming="Open wave")


def test_a_private_work_is_named_by_its_title_to_its_owner_and_by_its_id_to_others(stand: Stand) -> None:
    opt_out(stand.studio, stand.party, work=stand.own)
    refused_for(a_request(stand.studio, **in_style(stand.style)), "work-opted-out", naming="Private sketch")
    others = a_request(an_artist(), **in_style(stand.style))
    refused_for(others, "work-opted-out", naming=str(stand.own.pk))
    assert "Private sketch" not in str(others.decision) + str(others.fault)


@pytest.mark.parametrize("prompt", ["a cat, fxemoji", "a cat by Studio"])
def test_writing_the_name_is_refused_as_declaring_the_style_is(stand: Stand, prompt: str) -> None:
    assert a_request(an_artist(), prompt=prompt).state == "queued"
    opt_out(stand.painter, stand.painters, work=stand.open)
    assert a_request(an_artist("noa"), prompt=prompt).state == "refused"


@pytest.mark.django_db(transaction=True)
def test_a_work_that_opts_out_between_request_and_rendering_stops_the_style(stand: Stand, keys: Path) -> None:
    generation = a_request(an_artist(), **in_style(stand.style))
    opt_out(stand.painter, stand.painters, work=stand.open)
    render_next(worker=a_worker(keys))
    refused_for(generation, "work-opted-out", naming="Open wave")


def test_what_changed_since_a_picture_tells_of_the_works_behind_its_style(stand: Stand) -> None:
    at = Entry.objects.latest("at").at
    assert queries.changed_since([stand.style.pk], grants=[], at=at) == []
    opt_out(stand.painter, stand.painters, work=stand.open)
    assert queries.changed_since([stand.style.pk], grants=[], at=at) == [stand.open.pk]


def test_many_works_that_opted_out_are_counted_and_only_three_named(stand: Stand) -> None:
    works = [
        a_work(stand.painter, stand.painters, seed=seed, title=f"W{seed}", licence="CC0-1.0") for seed in range(3, 7)
    ]
    style = a_style(stand.model, party=stand.party, actor=stand.studio.actor(), slug="many", token="many", works=works)
    opt_out(stand.painter, stand.painters)
    generation = a_request(an_artist(), **in_style(style))
    refused_for(generation, "work-opted-out", naming="“W5”")
    assert "and 1 more" in generation.fault["en"] and "等 4 件" in generation.fault["zh-Hans"]


# ---- a grant of a work can be used ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["work", "party"])
def test_a_private_work_goes_in_for_whoever_holds_a_grant_and_for_nobody_else(stand: Stand, kind: str) -> None:
    subject = stand.own.pk if kind == "work" else stand.party.pk
    actor, licensee = stand.studio.actor(), an_artist("mara")
    with pytest.raises(UnknownWork):
        a_request(licensee, **as_image(stand.own))
    offer = offer_by_grant(actor=actor, party=stand.party, subject_kind=kind, subject_id=subject)
    grant = give_grant(actor=actor, offer=offer, licensee_id=licensee.pk)
    generation = a_request(licensee, **as_image(stand.own))
    answer = generation.decision["references"][1]
    assert (generation.state, answer["basis"], answer["right"]) == ("queued", "grant", str(grant.pk))
    with pytest.raises(UnknownWork):
        a_request(an_artist("noa"), **as_image(stand.own))
    revoke_grant(actor=actor, grant=grant)
    with pytest.raises(UnknownWork):
        a_request(licensee, **as_image(stand.own))


def test_granted_works_are_listed_and_shown_to_the_licensee_alone(stand: Stand) -> None:
    actor, licensee = stand.studio.actor(), an_artist("mara")
    offer = offer_by_grant(actor=actor, party=stand.party, subject_kind="work", subject_id=stand.own.pk)
    give_grant(actor=actor, offer=offer, licensee_id=licensee.pk)
    for account, titles in ((licensee, {"Private sketch", "Open wave"}), (an_artist("noa"), {"Open wave"})):
        caller = Caller(account)
        assert {row["title"] for row in caller.get("/api/v1/works").json()["results"]} == titles
        shown = caller.get(f"/api/v1/works/{stand.own.pk}/preview").status_code
        assert shown == (200 if "Private sketch" in titles else 404)


# ---- who may tie a style to which works -----------------------------------------------------------------------


def nothing_written(before: int) -> None:
    assert Style.objects.count() == 1 and Entry.objects.count() == before


def test_a_style_on_somebody_elses_private_work_is_refused_without_its_title(stand: Stand) -> None:
    before = Entry.objects.count()
    with pytest.raises(WorkNotUsable) as caught:
        a_style(stand.model, party=stand.painters, actor=stand.painter.actor(), slug="x", works=[stand.own])
    assert "Private" not in str(caught.value.values) and str(stand.own.pk) in caught.value.said("zh-Hans")
    nothing_written(before)


def test_a_style_on_a_work_whose_licence_forbids_such_use_is_refused(stand: Stand) -> None:
    work = a_work(stand.painter, stand.painters, seed=5, title="Untouched", licence="CC-BY-ND-4.0")
    before = Entry.objects.count()
    with pytest.raises(WorkNotUsable, match="Untouched"):
        a_style(stand.model, party=stand.party, actor=stand.studio.actor(), slug="x", works=[work])
    nothing_written(before)


def test_a_style_on_a_work_that_opted_out_is_refused_to_its_own_party_too(stand: Stand) -> None:
    opt_out(stand.painter, stand.painters, work=stand.open)
    before = Entry.objects.count()
    for account, party in ((stand.studio, stand.party), (stand.painter, stand.painters)):
        with pytest.raises(WorkNotUsable, match="Open wave"):
            a_style(stand.model, party=party, actor=account.actor(), slug="x", works=[stand.open])
    nothing_written(before)


def test_nobody_registers_a_style_for_a_party_that_is_not_theirs(stand: Stand) -> None:
    before = Entry.objects.count()
    with pytest.raises(NotTheOwner):
        a_style(stand.model, party=stand.party, actor=stand.painter.actor(), slug="x", works=[stand.open])
    nothing_written(before)


def test_who_acts_for_both_owners_ties_a_style_to_both_their_works(stand: Stand) -> None:
    other = a_party("Second studio", member=stand.studio)
    work = a_work(stand.studio, other, seed=6)
    style = a_style(
        stand.model, party=stand.party, actor=stand.studio.actor(), slug="both", works=[stand.own, work], licence=""
    )
    assert set(style.works.all()) == {stand.own, work}


# ---- a style's terms are no wider than its works' -------------------------------------------------------------


@pytest.mark.parametrize("licence", ["CC0-1.0", "MIT", "Apache-2.0"])
def test_an_open_offer_wider_than_a_works_terms_is_refused(stand: Stand, licence: str) -> None:
    offers, before = Offer.objects.count(), Entry.objects.count()
    with pytest.raises(TermsTooWide, match="Open wave"):
        offer_openly(
            actor=stand.studio.actor(), party=stand.party, subject_kind="style", subject_id=stand.style.pk,
            licence=licence,
        )  # fmt: skip
    assert Offer.objects.count() == offers and Entry.objects.count() == before


@pytest.mark.parametrize("licence", ["CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0"])
def test_an_open_offer_as_narrow_as_its_works_stands(stand: Stand, licence: str) -> None:
    offer = offer_openly(
        actor=stand.studio.actor(), party=stand.party, subject_kind="style", subject_id=stand.style.pk, licence=licence
    )
    assert offer.licence == licence


def test_a_grant_of_a_style_carries_the_duties_of_others_works_and_leaves_ones_own_to_oneself(stand: Stand) -> None:
    free = a_work(stand.painter, stand.painters, seed=7, licence="CC-BY-NC-4.0")
    own = a_work(stand.studio, stand.party, seed=8, licence="CC-BY-SA-4.0")
    style = a_style(stand.model, party=stand.party, actor=stand.studio.actor(), slug="g", works=[free, own], licence="")
    offer = offer_by_grant(actor=stand.studio.actor(), party=stand.party, subject_kind="style", subject_id=style.pk)
    assert COMMERCIALIZE not in offer.terms["permissions"]
    duties = {duty["action"] for duty in offer.terms["duties"]}
    assert "attribute" in duties and "nextPolicy" not in duties


def test_a_style_is_not_bound_anew_to_works_narrower_than_its_standing_offer() -> None:
    model, party = a_model(), a_party()
    painter = an_artist("painter")
    painters = a_party("Pia Painter", member=painter)
    work = a_work(painter, painters, seed=9, title="Not for sale", licence="CC-BY-NC-4.0")
    style = register_style(
        actor=COLOPHON, party=party, slug="s", name="S", works=[], model_digest=model.digest, token="s"
    )
    offer_openly(actor=COLOPHON, party=party, subject_kind="style", subject_id=style.pk, licence="CC-BY-4.0")
    before = Entry.objects.count()
    with pytest.raises(TermsTooWide, match="Not for sale"):
        rebind_style(actor=COLOPHON, style=style, works=[work], model_digest=model.digest, token="s")
    assert not style.works.exists() and Entry.objects.count() == before
