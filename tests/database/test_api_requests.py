"""Asking over HTTP: what is taken, what is refused with which sentence, and what a refusal leaves behind."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from generation.models import Generation, IdempotencyKey
from provenance.audit_log.models import Entry
from server.api.throttles import PerAccount
from tests.factories.pictures import a_png, a_png_bomb, an_svg, polyglots
from tests.factories.records import a_model, a_party, a_style, a_work, an_artist, an_auditor, an_operator
from tests.simulators.caller import Caller, is_problem

NOBODYS = "00000000-0000-4000-8000-000000000000"
"""An id that nothing has."""

pytestmark = pytest.mark.django_db
REQUESTS = "/api/v1/generations"
CAT = {"prompt": "a red cat"}


def ask(body: Any, **headers: str) -> Any:
    """Send a request as a new artist, with a model registered."""
    a_model()
    return Caller(an_artist(), **headers).post(REQUESTS, body)


def nothing_was_recorded() -> None:
    assert not Generation.objects.exists() and not IdempotencyKey.objects.exists()
    assert set(Entry.objects.values_list("kind", flat=True)) <= {"ModelRegistered"}


def test_a_request_is_taken_and_says_where_its_record_is() -> None:
    answer = ask({**CAT, "seeds": ["9223372036854775807"], "steps": 3})
    assert answer.status_code == 202
    body = answer.json()
    assert body["state"] == "queued" and body["seeds"] == ["9223372036854775807"]
    assert body["progress"] == {"step": 0, "of": 3} and body["decision"]["permitted"] is True
    assert answer["Location"] == f"{REQUESTS}/{body['id']}" and body["request_leaf"].startswith("sha256:")


# ---- the lines of "bad input" ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({**CAT, "model": "moon"}, "unknown-model", ""),
        ({**CAT, "model": NOBODYS}, "unknown-model", ""),
        ({**CAT, "references": [{"style": "moon"}]}, "unknown-style", ""),
        ({**CAT, "scheduler": "Magic"}, "invalid-request", "scheduler"),
        ({**CAT, "width": 0}, "invalid-request", "width"),
        ({**CAT, "width": 65}, "invalid-request", "width"),
        ({**CAT, "height": 10**9}, "invalid-request", "height"),
        ({**CAT, "height": -64}, "invalid-request", "height"),
        ({"prompt": ""}, "invalid-request", "prompt"),
        ({"prompt": "   "}, "invalid-request", "prompt"),
        ({"prompt": "x" * 40_000}, "invalid-request", "prompt"),
        ({**CAT, "seeds": [str(2**63)]}, "invalid-request", "seeds"),
        ({**CAT, "seeds": [2**63]}, "invalid-request", "seeds"),
        ({**CAT, "seeds": ["-1"]}, "invalid-request", "seeds"),
        ({**CAT, "n": 9}, "invalid-request", "n"),
        ({**CAT, "steps": 0}, "invalid-request", "steps"),
        ({**CAT, "inputs": [{"role": "image", "work": NOBODYS}]}, "unknown-work", ""),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_wrong_value_is_refused_by_name_and_nothing_is_recorded(body: Any, code: str, field: str) -> None:
    problem = is_problem(ask(body), 422, code)
    if field:
        assert problem["field"] == field
    assert not Generation.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"prompt": ["a"]}, "prompt"),
        ({"prompt": "a\0b"}, "prompt"),
        ({**CAT, "n": "many"}, "n"),
        ({**CAT, "guidance_scale": "nan"}, "guidance_scale"),
        ({**CAT, "references": [{"style": "ink", "scale": "nan"}]}, "references"),
        ({**CAT, "seeds": "7"}, "seeds"),
        ({**CAT, "seeds": ["seven"]}, "seeds"),
        ({**CAT, "width": 64.5}, "width"),
        ({**CAT, "disclosure": "secret"}, "disclosure"),
        ({**CAT, "purpose": "fun"}, "purpose"),
        ({**CAT, "territory": "Germany"}, "territory"),
        ({**CAT, "recipient": "x" * 201}, "recipient"),
        ({**CAT, "inputs": [{"role": "image", "work": "7"}]}, "inputs"),
        ({**CAT, "inputs": [{"role": "video", "work": NOBODYS}]}, "inputs"),
        ({**CAT, "references": [{"scale": 1}]}, "references"),
        ({**CAT, "references": [{"style": "ink", "strenght": 1}]}, "references"),
        ({**CAT, "stpes": 3}, "stpes"),
        (b"", "prompt"),
        ([], "non_field_errors"),
        ("a cat", "non_field_errors"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_value_of_the_wrong_kind_is_refused_by_its_field_in_both_languages(body: Any, field: str) -> None:
    problem = is_problem(ask(body), 422, "invalid-request")
    assert [fault["field"] for fault in problem["errors"]] == [field]
    nothing_was_recorded()


def test_every_wrong_field_is_named_at_once() -> None:
    problem = is_problem(ask({"n": "x", "seeds": 7}), 422, "invalid-request")
    assert {fault["field"] for fault in problem["errors"]} == {"prompt", "n", "seeds"}


@pytest.mark.parametrize(
    "body",
    [
        b" ",
        b"{",
        b"prompt=a",
        b'{"prompt": "a", "prompt": "b"}',
        b'{"prompt": "a", "inputs": [{"role": "image", "role": "mask"}]}',
        b'{"prompt": "a", "guidance_scale": NaN}',
        b'{"prompt": "a", "guidance_scale": -Infinity}',
        b'{"prompt": "a", "guidance_scale": 1e999}',
        b'{"prompt": "a", "guidance_scale": 1' + b"0" * 400 + b"}",
        b'{"prompt": "a", "n": 1' + b"0" * 5000 + b"}",
        b'{"prompt": "caf\xe9"}',
        b'{"prompt": "\xed\xa0\x80"}',
        b'\xff\xfe{\x00"\x00',
        b'{"prompt": "a\\ud800"}',
        b'{"prompt": "a", "\\udfff": 1}',
        b'{"prompt": "a", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"prompt": "' + b"x" * 300_000 + b'"}',
    ],
    ids=lambda body: repr(body[:40]),
)
def test_a_body_that_is_no_strict_json_is_refused(body: bytes) -> None:
    is_problem(ask(body), 400, "bad-request")
    nothing_was_recorded()


def test_a_body_of_another_media_type_is_refused() -> None:
    a_model()
    artist = Caller(an_artist())
    answer = artist.upload(REQUESTS, a_png(), prompt="a cat")
    is_problem(answer, 415, "unsupported-media-type")
    nothing_was_recorded()


def test_a_method_that_an_address_does_not_take_is_refused() -> None:
    is_problem(Caller(an_artist()).delete(REQUESTS), 405, "method-not-allowed")


def test_an_unknown_address_below_the_api_is_told_in_problem_details_too() -> None:
    is_problem(Caller(an_artist()).get("/api/v1/nothing"), 404, "not-found")


def test_the_detail_is_in_the_callers_language() -> None:
    for header, language in (("en-GB", "en"), ("zh-CN", "zh-Hans"), ("zh-Hans", "zh-Hans"), ("fr", "en")):
        answer = Caller(**{"Accept-Language": header}).get(REQUESTS)
        problem = is_problem(answer, 401, "not-signed-in")
        assert problem["detail"] == problem["said"][language]


def test_a_refused_field_is_said_in_the_callers_language() -> None:
    english = is_problem(ask({}), 422, "invalid-request")
    chinese = is_problem(
        Caller(an_artist("noa"), **{"Accept-Language": "zh-CN"}).post(REQUESTS, {}), 422, "invalid-request"
    )
    assert english["said"] == chinese["said"] and english["detail"] != chinese["detail"]


# ---- refusals -------------------------------------------------------------------------------------------------


def test_a_request_without_a_basis_is_refused_with_its_reasons_and_its_record() -> None:
    a_style(a_model(), licence="")
    answer = Caller(an_artist()).post(REQUESTS, {**CAT, "references": [{"style": "fx-emoji"}]})
    problem = is_problem(answer, 403, "no-licence-basis")
    assert "Fx Emoji" in problem["said"]["en"] and "效果表情" in problem["said"]["zh-Hans"]
    generation = Generation.objects.get()
    assert problem["generation"]["id"] == str(generation.pk) and generation.state == "refused"
    assert Entry.objects.filter(kind="GenerationRefused").count() == 1


@pytest.mark.parametrize("kind", ["auditor", "operator"])
def test_who_is_no_artist_is_told_which_role_it_takes(kind: str) -> None:
    a_model()
    account = an_auditor() if kind == "auditor" else an_operator()
    problem = is_problem(Caller(account).post(REQUESTS, CAT), 403, "not-permitted")
    assert "artist" in problem["detail"]
    nothing_was_recorded()


def test_nobody_asks_without_signing_in() -> None:
    a_model()
    is_problem(Caller().post(REQUESTS, CAT), 401, "not-signed-in")
    nothing_was_recorded()


def test_without_a_model_the_site_says_that_it_cannot_draw_yet() -> None:
    is_problem(Caller(an_artist()).post(REQUESTS, CAT), 503, "no-model")


# ---- the same POST twice --------------------------------------------------------------------------------------


def test_the_same_post_twice_is_one_generation() -> None:
    a_model()
    caller = Caller(an_artist())
    first, second = (caller.post(REQUESTS, CAT, **{"Idempotency-Key": "k"}) for _ in range(2))
    assert first.status_code == second.status_code == 202 and first.json()["id"] == second.json()["id"]
    assert Generation.objects.count() == 1


def test_the_order_of_keys_in_the_body_does_not_matter() -> None:
    a_model()
    caller = Caller(an_artist())
    bodies = [b'{"prompt": "a", "n": 1}', b'{"n":1,"prompt":"a"}']
    assert [caller.post(REQUESTS, body, **{"Idempotency-Key": "k"}).status_code for body in bodies] == [202, 202]
    assert Generation.objects.count() == 1


def test_the_same_key_with_another_body_is_a_conflict() -> None:
    a_model()
    caller = Caller(an_artist())
    caller.post(REQUESTS, CAT, **{"Idempotency-Key": "k"})
    answer = caller.post(REQUESTS, {"prompt": "a blue cat"}, **{"Idempotency-Key": "k"})
    is_problem(answer, 409, "idempotency-key-reused")
    assert Generation.objects.count() == 1


def test_keys_that_differ_only_far_behind_are_not_taken_for_one() -> None:
    a_model()
    caller = Caller(an_artist())
    codes = [caller.post(REQUESTS, {"prompt": end}, **{"Idempotency-Key": "k" * 250 + end}).status_code for end in "ab"]
    assert codes == [422, 422] and not Generation.objects.exists()


# ---- uploads --------------------------------------------------------------------------------------------------

WORKS = "/api/v1/works"
FIELDS = {"title": "Wave", "rights_evidence": "painted by hand"}


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"hello", 422, "not-a-picture"),
        (an_svg(), 422, "not-a-picture"),
        (a_png()[:80], 422, "not-a-picture"),
        (b"<html></html>" + a_png(), 422, "not-a-picture"),
        (a_png_bomb(), 413, "picture-too-large"),
        (a_png() + bytes(21 * 2**20), 413, "picture-too-large"),
        (b"", 422, "invalid-request"),
    ],
    ids=["text", "svg", "truncated", "html first", "bomb", "21 MB", "empty"],
)
def test_a_file_that_is_no_good_picture_is_not_listed(data: bytes, status: int, code: str) -> None:
    caller = Caller(an_artist())
    is_problem(caller.upload(WORKS, data, **FIELDS), status, code)
    assert caller.get(WORKS).json()["results"] == [] and not Entry.objects.exists()


@pytest.mark.parametrize("name", polyglots())
def test_a_polyglot_is_only_ever_served_as_the_picture_it_is(name: str) -> None:
    caller = Caller(an_artist())
    answer = caller.upload(WORKS, polyglots()[name], name="evil.html", **FIELDS)
    assert answer.status_code == 201 and answer.json()["media_type"] == "image/png"
    shown = caller.get(f"{WORKS}/{answer.json()['id']}/preview")
    assert shown["Content-Type"] == "image/png" and shown["X-Content-Type-Options"] == "nosniff"
    assert shown["Content-Security-Policy"] == "sandbox; default-src 'none'"


def test_a_work_offered_under_an_unknown_licence_is_not_listed() -> None:
    caller = Caller(an_artist())
    is_problem(caller.upload(WORKS, a_png(), licence="WTFPL", **FIELDS), 422, "unknown-licence")
    assert caller.get(WORKS).json()["results"] == [] and not Entry.objects.exists()


def test_a_listed_picture_of_somebody_else_is_a_conflict() -> None:
    assert Caller(an_artist("ada")).upload(WORKS, a_png(), **FIELDS).status_code == 201
    is_problem(Caller(an_artist()).upload(WORKS, a_png(), **FIELDS), 409, "work-already-listed")


@pytest.mark.parametrize(
    "data", [b"hello", an_svg(), a_png_bomb(), a_png()[:80], polyglots()["png and zip"]], ids=lambda data: str(data[:8])
)
def test_anything_may_be_sent_for_verification_and_gets_a_verdict_or_a_sentence(data: bytes) -> None:
    answer = Caller().upload("/api/v1/verifications", data)
    assert answer.status_code in {200, 413, 422}
    if answer.status_code != 200:
        is_problem(answer, answer.status_code, answer.json()["code"])
    assert not Entry.objects.exists()


def test_a_form_without_a_file_is_told_so() -> None:
    answer = Client().post("/api/v1/verifications", data={})
    problem = is_problem(answer, 422, "invalid-request")  # type: ignore[arg-type]  # Django's own
    assert problem["errors"][0]["field"] == "file"


# ---- throttles ------------------------------------------------------------------------------------------------


def test_too_many_requests_are_told_when_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PerAccount.THROTTLE_RATES, "request", "2/min")
    a_model()
    caller, other = Caller(an_artist()), Caller(an_artist("noa"))
    assert [caller.post(REQUESTS, CAT).status_code for _ in range(2)] == [202, 202]
    answer = caller.post(REQUESTS, CAT)
    is_problem(answer, 429, "too-many-requests")
    assert 1 <= int(answer["Retry-After"]) <= 61
    assert Generation.objects.count() == 2 and other.post(REQUESTS, CAT).status_code == 202
    assert caller.get(REQUESTS).status_code == 200


def test_asking_for_a_reading_again_costs_nobody_a_verification(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PerAccount.THROTTLE_RATES, "verify", "1/min")
    monkeypatch.setitem(PerAccount.THROTTLE_RATES, "reading", "2/min")
    for _ in range(2):
        is_problem(Caller().get(f"/api/v1/watermark-readings/{uuid4()}"), 404, "not-found")
    is_problem(Caller().get(f"/api/v1/watermark-readings/{uuid4()}"), 429, "too-many-requests")
    assert Caller().upload("/api/v1/verifications", a_png()).status_code == 200


def test_strangers_are_throttled_by_their_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PerAccount.THROTTLE_RATES, "verify", "1/min")
    assert Caller().upload("/api/v1/verifications", a_png()).status_code == 200
    is_problem(Caller().upload("/api/v1/verifications", a_png()), 429, "too-many-requests")


def test_passwords_cannot_be_guessed_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PerAccount.THROTTLE_RATES, "sign-in", "2/min")
    body = {"account": "mara", "password": "guess"}
    codes = [Caller().post("/api/v1/me/tokens", body).status_code for _ in range(3)]
    assert codes == [401, 401, 429]


# ---- before asking --------------------------------------------------------------------------------------------


def test_what_a_request_would_owe_is_told_without_making_it() -> None:
    a_style(a_model())
    answer = Caller(an_artist()).post("/api/v1/decisions", {**CAT, "references": [{"style": "fx-emoji"}]})
    assert answer.status_code == 200 and answer.json()["permitted"] is True
    assert "Ada Painter" in json.dumps(answer.json()["credits"])
    assert not Generation.objects.exists()


def test_what_could_not_be_asked_for_is_refused_before_asking_too() -> None:
    a_model()
    problem = is_problem(Caller(an_artist()).post("/api/v1/decisions", {**CAT, "width": 65}), 422, "invalid-request")
    assert problem["field"] == "width"


def test_ones_own_listed_work_goes_into_a_picture() -> None:
    a_model()
    owner = an_artist()
    work = a_work(owner, a_party("Mara", member=owner))
    answer = Caller(owner).post(REQUESTS, {**CAT, "inputs": [{"role": "image", "work": str(work.pk)}]})
    assert answer.status_code == 202 and answer.json()["decision"]["references"][1]["basis"] == "own-work"
