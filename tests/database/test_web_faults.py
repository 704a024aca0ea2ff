"""What breaks is answered in both languages, by a page or as problem details, without asking the database again."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings


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
        (RuntimeError("secret"), 500, "Something went wrong", "此处出现问题"),
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


@pytest.mark.django_db
def test_a_program_gets_problem_details(fault: list[Exception]) -> None:
    fault.append(RuntimeError("secret"))
    answer = Client(raise_request_exception=False).get("/health/ready")
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert answer.json()["code"] == "fault" and "secret" not in answer.content.decode()
