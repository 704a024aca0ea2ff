"""A private or committed prompt is in no byte that leaves its row: files, faces, errors, log, tables, and log lines."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import shared_task
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from structlog.stdlib import ProcessorFormatter

from generation.actions.rendering import render_next
from generation.actions.renditions import make_rendition
from generation.models import Generation, Output
from generation.rendition import Box, Change, Size
from provenance import storage
from provenance.audit_log.models import Entry
from provenance.audit_log.sequencing import sequence
from provenance.credentials.label import VisibleLabel
from server.accounts.models import Account
from tests.factories.records import a_model, a_request, a_token, a_worker, an_artist, an_auditor, an_operator
from tests.simulators.secrets import NEGATIVE, PROMPT, leaks
from tests.simulators.telling import TellingPipeline

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("home")]
OWN_COLUMNS = {"prompt", "expanded_prompt", "negative_prompt"}


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Return a function that gives what was logged at DEBUG, through the site's own handler, and what was printed."""
    root, stream = logging.getLogger(), io.StringIO()
    (handler,) = [one for one in root.handlers if isinstance(one.formatter, ProcessorFormatter)]
    assert isinstance(handler, logging.StreamHandler)
    level, before = root.level, handler.setStream(stream)
    root.setLevel(logging.DEBUG)
    yield lambda: stream.getvalue() + "".join(capfd.readouterr())
    root.setLevel(level)
    handler.setStream(before)


@pytest.fixture(params=["private", "committed"])
def mara(request: pytest.FixtureRequest, keys: Path) -> tuple[Account, Output]:
    """Have an artist with a delivered picture of an undisclosed prompt, its later forms, and one that failed."""
    a_model()
    mara = an_artist()
    worker = a_worker(keys, pipeline=TellingPipeline())
    undisclosed = {"negative_prompt": NEGATIVE, "disclosure": request.param, "width": 128, "height": 128}
    done = a_request(mara, prompt=PROMPT, **undisclosed)
    failing = a_request(mara, prompt=f"{PROMPT}, break", **undisclosed)
    a_request(mara, prompt=f"{PROMPT}, break the database", **undisclosed)
    while render_next(worker=worker):
        pass
    failing.refresh_from_db()
    assert failing.state == Generation.State.FAILED
    output = done.outputs.get()
    for change in (
        Change(output_format="webp"), Change(crop=Box(0, 0, 100, 100)), Change(size=Size(64, 64)),
        Change(label=VisibleLabel("bottom-right", "both")),
    ):  # fmt: skip
        make_rendition(actor=mara.actor(), digest=output.digest, change=change, key=worker.signing_key())
    sequence()
    return mara, output


def addresses(output: Output) -> list[str]:
    """Return every address of the site, each placeholder filled with what fits or with the request's own id."""
    values = {
        "digest": output.digest, "generation_id": output.generation_id, "manifest_id": output.manifest_id,
        "name": output.digest, "leaf": output.delivered_leaf,
    }  # fmt: skip

    def fill(match: re.Match[str]) -> str:
        converter, name = match[1] or "str", match[2]
        fitting = values.get(name, 0 if converter == "int" else output.generation_id)
        return str(fitting)

    return ["/" + re.sub(r"<(?:(\w+):)?(\w+)>", fill, route) for route in _routes(get_resolver().url_patterns, "")]


def _routes(patterns: list[Any], before: str) -> Iterator[str]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and not any(sign in route for sign in "^$\\"):
            yield route


def body_of(answer: Any) -> bytes:
    """Return all bytes of an answer, of a stream as well."""
    if not answer.streaming:
        return bytes(answer.content)
    if not answer.is_async:
        return b"".join(bytes(part) for part in answer.streaming_content)

    async def gathered() -> bytes:
        return b"".join([bytes(part) async for part in answer.streaming_content])

    return asyncio.run(gathered())


def read_by(account: Account | None, path: str) -> Any:
    headers = {"Authorization": f"Bearer {a_token(account)}"} if account else {}
    return Client(raise_request_exception=False).get(path, headers=headers)


def test_the_search_finds_what_is_there(mara: tuple[Account, Output]) -> None:
    account, output = mara
    own = body_of(read_by(account, f"/api/v1/generations/{output.generation_id}"))
    assert set(leaks(own)) == {"zyzzyva", "quokka", "kinkajou"}
    packed = json.dumps({"a": PROMPT}).encode("utf-16-be")
    assert leaks(packed) == ["zyzzyva", "quokka"]


def test_no_stored_file_says_a_word(mara: tuple[Account, Output]) -> None:
    files = {digest: storage.load(digest) for digest, _ in storage.stored_files()}
    assert len(files) >= 10, "a picture and four forms of it, each with its manifest"
    assert {digest: found for digest, data in files.items() if (found := leaks(data))} == {}


def test_no_address_tells_a_stranger_another_artist_an_operator_or_an_auditor_a_word(
    mara: tuple[Account, Output],
) -> None:
    _, output = mara
    readers = {"nobody": None, "artist": an_artist("noa"), "operator": an_operator(), "auditor": an_auditor()}
    answered = 0
    for name, reader in readers.items():
        for path in addresses(output):
            if path.endswith("/events"):
                continue  # a stream that a test below reads
            answer = read_by(reader, path)
            answered += answer.status_code == 200
            assert leaks(body_of(answer)) == [], (name, path)
            assert leaks(str(dict(answer.headers)).encode()) == [], (name, path)
    assert answered > 80


def test_no_verification_of_any_form_tells_a_stranger_a_word(mara: tuple[Account, Output]) -> None:
    _, output = mara
    forms = [output.digest, *output.renditions.values_list("digest", flat=True)]
    paths = ("/api/v1/verifications", "/v1/content_provenance_checks", "/c2pa/matches/byContent?alg=io.iscc.v0")
    for digest in forms:
        for path in paths:
            file = SimpleUploadedFile("picture.png", storage.load(digest), content_type="image/png")
            answer = Client().post(path, data={"file": file})
            assert answer.status_code in {200, 201}, (path, answer.content[:300])
            assert leaks(body_of(answer)) == [], path


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b'{"prompt": "' + PROMPT.encode(), {}, 400),
        (PROMPT.encode(), {}, 400),
        (json.dumps({"prompt": PROMPT, "disclosure": "private", "width": PROMPT}).encode(), {}, 422),
        (json.dumps({"prompt": PROMPT, "promt": PROMPT}).encode(), {}, 422),
        (json.dumps({"prompt": PROMPT * 2_000, "disclosure": "private"}).encode(), {}, 422),
        (json.dumps({"prompt": [PROMPT], "disclosure": PROMPT}).encode(), {}, 422),
        (json.dumps({"prompt": PROMPT, "model": "none"}).encode(), {}, 422),
        (json.dumps({"prompt": PROMPT, "disclosure": "private", "steps": 3}).encode(), {"Idempotency-Key": "k"}, 409),
    ],
)
def test_no_error_quotes_the_prompt_that_was_sent(
    body: bytes, headers: dict[str, str], status: int, said: Callable[[], str]
) -> None:
    a_model()
    mara = an_artist()
    if headers:
        a_request(mara, key="k", body="another body")
    answer = Client(raise_request_exception=False).post(
        "/api/v1/generations", data=body, content_type="application/json",
        headers={"Authorization": f"Bearer {a_token(mara)}", **headers},
    )  # fmt: skip
    assert answer.status_code == status, answer.content
    assert leaks(answer.content) == []
    assert leaks(said().encode()) == []


def test_no_table_holds_a_word_but_the_columns_of_the_row_itself(mara: tuple[Account, Output]) -> None:
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            columns = [column.name for column in cursor.description]
            for row in cursor.fetchall():
                for column, value in zip(columns, row, strict=True):
                    is_own = table == "generation_generation" and column in OWN_COLUMNS
                    if not is_own and leaks(bytes(value) if isinstance(value, memoryview) else str(value).encode()):
                        found[table, column] = value
    assert found == {}


def test_the_log_as_published_and_as_taken_away_says_no_word(
    mara: tuple[Account, Output], home: Path, files: Path
) -> None:
    published = [path for folder in (home, files) for path in folder.rglob("*") if path.is_file()]
    assert any("tile" in str(path) for path in published)
    assert {str(path): found for path in published if (found := leaks(path.read_bytes()))} == {}
    answer = read_by(an_auditor(), "/api/v1/audit/exports")
    assert answer.status_code == 200 and leaks(body_of(answer)) == []


def test_no_log_line_says_a_word_at_debug_whatever_breaks(
    keys: Path, said: Callable[[], str]
) -> None:
    a_model()
    mara = an_artist()
    for ending in ("", ", break", ", break the database"):
        a_request(mara, prompt=PROMPT + ending, negative_prompt=NEGATIVE, disclosure="private")
    while render_next(worker=a_worker(keys, pipeline=TellingPipeline())):
        pass
    text = said()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert leaks(text.encode()) == []
    faults = [line for line in lines if line["event"] == "internal fault"]
    assert len(faults) == 2
    assert any(line.startswith("ValueError: (words withheld)") for line in faults[0]["exception"])
    assert any("telling.py" in line for line in faults[0]["exception"]), "where it broke is told"
    assert [line for line in lines if line["logger"] == "tokenizers.of.others"], "the library spoke up"


def test_a_task_that_celery_finds_broken_says_no_word_either(
    said: Callable[[], str],
) -> None:
    @shared_task(name="tests.break_aloud")
    def break_aloud() -> None:
        raise ValueError(PROMPT)

    break_aloud.apply(throw=False)
    text = said()
    assert "tests.break_aloud" in text and "ValueError" in text and leaks(text.encode()) == []


def test_a_page_that_breaks_says_no_word_in_answer_or_log(
    mara: tuple[Account, Output], said: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(PROMPT)

    monkeypatch.setattr("generation.queries.generation_of", broken)
    answer = read_by(mara[0], f"/api/v1/generations/{mara[1].generation_id}")
    assert answer.status_code == 500 and leaks(body_of(answer)) == []
    text = said()
    assert "RuntimeError" in text and leaks(text.encode()) == []


def test_a_failed_request_tells_its_fault_and_no_word_and_its_entry_has_the_code(mara: tuple[Account, Output]) -> None:
    failed = Generation.objects.filter(state="failed")
    assert {one.fault["code"] for one in failed} == {"internal-fault"}
    details = [entry.opening.details for entry in Entry.objects.filter(kind="GenerationFailed")]
    assert len(details) == 2 and leaks(json.dumps(details).encode()) == []
