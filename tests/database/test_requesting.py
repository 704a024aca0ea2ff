"""Asking for pictures: recorded and decided in one transaction, or nothing is written."""

from __future__ import annotations

from typing import Any

import pytest

from generation.errors import InputMissing, NoModel, StyleNotCarried, UnknownModel
from generation.models import Generation, IdempotencyKey
from generation.request import InputPicture, InvalidRequest, StyleReference
from provenance import storage
from provenance.actor import NotPermitted
from provenance.audit_log.models import Entry
from provenance.credentials.manifest import prompt_commitment
from provenance.errors import Fault
from provenance.works.errors import UnknownStyle, UnknownWork
from tests.factories.records import (
    a_model,
    a_party,
    a_request,
    a_style,
    a_work,
    an_artist,
    an_auditor,
    an_operator,
    as_image,
    in_style,
)

NOBODYS = "00000000-0000-4000-8000-000000000000"
"""An id that nothing has."""

pytestmark = pytest.mark.django_db


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
    generation = a_request(an_artist(), **as_image(work))
    assert generation.state == "queued" and generation.task == "image-to-image"
    answer = generation.decision["references"][1]
    assert answer["basis"] == "open-licence" and answer["duties"][0]["action"] == "attribute"


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
        a_request(an_artist(), **as_image(work))
    assert not Generation.objects.exists()


def test_a_work_whose_file_is_gone_is_refused() -> None:
    a_model()
    owner = an_artist("ada")
    work = a_work(owner, a_party(member=owner))
    storage.delete(work.digest)
    with pytest.raises(InputMissing):
        a_request(owner, **as_image(work))
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
