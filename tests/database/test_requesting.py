"""Asking for pictures: recorded and decided in one transaction, once for each key, and called off by the owner."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from generation.actions.requesting import cancel_generation
from generation.errors import (
    AlreadyEnded,
    InputMissing,
    KeyReused,
    NoModel,
    StyleNotCarried,
    UnknownGeneration,
    UnknownModel,
)
from generation.events import work_available
from generation.models import Generation, IdempotencyKey
from generation.request import InputPicture, InvalidRequest, StyleReference
from provenance import storage
from provenance.actor import NotPermitted
from provenance.audit_log.models import Entry
from provenance.credentials.manifest import prompt_commitment
from provenance.errors import Fault
from provenance.licensing.actions import record_opt_out
from provenance.works.errors import UnknownStyle, UnknownWork
from provenance.works.models import Party, Work
from tests.factories.records import (
    a_model,
    a_party,
    a_request,
    a_style,
    a_work,
    an_artist,
    an_auditor,
    an_operator,
    in_style,
    kinds_of_entries,
)

NOBODYS = "00000000-0000-4000-8000-000000000000"
"""An id that nothing has."""

pytestmark = pytest.mark.django_db


@pytest.fixture
def wakes() -> Any:
    """Count how often work is announced."""
    counted: list[object] = []

    def count(**_: object) -> None:
        counted.append(1)

    work_available.connect(count)
    yield counted
    work_available.disconnect(count)


def image(work: Work) -> dict[str, Any]:
    return {"inputs": (InputPicture(role="image", work=str(work.pk)),)}


def reasons(generation: Generation) -> list[str]:
    return [
        reason["code"]
        for answer in generation.decision["references"]
        if not answer["permitted"]
        for reason in answer["reasons"]
    ]


# ---- permitted ------------------------------------------------------------------------------------------------


def test_a_request_is_queued_with_its_entry_and_keeps_the_leaf(wakes: list[object]) -> None:
    model, artist = a_model(), an_artist()
    generation = a_request(artist, seeds=(7, 2**63 - 1))
    assert generation.state == "queued" and generation.ended_at is None and len(wakes) == 1
    entry = Entry.objects.select_related("opening").get(kind="GenerationRequested")
    assert generation.request_leaf == entry.leaf_hash
    details = entry.opening.details
    assert details["actor"] == str(artist.pk) and details["model"] == model.digest
    assert details["seeds"] == ["7", str(2**63 - 1)] and details["decision"]["permitted"] is True


def test_the_entry_commits_to_the_prompt_without_quoting_it() -> None:
    a_model()
    generation = a_request(an_artist(), prompt="a very red cat")
    opening = Entry.objects.get(kind="GenerationRequested").opening
    assert opening.details["prompt_commitment"] == prompt_commitment(
        "a very red cat", salt=bytes(generation.prompt_salt)
    )
    assert "very red" not in str(opening.details)


def test_the_prompt_is_expanded_by_the_tokens_of_declared_styles() -> None:
    style = a_style(a_model())
    generation = a_request(an_artist(), prompt="a cat", **in_style(style))
    assert generation.prompt == "a cat" and generation.expanded_prompt == "a cat, fxemoji"
    assert [row["name"] for row in generation.references] == ["Fx Emoji"]


def test_without_a_name_the_first_model_that_stands_is_taken() -> None:
    first, _ = a_model("First"), a_model("Second")
    assert a_request(an_artist()).model == first


def test_a_model_is_found_by_its_slug_and_by_its_id() -> None:
    _, second, artist = a_model("First"), a_model("Second"), an_artist()
    assert a_request(artist, model="second").model == second
    assert a_request(artist, model=str(second.pk)).model == second


def test_an_input_under_an_open_licence_carries_its_duties() -> None:
    a_model()
    owner = an_artist("ada")
    work = a_work(owner, a_party(member=owner), licence="CC-BY-4.0")
    generation = a_request(an_artist(), **image(work))
    assert generation.state == "queued" and generation.task == "image-to-image"
    answer = generation.decision["references"][1]
    assert answer["basis"] == "open-licence" and answer["duties"][0]["action"] == "attribute"


# ---- refused, and recorded as such ----------------------------------------------------------------------------


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
    refused(a_request(an_artist(), **image(work)), "withdrawn")


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


# ---- wrong, and nothing is written ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        ({"model": "moon"}, UnknownModel),
        ({"model": NOBODYS}, UnknownModel),
        ({"references": (StyleReference(style="moon"),)}, UnknownStyle),
        ({"references": (StyleReference(style=NOBODYS),)}, UnknownStyle),
        ({"inputs": (InputPicture(role="image", work=NOBODYS),)}, UnknownWork),
        ({"prompt": ""}, InvalidRequest),
        ({"prompt": "x" * 40_000}, InvalidRequest),
        ({"prompt": "a\0b"}, InvalidRequest),
        ({"prompt": "a\ud800b"}, InvalidRequest),
        ({"seeds": (2**63,)}, InvalidRequest),
        ({"width": 65}, InvalidRequest),
        ({"height": 8}, InvalidRequest),
        ({"height": 10**6}, InvalidRequest),
        ({"scheduler": "Magic"}, InvalidRequest),
        ({"inputs": (InputPicture(role="mask", work=NOBODYS),)}, Fault),
    ],
    ids=repr,
)
def test_a_wrong_request_is_refused_and_leaves_nothing(
    wakes: list[object], asked: dict[str, Any], fault: type[Fault]
) -> None:
    a_model()
    artist = an_artist()
    before = Entry.objects.count()
    with pytest.raises(fault):
        a_request(artist, key="k", **asked)
    assert not Generation.objects.exists() and not IdempotencyKey.objects.exists()
    assert Entry.objects.count() == before and wakes == []


def test_without_any_model_the_sentence_says_what_the_operator_does() -> None:
    with pytest.raises(NoModel, match="register_model"):
        a_request(an_artist())
    assert not Generation.objects.exists()


def test_a_withdrawn_model_is_unknown() -> None:
    model = a_model()
    model.is_withdrawn = True
    model.save()
    with pytest.raises(UnknownModel):
        a_request(an_artist(), model=model.slug)


def test_a_style_of_another_model_is_refused() -> None:
    a_model("First")
    style = a_style(a_model("Second"))
    with pytest.raises(StyleNotCarried, match="First"):
        a_request(an_artist(), model="first", **in_style(style))
    assert not Generation.objects.exists()


def test_another_artists_private_work_is_as_unknown_as_none() -> None:
    a_model()
    owner = an_artist("ada")
    work = a_work(owner, a_party(member=owner))
    with pytest.raises(UnknownWork):
        a_request(an_artist(), **image(work))
    assert not Generation.objects.exists()


def test_a_work_whose_file_is_gone_is_refused() -> None:
    a_model()
    owner = an_artist("ada")
    work = a_work(owner, a_party(member=owner))
    storage.delete(work.digest)
    with pytest.raises(InputMissing):
        a_request(owner, **image(work))
    assert not Generation.objects.exists()


def test_who_is_no_artist_asks_for_nothing() -> None:
    a_model()
    for account in (an_auditor(), an_operator()):
        with pytest.raises(NotPermitted, match="artist"):
            a_request(account)
    assert not Generation.objects.exists()


def test_when_the_entry_is_too_large_the_request_is_not_recorded_either() -> None:
    model = a_model()
    owner = a_party("Many Styles")
    for number in range(60):
        a_style(
            model, party=owner, slug=f"s{number}", name=f"Brush{number}", name_zh="", token=f"brush{number}",
            licence="CC-BY-NC-SA-4.0",
        )  # fmt: skip
    before = Entry.objects.count()
    with pytest.raises(Fault) as caught:
        prompt = " ".join(f"brush{number}" for number in range(60))
        a_request(an_artist(), prompt=prompt, purpose="non-commercial")
    assert caught.value.code == "entry-too-large"
    assert not Generation.objects.exists() and Entry.objects.count() == before


# ---- once for each key ----------------------------------------------------------------------------------------


def test_the_same_key_and_body_give_the_same_generation(wakes: list[object]) -> None:
    a_model()
    artist = an_artist()
    first = a_request(artist, key="k", body="b")
    assert a_request(artist, key="k", body="b") == first
    assert Generation.objects.count() == 1 and kinds_of_entries().count("GenerationRequested") == 1
    assert len(wakes) == 1


def test_the_same_key_with_another_body_is_refused_and_changes_nothing() -> None:
    a_model()
    artist = an_artist()
    a_request(artist, key="k", body="b")
    before = Entry.objects.count()
    with pytest.raises(KeyReused):
        a_request(artist, key="k", body="c")
    assert Generation.objects.count() == 1 and Entry.objects.count() == before


def test_a_key_belongs_to_its_owner() -> None:
    a_model()
    assert a_request(an_artist("mara"), key="k") != a_request(an_artist("noa"), key="k", body="other")


def test_requests_without_a_key_are_each_their_own() -> None:
    a_model()
    artist = an_artist()
    assert a_request(artist) != a_request(artist)


def test_a_recorded_refusal_is_given_again_for_its_key() -> None:
    style, artist = a_style(a_model(), licence=""), an_artist()
    first = a_request(artist, key="k", **in_style(style))
    assert a_request(artist, key="k", **in_style(style)) == first
    assert kinds_of_entries().count("GenerationRefused") == 1


@pytest.mark.django_db(transaction=True)
def test_of_equal_requests_at_the_same_time_exactly_one_is_recorded() -> None:
    a_model()
    artist = an_artist()

    def ask(_: int) -> object:
        try:
            return a_request(artist, key="k", body="b").pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(ask, range(4)))) == 1
    assert Generation.objects.count() == 1 and kinds_of_entries().count("GenerationRequested") == 1


# ---- calling off ----------------------------------------------------------------------------------------------


def test_a_waiting_request_is_cancelled_at_once_with_its_entry() -> None:
    a_model()
    artist = an_artist()
    generation = a_request(artist)
    cancelled = cancel_generation(actor=artist.actor(), generation_id=generation.pk)
    assert cancelled.state == "cancelled" and cancelled.ended_at
    assert kinds_of_entries(generation.pk) == ["GenerationRequested", "GenerationCancelled"]


@pytest.mark.parametrize("state", ["rendering", "marking"])
def test_a_request_that_renders_is_asked_to_stop(state: str) -> None:
    a_model()
    artist = an_artist()
    generation = a_request(artist)
    Generation.objects.update(state=state)
    asked = cancel_generation(actor=artist.actor(), generation_id=generation.pk)
    assert asked.state == state and asked.cancel_requested


@pytest.mark.parametrize("state", ["done", "failed", "refused", "cancelled"])
def test_what_has_ended_cannot_be_cancelled(state: str) -> None:
    a_model()
    artist = an_artist()
    generation = a_request(artist)
    Generation.objects.update(state=state, ended_at=generation.requested_at)
    before = Entry.objects.count()
    with pytest.raises(AlreadyEnded, match=state):
        cancel_generation(actor=artist.actor(), generation_id=generation.pk)
    assert Entry.objects.count() == before and Generation.objects.get().state == state


def test_nobody_cancels_what_is_not_theirs() -> None:
    a_model()
    generation = a_request(an_artist())
    for account in (an_artist("noa"), an_auditor(), an_operator()):
        with pytest.raises(UnknownGeneration):
            cancel_generation(actor=account.actor(), generation_id=generation.pk)
    assert Generation.objects.get().state == "queued" and not Generation.objects.get().cancel_requested


def test_parties_are_counted_once_however_many_styles_they_own() -> None:
    model = a_model()
    party = a_party()
    for slug in ("one", "two"):
        a_style(model, party=party, slug=slug, name=slug, name_zh="", token=f"t{slug}", licence="CC0-1.0")
    generation = a_request(an_artist(), prompt=f"a cat by {Party.objects.get().name}")
    assert [answer["kind"] for answer in generation.decision["references"]] == ["model", "name"]
