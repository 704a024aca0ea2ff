"""Offers, grants, revocations and opt-outs: recorded by the owner alone, and felt by the next decision."""

from __future__ import annotations

from datetime import timedelta

import pytest

from provenance.audit_log.models import Entry
from provenance.licensing.actions.granting import give_grant, revoke_grant
from provenance.licensing.actions.offering import offer_by_grant, offer_openly
from provenance.licensing.actions.opting_out import record_opt_out
from provenance.licensing.errors import AlreadyRevoked, UnknownLicence
from provenance.licensing.models import Grant, GrantEvent, Offer, OptOut
from provenance.licensing.queries import offers as queries
from provenance.licensing.terms import OPEN_LICENCES
from provenance.works.errors import NotTheOwner
from provenance.works.models import Party, Style
from server.accounts.models import Account
from tests.factories.records import a_model, a_party, a_request, a_style, an_artist, in_style, kinds_of_entries

pytestmark = pytest.mark.django_db


def an_owner_with_a_style(**style: str) -> tuple[Account, Party, Style]:
    owner = an_artist("ada")
    party = a_party(member=owner)
    return owner, party, a_style(a_model(), party=party, **style)  # type: ignore[arg-type]  # texts only


def about(style: Style) -> dict[str, object]:
    return {"subject_kind": "style", "subject_id": style.pk}


def test_an_open_offer_is_recorded_with_the_digest_of_its_terms() -> None:
    _, _, style = an_owner_with_a_style(licence="CC-BY-4.0")
    offer = queries.open_offers("style")[style.pk]
    assert offer.terms_digest == OPEN_LICENCES["CC-BY-4.0"].digest()
    entry = Entry.objects.get(kind="OfferPublished")
    assert entry.opening.details["terms_digest"] == offer.terms_digest


def test_an_unknown_licence_is_refused_with_those_that_there_are() -> None:
    owner, party, style = an_owner_with_a_style(licence="")
    before = Entry.objects.count()
    with pytest.raises(UnknownLicence, match=r"WTFPL.*CC-BY-4\.0"):
        offer_openly(actor=owner.actor(), party=party, licence="WTFPL", **about(style))  # type: ignore[arg-type]
    assert not Offer.objects.exists() and Entry.objects.count() == before


def test_nobody_offers_grants_or_opts_out_what_is_not_theirs() -> None:
    owner, party, style = an_owner_with_a_style(licence="")
    offer = offer_by_grant(actor=owner.actor(), party=party, **about(style))  # type: ignore[arg-type]
    thief = an_artist("noa")
    own = a_party("Noa", member=thief)
    before = Entry.objects.count()
    with pytest.raises(NotTheOwner):
        offer_openly(actor=thief.actor(), party=own, licence="CC0-1.0", **about(style))  # type: ignore[arg-type]
    for theirs in (own, party):
        with pytest.raises(NotTheOwner):
            offer_by_grant(actor=thief.actor(), party=theirs, **about(style))  # type: ignore[arg-type]
        with pytest.raises(NotTheOwner):
            record_opt_out(actor=thief.actor(), party=theirs, source="form", **about(style))  # type: ignore[arg-type]
    with pytest.raises(NotTheOwner):
        give_grant(actor=thief.actor(), offer=offer, licensee_id=thief.pk)
    assert list(Offer.objects.all()) == [offer] and not Grant.objects.exists() and not OptOut.objects.exists()
    assert Entry.objects.count() == before


def test_a_grant_lets_its_licensee_in_and_nobody_else() -> None:
    owner, party, style = an_owner_with_a_style(licence="")
    licensee, other = an_artist("mara"), an_artist("noa")
    assert a_request(licensee, **in_style(style)).state == "refused"
    offer = offer_by_grant(actor=owner.actor(), party=party, **about(style))  # type: ignore[arg-type]
    grant = give_grant(actor=owner.actor(), offer=offer, licensee_id=licensee.pk)
    allowed = a_request(licensee, **in_style(style))
    assert allowed.state == "queued"
    answer = allowed.decision["references"][1]
    assert (answer["basis"], answer["right"]) == ("grant", str(grant.pk))
    assert a_request(other, **in_style(style)).state == "refused"
    assert kinds_of_entries()[-4:] == ["OfferPublished", "GrantGiven", "GenerationRequested", "GenerationRefused"]


def test_a_revoked_grant_lets_nobody_in_and_is_revoked_once() -> None:
    owner, party, style = an_owner_with_a_style(licence="")
    licensee = an_artist("mara")
    offer = offer_by_grant(actor=owner.actor(), party=party, **about(style))  # type: ignore[arg-type]
    grant = give_grant(actor=owner.actor(), offer=offer, licensee_id=licensee.pk)
    revoke_grant(actor=owner.actor(), grant=grant)
    assert a_request(licensee, **in_style(style)).state == "refused"
    before = Entry.objects.count()
    with pytest.raises(AlreadyRevoked):
        revoke_grant(actor=owner.actor(), grant=grant)
    assert GrantEvent.objects.count() == 1 and Entry.objects.count() == before


def test_a_licensee_cannot_revoke_and_the_grant_stands() -> None:
    owner, party, style = an_owner_with_a_style(licence="")
    licensee = an_artist("mara")
    offer = offer_by_grant(actor=owner.actor(), party=party, **about(style))  # type: ignore[arg-type]
    grant = give_grant(actor=owner.actor(), offer=offer, licensee_id=licensee.pk)
    with pytest.raises(NotTheOwner):
        revoke_grant(actor=licensee.actor(), grant=grant)
    assert not GrantEvent.objects.exists() and a_request(licensee, **in_style(style)).state == "queued"


@pytest.mark.parametrize("whole_party", [False, True], ids=["one style", "everything of a party"])
def test_an_opt_out_closes_an_open_offer_for_everybody(whole_party: bool) -> None:
    owner, party, style = an_owner_with_a_style(licence="CC-BY-4.0")
    artist = an_artist("mara")
    assert a_request(artist, **in_style(style)).state == "queued"
    subject = {"subject_kind": "party", "subject_id": party.pk} if whole_party else about(style)
    record_opt_out(actor=owner.actor(), party=party, source="form", **subject)  # type: ignore[arg-type]
    refused = a_request(artist, **in_style(style))
    assert refused.state == "refused" and "opted out" in refused.fault["en"]
    assert Entry.objects.filter(kind="OptOutRecorded").count() == 1


def test_the_owner_uses_their_own_style_without_an_offer() -> None:
    owner, _, style = an_owner_with_a_style(licence="")
    own = a_request(owner, **in_style(style))
    assert own.state == "queued" and own.decision["references"][1]["basis"] == "own-work"


def test_what_changed_since_a_moment_is_told() -> None:
    owner, party, style = an_owner_with_a_style(licence="CC-BY-4.0")
    offer = queries.open_offers("style")[style.pk]
    opt_out = record_opt_out(actor=owner.actor(), party=party, source="form", **about(style))  # type: ignore[arg-type]
    assert queries.changed_since([style.pk], grants=[], at=offer.published_at) == [style.pk]
    assert queries.changed_since([style.pk], grants=[], at=opt_out.recorded_at) == []


def test_an_opt_out_of_the_whole_party_changes_what_its_styles_stand_on() -> None:
    owner, party, style = an_owner_with_a_style(licence="CC-BY-4.0")
    offer = queries.open_offers("style")[style.pk]

    record_opt_out(actor=owner.actor(), party=party, subject_kind="party", subject_id=party.pk, source="form")

    assert queries.changed_since([style.pk], grants=[], at=offer.published_at) == [party.pk]


def test_a_revoked_grant_is_a_change_for_those_who_held_it() -> None:
    owner, party, style = an_owner_with_a_style(licence="")
    offer = offer_by_grant(actor=owner.actor(), party=party, **about(style))  # type: ignore[arg-type]
    grant = give_grant(actor=owner.actor(), offer=offer, licensee_id=an_artist("mara").pk)
    revoke_grant(actor=owner.actor(), grant=grant)
    assert queries.changed_since([style.pk], grants=[grant.pk], at=grant.granted_at) == [grant.pk]
    assert queries.changed_since([style.pk], grants=[], at=grant.granted_at) == []


def test_a_replaced_or_paused_offer_is_a_change_for_what_was_permitted_on_it() -> None:
    _, _, style = an_owner_with_a_style(licence="CC-BY-4.0")
    offer = queries.open_offers("style")[style.pk]
    since, later = offer.published_at, offer.published_at + timedelta(seconds=1)
    for column in ("superseded_at", "paused_at"):
        Offer.objects.update(superseded_at=None, paused_at=None)
        Offer.objects.filter(pk=offer.pk).update(**{column: later})
        assert queries.changed_since([style.pk], grants=[], offers=[offer.pk], at=since) == [offer.pk]
        assert queries.changed_since([style.pk], grants=[], offers=[offer.pk], at=later) == []
        assert queries.changed_since([style.pk], grants=[], at=since) == []


@pytest.mark.parametrize("state", ["withdrawn", "rejected", "disputed"])
def test_what_is_out_of_use_is_a_change_for_what_was_made_with_it(state: str) -> None:
    _, _, style = an_owner_with_a_style(licence="CC-BY-4.0")
    at = queries.open_offers("style")[style.pk].published_at
    assert queries.changed_since([style.pk], grants=[], at=at) == []
    Style.objects.filter(pk=style.pk).update(state=state)
    assert queries.changed_since([style.pk], grants=[], at=at) == [style.pk]
