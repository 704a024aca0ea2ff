"""What breaks is answered in both languages, by a page or as problem details, without asking the database again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from tests.simulators.caller import is_problem


@pytest.fixture(autouse=True)
def static_files(tmp_path: Path, settings: Settings) -> None:
    settings.STATIC_ROOT = tmp_path


@pytest.fixture
def fault(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """Break two pages by whatever is put in here."""
    faults: list[Exception] = []

    def breaks(*_: object, **__: object) -> None:
        raise faults[0]

    monkeypatch.setattr("server.web.views.form_named", breaks)
    monkeypatch.setattr("server.api.health.models_listed", breaks)
    return faults


@pytest.mark.parametrize(
    ("error", "status", "en", "zh"),
    [
        (OperationalError("secret"), 503, "database is away", "数据库暂时不可用"),
        (RuntimeError("secret"), 500, "Something went wrong", "出现问题"),
    ],
)
@pytest.mark.django_db
def test_a_broken_page_says_so_in_both_languages(
    fault: list[Exception], error: Exception, status: int, en: str, zh: str
) -> None:
    fault.append(error)
    answer = Client(raise_request_exception=False).get("/provenance/sha256:1")
    page = answer.content.decode()
    assert answer.status_code == status and en in page and zh in page and "secret" not in page
    assert answer.headers.get("Retry-After") == ("5" if status == 503 else None)


ERRORS = [(OperationalError("secret"), 503, "database-away"), (RuntimeError("secret"), 500, "fault")]
OF_PROGRAMS = [
    "/api/v1/models", "/c2pa/services/supportedAlgorithms", "/log/checkpoint", "/health/ready",
    f"/images/sha256:{'0' * 64}/proof",
]  # fmt: skip
CHECKS = "/v1/content_provenance_checks"
SITE = "server.web.security.ContentSecurityPolicy.__call__"
"""What breaks before any view is asked, whatever the address."""


def asked(path: str, **headers: str) -> HttpResponse:
    client = Client(raise_request_exception=False)
    return client.generic("POST" if path == CHECKS else "GET", path, headers=headers)


def raising(error: Exception) -> Callable[..., None]:
    def breaks(*_: object) -> None:
        raise error

    return breaks


@pytest.mark.parametrize(("error", "status", "code"), ERRORS)
@pytest.mark.parametrize("path", OF_PROGRAMS)
@pytest.mark.django_db
def test_a_program_gets_problem_details_in_its_language(
    monkeypatch: pytest.MonkeyPatch, path: str, error: Exception, status: int, code: str
) -> None:
    monkeypatch.setattr(SITE, raising(error))
    for language, said in (("en", "en"), ("zh-CN", "zh-Hans")):
        answer = asked(path, **{"Accept-Language": language})
        problem = is_problem(answer, status, code)
        assert problem["detail"] == problem["said"][said] and "secret" not in answer.content.decode()
        assert answer.headers.get("Retry-After") == ("5" if status == 503 else None)


@pytest.mark.parametrize("broken", [SITE, "server.api.openai.verdict_on_upload"])
@pytest.mark.parametrize(("error", "status", "code"), ERRORS)
@pytest.mark.django_db
def test_openais_client_gets_its_own_shape(
    monkeypatch: pytest.MonkeyPatch, broken: str, error: Exception, status: int, code: str
) -> None:
    monkeypatch.setattr(broken, raising(error))
    answer = asked(CHECKS)
    told = answer.json()["error"]
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json")
    assert told.keys() == {"message", "type", "param", "code"} and told["message"] and "secret" not in told["message"]
    assert (told["type"], told["code"]) == ("server_error", code)
    assert answer.headers.get("Retry-After") == ("5" if status == 503 else None)


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/c2pa/nothing", "/log/nothing", "/images/nothing"])
@pytest.mark.django_db
def test_where_there_is_nothing_a_program_is_told_as_a_problem(path: str) -> None:
    is_problem(asked(path), 404, "not-found")


@pytest.mark.django_db
def test_where_there_is_nothing_openais_client_and_people_are_told_too() -> None:
    answer = asked("/v1/nothing")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not-found")
    page = asked("/nothing<b>")
    assert page.status_code == 404 and page["Content-Type"] == "text/html; charset=utf-8"
    assert "There is nothing here." in page.content.decode() and "此处没有内容。" in page.content.decode()
    assert '<a class="wordmark" href="/">' in page.content.decode()
    assert "nothing<b>" not in page.content.decode()


@pytest.mark.django_db
def test_a_request_for_a_host_that_is_not_ours_is_told_in_the_shape_of_its_address() -> None:
    is_problem(asked("/api/v1/models", Host="elsewhere.example"), 400, "bad-request")
    page = asked("/verify", Host="elsewhere.example")
    assert page.status_code == 400 and "无法读取该请求。" in page.content.decode()
