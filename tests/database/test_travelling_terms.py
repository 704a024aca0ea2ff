"""Conditions travel: from a style to a picture, from the picture to the next, and from that to a third."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from generation.actions.rendering import render_next
from generation.models import Generation
from provenance import storage
from provenance.audit_log.models import Entry
from provenance.credentials.reading import read
from provenance.licensing.actions.offering import offer_openly
from provenance.licensing.errors import TermsTooWide
from provenance.licensing.models import InheritedTerms, Offer
from provenance.licensing.queries.training import decisions_to_train
from provenance.licensing.terms import BY_GRANT
from provenance.works.models import Work
from server.accounts.models import Account
from tests.factories.records import (
    a_model,
    a_party,
    a_request,
    a_style,
    a_worker,
    an_artist,
    an_auditor,
    as_image,
    in_style,
)
from tests.factories.shops import USES, a_shop
from tests.simulators.caller import Caller

pytestmark = pytest.mark.django_db(transaction=True)


def made(keys: Path, artist: Account, **asked: Any) -> Generation:
    generation = a_request(artist, **asked)
    render_next(worker=a_worker(keys))
    generation.refresh_from_db()
    return generation


def as_work(artist: Account, generation: Generation) -> Work:
    """List the delivered image as the artist's own work, over HTTP."""
    body = {"image": generation.outputs.get().digest, "title": f"Picture {generation.pk}"}
    answer = Caller(artist).post("/api/v1/works", body)
    assert answer.status_code == 201, answer.content
    return Work.objects.get(pk=answer.json()["id"])


def test_share_alike_travels_along_a_chain_of_three(keys: Path) -> None:
    artist = an_artist()
    style = a_style(a_model(), party=a_party("Bo Carver"), licence="CC-BY-SA-4.0")
    first = made(keys, artist, **in_style(style))
    second = made(keys, artist, seeds=(8,), **as_image(as_work(artist, first)))
    third = made(keys, artist, seeds=(9,), **as_image(as_work(artist, second)))
    for generation in (first, second, third):
        kept = InheritedTerms.objects.get(image=generation.outputs.get().digest)
        assert kept.terms["licence"] == "CC-BY-SA-4.0"
        assert [duty["action"] for duty in kept.terms["duties"]] == ["nextPolicy"]
    answer = third.decision["references"][-1]
    assert (answer["basis"], answer["licence"]) == ("own-work", "CC-BY-SA-4.0")
    assert [reason["code"] for reason in answer["reasons"]] == ["inherited-terms"]
    assert Entry.objects.filter(kind="TermsInherited").count() == 3
    xmp = storage.load(third.outputs.get().digest).decode("utf-8", "ignore")
    assert "Offer the result under the same licence (our policy). (CC BY-SA 4.0)" in xmp


def test_terms_that_came_with_a_picture_cannot_be_widened(keys: Path) -> None:
    artist = an_artist()
    style = a_style(a_model(), party=a_party("Bo Carver"), licence="CC-BY-SA-4.0")
    work = as_work(artist, made(keys, artist, **in_style(style)))
    offers, entries = Offer.objects.count(), Entry.objects.count()
    for licence in ("CC0-1.0", "CC-BY-4.0", "CC-BY-NC-SA-4.0"):
        with pytest.raises(TermsTooWide):
            offer_openly(
                actor=artist.actor(), party=work.owner, subject_kind="work", subject_id=work.pk, licence=licence
            )
    assert (Offer.objects.count(), Entry.objects.count()) == (offers, entries)
    offer_openly(
        actor=artist.actor(), party=work.owner, subject_kind="work", subject_id=work.pk, licence="CC-BY-SA-4.0"
    )


def test_nobody_lists_an_image_that_was_delivered_to_somebody_else(keys: Path) -> None:
    digest = made(keys, an_artist(), **in_style(a_style(a_model()))).outputs.get().digest
    for stranger, status in ((an_artist("noa"), 404), (an_auditor(), 403)):
        answer = Caller(stranger).post("/api/v1/works", {"image": digest, "title": "Mine"})
        assert answer.status_code == status
    assert Caller(an_artist("ida")).post("/api/v1/works", {"title": "Nothing"}).status_code == 422
    assert not Work.objects.exists()


def test_what_was_made_for_no_commercial_purpose_is_refused_for_one_later(keys: Path) -> None:
    artist = an_artist()
    style = a_style(a_model(), party=a_party("Bo Carver"), licence="CC-BY-NC-4.0")
    work = as_work(artist, made(keys, artist, purpose="non-commercial", **in_style(style)))
    refused = a_request(artist, purpose="advertising", **as_image(work))
    assert refused.state == "refused"
    assert [reason["code"] for reason in refused.decision["references"][-1]["reasons"]] == ["not-commercial"]
    assert made(keys, artist, purpose="non-commercial", seeds=(8,), **as_image(work)).state == "done"


KINDS = [
    ({"permissions": ["gen:reference"]}, {"purpose": "personal"}, {"purpose": "advertising"}, "not-commercial"),
    ({"permissions": USES, "purposes": ["editorial"]}, {"purpose": "editorial"}, {"purpose": "merchandise"},
     "purpose-not-covered"),
    ({"permissions": USES, "territories": ["DE"]}, {"territory": "DE"}, {"territory": "FR"}, "territory-not-covered"),
    ({"permissions": USES, "recipients": ["Acme"]}, {"recipient": "Acme"}, {"recipient": "Other"},
     "recipient-not-covered"),
]  # fmt: skip


@pytest.mark.parametrize(("terms", "within", "beyond", "code"), KINDS)
def test_each_kind_of_limit_travels_along_a_chain_of_three(
    keys: Path, terms: dict[str, Any], within: dict[str, str], beyond: dict[str, str], code: str
) -> None:
    shop, artist = a_shop(), an_artist()
    shop.offer(is_open=True, **terms)
    first = made(keys, artist, **in_style(shop.style), **within)
    second = made(keys, artist, seeds=(8,), **as_image(as_work(artist, first)), **within)
    third = made(keys, artist, seeds=(9,), **as_image(as_work(artist, second)), **within)
    kept = [InheritedTerms.objects.get(image=one.outputs.get().digest).terms for one in (first, second, third)]
    assert kept[0] == kept[1] == kept[2] and kept[0]["licence"] == BY_GRANT
    work = as_work(artist, third)
    refused = a_request(artist, seeds=(10,), **as_image(work), **beyond)
    assert refused.state == "refused"
    assert [reason["code"] for reason in refused.decision["references"][-1]["reasons"]] == [code]
    with pytest.raises(TermsTooWide):
        offer_openly(
            actor=artist.actor(), party=work.owner, subject_kind="work", subject_id=work.pk, licence="CC-BY-4.0"
        )
    assert made(keys, artist, seeds=(11,), **as_image(work), **within).state == "done"


def test_a_style_of_ones_own_is_bound_by_the_conditions_of_the_pictures_behind_it(keys: Path) -> None:
    shop, artist = a_shop(), an_artist()
    shop.offer(is_open=True, permissions=["gen:reference"])
    work = as_work(artist, made(keys, artist, purpose="personal", **in_style(shop.style)))
    model = a_model("Other")
    own = a_style(model, party=work.owner, slug="own", name="Own", name_zh="", token="owntoken", licence="",
                  works=(work,), actor=artist.actor())  # fmt: skip
    refused = a_request(artist, model=model.slug, purpose="advertising", **in_style(own))
    assert refused.state == "refused"
    answer = next(one for one in refused.decision["references"] if one["name"] == "Own")
    assert [reason["code"] for reason in answer["reasons"]] == ["works-without-basis"]
    permitted = a_request(artist, model=model.slug, purpose="personal", **in_style(own))
    answer = next(one for one in permitted.decision["references"] if one["name"] == "Own")
    assert [reason["code"] for reason in answer["reasons"]] == ["inherited-terms"]
    assert [duty["action"] for duty in answer["duties"]] == ["gen:nonCommercial"] and not answer["commercial"]


def test_training_on_a_picture_of_ones_own_is_bound_by_the_conditions_that_came_with_it(keys: Path) -> None:
    artist = an_artist()
    style = a_style(a_model(), party=a_party("Bo Carver"), licence="CC-BY-NC-4.0")
    work = as_work(artist, made(keys, artist, purpose="personal", **in_style(style)))
    refused = decisions_to_train(actor=artist.actor(), works=[work], purpose="advertising")[str(work.pk)]
    assert [one["code"] for one in refused["reasons"]] == ["not-commercial"]
    permitted = decisions_to_train(actor=artist.actor(), works=[work], purpose="personal")[str(work.pk)]
    assert (permitted["basis"], permitted["licence"]) == ("own-work", "CC-BY-NC-4.0")


def test_from_credit_alone_nothing_travels_and_nothing_is_recorded(keys: Path) -> None:
    generation = made(keys, an_artist(), **in_style(a_style(a_model(), licence="CC-BY-4.0")))
    assert generation.state == "done" and not InheritedTerms.objects.exists()


@pytest.mark.parametrize(
    ("licence", "training", "plus"),
    [
        ("CC0-1.0", "notAllowed", "DMI-PROHIBITED-AIMLTRAINING"),
        ("CC-BY-NC-4.0", "notAllowed", "DMI-PROHIBITED-AIMLTRAINING"),
        ("CC-BY-SA-4.0", "constrained", "DMI-PROHIBITED-SEECONSTRAINT"),
    ],
)
def test_what_the_file_says_of_training_on_it_follows_from_the_terms_that_travelled(
    keys: Path, licence: str, training: str, plus: str
) -> None:
    style = a_style(a_model(), party=a_party("Bo Carver"), licence=licence)
    data = storage.load(made(keys, an_artist(), purpose="personal", **in_style(style)).outputs.get().digest)
    entries = read(data).assertion("cawg.training-mining")["entries"]
    assert entries["cawg.ai_training"]["use"] == training
    assert ("constraint_info" in entries["cawg.ai_training"]) is (training == "constrained")
    assert ("cawg.ai_inference" in entries) is (licence != "CC0-1.0")
    assert f"{plus}<".encode() in data
