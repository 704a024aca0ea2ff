"""Refusing requests that have no basis: recorded as such, with every reason, in both languages."""

from __future__ import annotations

import pytest

from generation.models import Generation
from provenance.audit_log.models import Entry
from provenance.licensing.actions.opting_out import record_opt_out
from provenance.works.models import Party, Work
from tests.factories.records import a_model, a_party, a_request, a_style, a_work, an_artist, as_image, in_style

pytestmark = pytest.mark.django_db


def reasons(generation: Generation) -> list[str]:
    return [
        reason["code"]
        for answer in generation.decision["references"]
        if not answer["permitted"]
        for reason in answer["reasons"]
    ]


def refused(generation: Generation, *codes: str) -> None:
    """The refusal is recorded with its reasons in both languages and an entry, and nothing is queued."""
    generation.refresh_from_db()
    assert generation.state == "refused" and generation.ended_at is not None and not generation.request_leaf
    assert reasons(generation) == list(codes)
    assert generation.fault["code"] == "no-licence-basis" and generation.fault["en"] and generation.fault["zh-Hans"]
    (entry,) = Entry.objects.filter(opening__details__generation=str(generation.pk)).select_related("opening")
    assert entry.kind == "GenerationRefused" and entry.opening.details["stage"] == "request"
    assert not Generation.objects.filter(state="queued").exists()


def test_a_style_without_offer_or_grant_is_refused(wakes: list[object]) -> None:
    style = a_style(a_model(), licence="")
    refused(a_request(an_artist(), **in_style(style)), "no-basis")
    assert wakes == []


@pytest.mark.parametrize(
    "prompt",
    [
        "a cat, fxemoji",
        "a cat as FX EMOJI",
        "a cat in fx-emoji style",
        "a cat, f\u200bxemoji",
        "a ｆｘｅｍｏｊｉ cat",
        "一只效果表情的猫",
        "a cat by Ada Painter",
        "a cat by ada  páinter",
        "a cat by ADA-PAINTER",
        "a cat by AdaPainter",
        "a cat by Ada\u2060 Pain\u00adter",
    ],
    ids=ascii,
)
def test_writing_the_token_or_the_name_without_declaring_the_style_is_decided_all_the_same(prompt: str) -> None:
    a_style(a_model(), licence="")
    refused(a_request(an_artist(), prompt=prompt), "no-basis")


def test_a_name_in_the_negative_prompt_counts_as_well() -> None:
    a_style(a_model(), licence="")
    refused(a_request(an_artist(), negative_prompt="no fx emoji please"), "no-basis")


def test_an_opted_out_partys_name_is_refused_although_its_style_is_declared_nowhere() -> None:
    owner = an_artist("ada")
    party = a_party(member=owner)
    a_style(a_model(), party=party, licence="CC-BY-4.0")
    record_opt_out(actor=owner.actor(), party=party, subject_kind="party", subject_id=party.pk, source="form")
    refused(a_request(an_artist(), prompt="a cat by Ada Painter"), "opted-out")


def test_a_named_open_style_is_permitted_and_credited_although_nobody_declared_it() -> None:
    style = a_style(a_model(), licence="CC-BY-4.0")
    generation = a_request(an_artist(), prompt="a cat, fx emoji")
    assert generation.state == "queued"
    answer = generation.decision["references"][1]
    assert (answer["id"], answer["found_in"], answer["basis"]) == (str(style.pk), "prompt", "open-licence")


def test_a_name_that_somebody_only_gave_their_account_stops_nobody() -> None:
    a_model()
    owner = an_artist("cat")
    a_work(owner, a_party("cat", member=owner))
    assert a_request(an_artist("mara"), prompt="a red cat").state == "queued"


def test_a_non_commercial_style_needs_a_declared_purpose() -> None:
    style, artist = a_style(a_model(), licence="CC-BY-NC-4.0"), an_artist()
    refused(a_request(artist, **in_style(style)), "not-commercial")
    assert a_request(artist, purpose="non-commercial", **in_style(style)).state == "queued"


def test_a_model_of_unknown_licence_is_refused() -> None:
    a_model(licence="LicenseRef-unknown")
    refused(a_request(an_artist()), "unknown-model-licence")


def test_somebody_elses_open_work_that_was_disputed_is_refused() -> None:
    a_model()
    owner = an_artist("ada")
    work = a_work(owner, a_party(member=owner), licence="CC0-1.0")
    Work.objects.update(state=Work.State.DISPUTED)
    refused(a_request(an_artist(), **as_image(work)), "withdrawn")


def test_every_reference_without_a_basis_is_named_in_the_refusal() -> None:
    model = a_model()
    styles = [
        a_style(model, party=a_party(name), slug=name, name=name, name_zh="", token=name, licence="")
        for name in ("Inkling", "Woodcut")
    ]
    generation = a_request(an_artist(), **in_style(*styles))
    refused(generation, "no-basis", "no-basis")
    for language in ("en", "zh-Hans"):
        assert all(name in generation.fault[language] for name in ("Inkling", "Woodcut"))


def test_parties_are_counted_once_however_many_styles_they_own() -> None:
    model = a_model()
    party = a_party()
    for slug in ("one", "two"):
        a_style(model, party=party, slug=slug, name=slug, name_zh="", token=f"t{slug}", licence="CC0-1.0")
    generation = a_request(an_artist(), prompt=f"a cat by {Party.objects.get().name}")
    assert [answer["kind"] for answer in generation.decision["references"]] == ["model", "name"]
