"""Reading over HTTP: everyone sees their own, auditors see all but private prompts, and pages hold still."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from django.urls import URLPattern, get_resolver
from openapi_spec_validator import validate

from generation.actions.rendering import render_next
from generation.models import Generation, Output
from provenance import storage
from provenance.audit_log.models import Entry
from server.accounts.models import Account
from tests.factories.records import (
    a_model,
    a_party,
    a_request,
    a_style,
    a_work,
    a_worker,
    an_artist,
    an_auditor,
    an_operator,
    in_style,
)
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db
NOWHERE = "sha256:" + "0" * 64


def made(keys: Path, **asked: Any) -> Generation:
    """Make a picture for a new artist called mara, on a database that forgets nothing meanwhile."""
    a_model()
    generation = a_request(an_artist(), **asked)
    render_next(worker=a_worker(keys))
    generation.refresh_from_db()
    assert generation.state == "done", generation.fault
    return generation


# ---- whose is whose -------------------------------------------------------------------------------------------


def without_id(answer: Any, number: object) -> str:
    return answer.content.decode().replace(str(number), "ID")


@pytest.mark.parametrize("path", ["", "/events"])
def test_another_artists_generation_answers_exactly_as_one_that_never_was(path: str) -> None:
    a_model()
    foreign, unknown = a_request(an_artist()).pk, uuid4()
    caller = Caller(an_artist("noa"))
    answers = [caller.get(f"/api/v1/generations/{number}{path}") for number in (foreign, unknown)]
    for answer in answers:
        is_problem(answer, 404, "unknown-generation")
    assert without_id(answers[0], foreign) == without_id(answers[1], unknown)


def test_another_artists_generation_cannot_be_cancelled() -> None:
    a_model()
    foreign, unknown = a_request(an_artist()).pk, uuid4()
    for account in (an_artist("noa"), an_auditor()):
        answers = [Caller(account).post(f"/api/v1/generations/{number}/cancel") for number in (foreign, unknown)]
        is_problem(answers[0], 404, "unknown-generation")
        assert without_id(answers[0], foreign) == without_id(answers[1], unknown)
    assert Generation.objects.get().state == "queued"


@pytest.mark.django_db(transaction=True)
def test_another_artists_image_answers_exactly_as_one_that_never_was(keys: Path) -> None:
    digest = made(keys).outputs.get().digest
    caller = Caller(an_artist("noa"))
    for path in ("", "/file"):
        answers = [caller.get(f"/api/v1/images/{one}{path}") for one in (digest, NOWHERE)]
        is_problem(answers[0], 404, "unknown-image")
        assert answers[0].content == answers[1].content
    assert caller.get("/api/v1/images").json()["results"] == []


def test_another_artists_private_work_answers_exactly_as_one_that_never_was() -> None:
    owner = an_artist()
    foreign, unknown = a_work(owner, a_party(member=owner)).pk, uuid4()
    caller = Caller(an_artist("noa"))
    answers = [caller.get(f"/api/v1/works/{number}/preview") for number in (foreign, unknown)]
    is_problem(answers[0], 404, "unknown-work")
    assert without_id(answers[0], foreign) == without_id(answers[1], unknown)
    assert caller.get("/api/v1/works").json()["results"] == []


def test_lists_hold_ones_own_and_an_auditors_hold_all() -> None:
    a_model()
    first, second = an_artist("mara"), an_artist("noa")
    own, other = a_request(first), a_request(second)

    def listed(caller: Caller) -> set[str]:
        return {row["id"] for row in caller.pages("/api/v1/generations")}

    assert listed(Caller(first)) == {str(own.pk)}
    assert listed(Caller(second)) == {str(other.pk)}
    assert listed(Caller(an_auditor())) == {str(own.pk), str(other.pk)}


def test_an_operator_sees_no_generation_no_image_and_no_entry() -> None:
    a_model()
    generation = a_request(an_artist())
    caller = Caller(an_operator())
    for path in ("/api/v1/generations", "/api/v1/images", "/api/v1/audit/entries"):
        assert caller.get(path).json()["results"] == []
    is_problem(caller.get(f"/api/v1/generations/{generation.pk}"), 404, "unknown-generation")


@pytest.mark.parametrize(
    "path",
    [
        *("/api/v1/generations", "/api/v1/images", "/api/v1/works", "/api/v1/audit/entries"),
        *("/api/v1/me", "/api/v1/me/tokens"),
    ],
)
def test_strangers_read_no_lists(path: str) -> None:
    is_problem(Caller().get(path), 401, "not-signed-in")


@pytest.mark.parametrize("path", ["/api/v1/models", "/api/v1/styles", "/api/v1/models/tiny", "/api/schema"])
def test_strangers_read_what_there_is_to_draw_with(path: str) -> None:
    a_style(a_model())
    assert Caller().get(path).status_code == 200


@pytest.mark.parametrize("disclosure", ["private", "committed"])
def test_an_auditor_reads_no_undisclosed_prompt_and_the_owner_does(disclosure: str) -> None:
    a_model()
    owner = an_artist()
    generation = a_request(owner, prompt="zyzzyva", negative_prompt="quokka", disclosure=disclosure)
    path = f"/api/v1/generations/{generation.pk}"
    seen = Caller(owner).get(path).json()
    assert (seen["prompt"], seen["negative_prompt"]) == ("zyzzyva", "quokka")
    auditor = Caller(an_auditor())
    for answer in (auditor.get(path), auditor.get("/api/v1/generations"), auditor.get("/api/v1/audit/entries")):
        assert answer.status_code == 200 and b"zyzzyva" not in answer.content and b"quokka" not in answer.content
    assert auditor.get(path).json()["prompt"] is None


def test_an_auditor_reads_no_name_found_in_an_undisclosed_prompt() -> None:
    a_style(a_model(), licence="")
    refused = a_request(an_artist(), prompt="a cat, fx emoji", disclosure="private")
    seen = Caller(an_auditor()).get(f"/api/v1/generations/{refused.pk}")
    assert seen.json()["state"] == "refused" and seen.json()["fault"] == {"code": "no-licence-basis"}
    assert b"Fx Emoji" not in seen.content and b"Ada Painter" not in seen.content


def test_a_public_prompt_is_read_by_an_auditor() -> None:
    a_model()
    generation = a_request(an_artist(), prompt="zyzzyva")
    assert Caller(an_auditor()).get(f"/api/v1/generations/{generation.pk}").json()["prompt"] == "zyzzyva"


# ---- images ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_owner_and_an_auditor_get_the_file_and_anyone_its_manifest(keys: Path) -> None:
    generation = made(keys)
    output = generation.outputs.get()
    owner, auditor = Caller(Account.objects.get(name="mara")), Caller(an_auditor())
    links = owner.get(f"/api/v1/generations/{generation.pk}").json()["outputs"][0]["links"]
    for caller in (owner, auditor):
        answer = caller.get(links["file"])
        assert answer.content == storage.load(output.digest) and answer["Content-Type"] == "image/png"
        assert answer["ETag"] == f'"{output.digest}"'
    assert owner.get(links["file"], **{"If-None-Match": f'"{output.digest}"'}).status_code == 304
    manifest = Caller().get(links["manifest"])
    assert manifest["Content-Type"] == "application/c2pa" and manifest.content in storage.load(output.digest)
    assert owner.get(links["self"]).json()["generation"] == str(generation.pk)


@pytest.mark.django_db(transaction=True)
def test_a_missing_or_altered_file_is_told_and_not_served(keys: Path, files: Path) -> None:
    output = made(keys).outputs.get()
    caller = Caller(an_auditor())
    code = output.digest.removeprefix("sha256:")
    (files / code[:2] / code).write_bytes(b"other bytes")
    is_problem(caller.get(f"/api/v1/images/{output.digest}/file"), 500, "file-altered")
    storage.delete(output.digest)
    is_problem(caller.get(f"/api/v1/images/{output.digest}/file"), 404, "file-missing")


@pytest.mark.django_db(transaction=True)
def test_a_delivered_picture_verifies_with_its_record(keys: Path) -> None:
    generation = made(keys)
    answer = Caller().upload("/api/v1/verifications", storage.load(generation.outputs.get().digest))
    assert answer.status_code == 200
    told = json.dumps(answer.json())
    assert str(generation.pk) in told and answer.json()["state"]
    assert Output.objects.count() == 1


def test_a_manifest_of_no_image_is_not_found() -> None:
    is_problem(Caller().get(f"/api/v1/images/{NOWHERE}/manifest"), 404, "not-found")


# ---- pages ----------------------------------------------------------------------------------------------------


def test_pages_hold_still_while_rows_are_added() -> None:
    a_model()
    artist = an_artist()
    before = [str(a_request(artist).pk) for _ in range(7)]
    caller = Caller(artist)
    page = caller.get("/api/v1/generations?page_size=3").json()
    found = [row["id"] for row in page["results"]]
    while page["next"]:
        a_request(artist)
        page = caller.get(page["next"]).json()
        found += [row["id"] for row in page["results"]]
    assert found == before[::-1]


def test_a_page_holds_at_most_a_hundred() -> None:
    a_model()
    artist = an_artist()
    first = a_request(artist)
    copies = [Generation(**{**vars_of(first), "id": uuid4()}) for _ in range(104)]
    Generation.objects.bulk_create(copies)
    caller = Caller(artist)
    assert len(caller.get("/api/v1/generations?page_size=1000").json()["results"]) == 100
    assert len(caller.get("/api/v1/generations").json()["results"]) == 20
    assert len({row["id"] for row in caller.pages("/api/v1/generations?page_size=50")}) == 105


def vars_of(generation: Generation) -> dict[str, Any]:
    return {field.attname: getattr(generation, field.attname) for field in Generation._meta.concrete_fields}


@pytest.mark.parametrize(
    "query",
    [
        *("cursor=x", "cursor=%00", "cursor=cD0%3D", "page_size=-1", "page_size=x"),
        *("generation=%00", "kind=%00", "generation=x"),
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/audit/entries", "/api/v1/generations", "/api/v1/styles"])
def test_a_strange_query_is_answered_and_never_breaks(path: str, query: str) -> None:
    a_style(a_model())
    artist = an_artist()
    a_request(artist)
    answer = Caller(artist).get(f"{path}?{query}")
    assert answer.status_code in {200, 400, 404}
    if answer.status_code != 200:
        is_problem(answer, answer.status_code, answer.json()["code"])


@pytest.mark.parametrize("name", ["%00", "moon", "../x", "a" * 500])
def test_a_strange_models_name_is_not_found(name: str) -> None:
    a_model()
    assert Caller().get(f"/api/v1/models/{name}").status_code in {400, 404}


# ---- entries --------------------------------------------------------------------------------------------------


def test_entries_are_read_with_what_opens_them() -> None:
    a_model()
    artist = an_artist()
    generation = a_request(artist)
    (row,) = Caller(artist).get(f"/api/v1/audit/entries?generation={generation.pk}").json()["results"]
    entry = Entry.objects.select_related("opening").get(pk=row["id"])
    assert row["leaf_hash"] == generation.request_leaf and row["details"] == entry.opening.details
    assert bytes.fromhex(row["salt"]) == bytes(entry.opening.salt)


def test_an_erased_opening_leaves_its_entry() -> None:
    a_model()
    a_request(an_artist())
    entry = Entry.objects.get(kind="GenerationRequested")
    entry.opening.delete()
    rows = Caller(an_auditor()).get("/api/v1/audit/entries?kind=GenerationRequested").json()["results"]
    assert [(row["id"], row["salt"], row["details"]) for row in rows] == [(str(entry.pk), None, None)]


# ---- the catalogue --------------------------------------------------------------------------------------------


def test_a_style_shows_its_owner_its_licence_and_its_credit() -> None:
    a_style(a_model())
    (row,) = Caller().get("/api/v1/styles").json()["results"]
    assert row["owner"]["name"] == "Ada Painter" and row["licence"]["id"] == "CC-BY-4.0"
    assert row["credit"]["en"].startswith("Made with Fx Emoji") and row["credit"]["zh-Hans"]


def test_a_style_that_takes_a_grant_shows_no_licence() -> None:
    a_style(a_model(), licence="")
    assert Caller().get("/api/v1/styles").json()["results"][0]["licence"] is None


def test_a_generation_shows_the_credit_of_its_styles() -> None:
    artist, style = an_artist(), a_style(a_model())
    generation = a_request(artist, **in_style(style))
    (line,) = Caller(artist).get(f"/api/v1/generations/{generation.pk}").json()["credits"]
    assert "Ada Painter did not make or endorse" in line["en"]


def test_a_generation_shows_who_asked_whose_styles_it_names_and_where_their_licences_are_read() -> None:
    artist = an_artist()
    generation = a_request(artist, **in_style(a_style(a_model())))
    for account in (artist, an_auditor()):
        shown = Caller(account).get(f"/api/v1/generations/{generation.pk}").json()
        (reference,) = shown["references"]
        assert (shown["owner_name"], reference["owner_name"]) == ("mara", "Ada Painter")
        assert reference["licence_name"] == "CC BY 4.0"
        assert reference["licence_url"] == "https://creativecommons.org/licenses/by/4.0/"
        assert shown["model"]["licence_url"] == "https://creativecommons.org/publicdomain/zero/1.0/"


def test_a_style_used_by_grant_has_no_licence_to_read() -> None:
    owner = an_artist("ada")
    style = a_style(a_model(), party=a_party(member=owner), licence="")
    generation = a_request(owner, **in_style(style))
    (reference,) = Caller(owner).get(f"/api/v1/generations/{generation.pk}").json()["references"]
    assert (reference["licence"], reference["licence_url"], reference["owner_name"]) == ("", "", "Ada Painter")


def test_no_path_of_the_operators_machine_is_shown() -> None:
    model = a_model()
    artist = an_artist()
    generation = a_request(artist)
    for path in ("/api/v1/models", f"/api/v1/models/{model.slug}", f"/api/v1/generations/{generation.pk}"):
        assert "/models/Tiny" not in Caller(artist).get(path).content.decode()


# ---- the schema -----------------------------------------------------------------------------------------------


def schema() -> dict[str, Any]:
    return dict(yaml.safe_load(Caller().get("/api/schema").content))


def test_the_schema_is_valid_openapi_3_1() -> None:
    found = schema()
    assert found["openapi"].startswith("3.1")
    validate(found)


def test_the_schema_covers_every_address_and_method_of_the_api() -> None:
    described = {(path, method) for path, methods in schema()["paths"].items() for method in methods}
    (api,) = (one for one in get_resolver().url_patterns if str(one.pattern) == "api/")
    for pattern in api.url_patterns:
        assert isinstance(pattern, URLPattern)
        if str(pattern.pattern) in {"schema", "<path:anything>"}:
            continue
        path = "/api/" + re.sub(r"<\w+:(\w+)>", r"{\1}", str(pattern.pattern))
        view = pattern.callback.view_class
        for method in ("get", "post", "delete"):
            assert hasattr(view, method) == ((path, method) in described), (path, method)


def test_every_operation_says_what_it_does() -> None:
    for path, methods in schema()["paths"].items():
        for method, operation in methods.items():
            assert operation["description"].endswith("."), (path, method)
