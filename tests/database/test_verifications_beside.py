"""Credentials outside the file, over HTTP: handed in with it, or fetched where the operator allows that."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings

from provenance import storage
from provenance.credentials.actions import signing_key
from provenance.credentials.reading import LARGEST_STORE
from tests.factories.records import a_party, a_work, an_artist
from tests.simulators.caller import Caller, is_problem
from tests.simulators.pictures import listed, picture, xmp_naming

pytestmark = pytest.mark.django_db(transaction=True)
VERIFICATIONS, CHECKS = "/api/v1/verifications", "/v1/content_provenance_checks"


def test_a_listed_work_is_verified_with_the_manifest_that_stands_beside_it() -> None:
    owner = an_artist()
    work = a_work(owner, a_party(member=owner), licence="CC-BY-4.0")
    beside = Caller(owner).get(f"/api/v1/works/{work.pk}/manifest").content
    data = storage.load(work.digest)
    upload = SimpleUploadedFile("work.c2pa", beside)
    verdict = Caller().upload(VERIFICATIONS, data, manifest=upload).json()
    assert verdict["state"] == "trusted", verdict["summary"]
    (present,) = [one for one in verdict["checks"] if one["code"] == "manifest.present"]
    assert present["evidence"]["manifest"].encode() in beside
    assert Caller().upload(VERIFICATIONS, data).json()["state"] == "no_manifest"


def test_a_store_that_is_too_large_is_refused() -> None:
    upload = SimpleUploadedFile("huge.c2pa", bytes(LARGEST_STORE + 1))
    problem = is_problem(Caller().upload(VERIFICATIONS, picture(), manifest=upload), 413, "credentials-too-large")
    assert "17 MB" in problem["detail"] and "16 MB" in problem["detail"]


def test_openais_face_tells_of_the_file_alone() -> None:
    answer = Caller().upload(CHECKS, picture(), manifest=SimpleUploadedFile("work.c2pa", b"jumb"))
    assert answer.status_code == 422 and answer.json()["error"]["param"] == "file"
    assert Caller().upload(CHECKS, picture()).status_code == 200


@contextmanager
def web(answers: dict[str, tuple[int, bytes]]) -> Iterator[tuple[str, list[str]]]:
    """Run a web server on this machine; lend its address and the list of what it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            status, body = answers[self.path]
            self.send_response(status)
            self.send_header("Location" if status == 302 else "X-Kind", body.decode() if status == 302 else "store")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("allowed", "named", "is_fetched"),
    [
        ("http://{here}/open/", "http://{here}/open/one.c2pa", True),
        ("http://{here}/open/", "http://{here}/open/moved", True),
        ("", "http://{here}/open/one.c2pa", False),
        ("http://{here}/open/", "http://{here}/secret/one.c2pa", False),
        ("http://{here}/open/", "http://{here}/open/../secret/one.c2pa", False),
        ("http://{here}/open/", "http://{here}/open/outside", False),
        ("http://localhost:{port}/open/", "http://localhost:{port}/open/one.c2pa", False),
    ],
)
def test_credentials_elsewhere_are_fetched_only_where_the_operator_allows_it(
    settings: Settings, allowed: str, named: str, is_fetched: bool
) -> None:
    answers = {"/open/moved": (302, b"/open/one.c2pa"), "/open/outside": (302, b"/secret")}
    with web(answers) as (here, asked):
        names = {"here": here, "port": here.rsplit(":", 1)[1]}
        listing = tuple(filter(None, [allowed.format(**names)]))
        settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"verify_addresses": listing})
        data = picture("image/jpeg", xmp=xmp_naming(named.format(**names)))
        answers["/open/one.c2pa"] = (200, listed(signing_key(), data, media_type="image/jpeg").store)
        verdict = Caller().upload(VERIFICATIONS, data).json()
        assert verdict["state"] == ("trusted" if is_fetched else "no_manifest"), verdict["summary"]
        assert ("/open/one.c2pa" in asked) is is_fetched and "/secret" not in str(asked)


def test_what_is_fetched_and_is_no_store_is_said_so(settings: Settings) -> None:
    with web({"/open/one.c2pa": (200, b"<html>not a store</html>")}) as (here, _):
        settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"verify_addresses": (f"http://{here}/open/",)})
        data = picture("image/jpeg", xmp=xmp_naming(f"http://{here}/open/one.c2pa"))
        verdict = Caller().upload(VERIFICATIONS, data).json()
        present = next(one for one in verdict["checks"] if one["code"] == "manifest.present")
        assert present["result"] == "failed" and "beside this file" in present["en"]
