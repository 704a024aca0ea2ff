"""A model's use restrictions: accepted by who asks, inherited by adapters and pictures; an unknown licence refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from generation.actions.rendering import render_next
from generation.models import Generation
from provenance.licensing.decision import restrictions_to_accept
from provenance.licensing.models import InheritedTerms
from tests.factories.records import a_model, a_party, a_request, a_style, a_worker, an_artist, in_style
from tests.simulators.caller import Caller

pytestmark = pytest.mark.django_db(transaction=True)
LICENCE = "CreativeML-OpenRAIL-M"
RESTRICTIONS = "gen:useRestrictions"


def duties_of(generation: Generation) -> dict[str, list[str]]:
    """Return the duties of each reference of a decision, by its kind."""
    answers = generation.decision["references"]
    return {answer["kind"]: [duty["action"] for duty in answer["duties"]] for answer in answers}


def test_a_request_is_refused_until_it_accepts_the_restrictions_that_it_was_told() -> None:
    model, mara = a_model(licence=LICENCE), an_artist("mara")
    body = {"prompt": "a red cat", "model": model.slug, "n": 1, "steps": 3}
    caller = Caller(mara)
    refused = caller.post("/api/v1/decisions", body).json()
    (answer,) = refused["references"]
    digest = restrictions_to_accept(LICENCE)
    codes = [reason["code"] for reason in answer["reasons"]]
    assert not refused["permitted"] and codes == ["restrictions-not-accepted"]
    assert all(digest in answer["reasons"][0][language] for language in ("en", "zh-Hans"))
    wrong = caller.post("/api/v1/decisions", {**body, "accepted_terms": [restrictions_to_accept("OpenRAIL++")]})
    assert not wrong.json()["permitted"], "the restrictions of another licence"
    made = caller.post("/api/v1/generations", {**body, "accepted_terms": [digest]})
    assert made.status_code in {201, 202}, made.content
    generation = Generation.objects.get()
    assert generation.state == "queued" and generation.decision["accepted_terms"] == [digest]
    assert duties_of(generation) == {"model": [RESTRICTIONS]}


def test_an_adapter_inherits_them_and_so_does_the_picture(keys: Path) -> None:
    model = a_model(licence=LICENCE)
    adapter = a_style(model, party=a_party(), adapter=b"lora weights", licence="CC0-1.0")
    accepted = (restrictions_to_accept(LICENCE),)
    generation = a_request(an_artist("mara"), accepted_terms=accepted, **in_style(adapter))
    assert generation.state == "queued" and duties_of(generation)["adapter"] == [RESTRICTIONS]
    assert render_next(worker=a_worker(keys))
    image = generation.outputs.get().digest
    terms = InheritedTerms.objects.get(image=image).terms
    assert [duty["action"] for duty in terms["duties"]] == [RESTRICTIONS]


def test_a_style_that_is_no_adapter_of_the_model_has_none_of_its_own() -> None:
    model = a_model(licence=LICENCE)
    style = a_style(model, party=a_party(), licence="CC0-1.0")
    generation = a_request(
        an_artist("mara"), accepted_terms=(restrictions_to_accept(LICENCE),), **in_style(style)
    )
    assert duties_of(generation) == {"model": [RESTRICTIONS], "style": []}


def test_a_model_of_an_unknown_licence_is_refused_and_no_acceptance_helps() -> None:
    a_model(licence="LicenseRef-Unheard-Of")
    generation = a_request(an_artist("mara"), accepted_terms=(restrictions_to_accept(LICENCE),))
    (answer,) = generation.decision["references"]
    assert generation.state == "refused" and answer["reasons"][0]["code"] == "unknown-model-licence"
