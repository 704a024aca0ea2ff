"""Verdicts over HTTP: on what anyone sends, on our own pictures by their names, and in OpenAI's shapes."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from generation.actions.rendering import render_next
from generation.models import Generation
from provenance import storage
from provenance.audit_log.models import Entry
from provenance.audit_log.sequencing import sequence
from provenance.credentials.actions import signing_key
from provenance.credentials.signing import pem_chain
from provenance.verification.verify import verify
from server.api.openai import in_utc
from tests import services
from tests.factories.pictures import a_png, a_png_bomb, polyglots
from tests.factories.records import a_model, a_request, a_worker, an_artist
from tests.simulators import certificates
from tests.simulators.caller import Caller, is_problem
from tests.simulators.pictures import PROMPT, picture, signed
from tests.simulators.tampering import moved_onto, stripped, with_other_pixel, with_two_stores
from tests.unit.test_verification_strangers import FOREIGN

pytestmark = pytest.mark.django_db(transaction=True)
VERIFICATIONS = "/api/v1/verifications"
CHECKS = "/v1/content_provenance_checks"


@pytest.fixture
def delivered(keys: Path) -> Generation:
    """Return a generation whose one picture was delivered."""
    a_model()
    generation = a_request(an_artist(), prompt="a cat that nobody may read", disclosure="private")
    render_next(worker=a_worker(keys))
    return generation


def file_of(generation: Generation) -> bytes:
    return storage.load(generation.outputs.get().digest)


# ---- one of ours, by its name ----------------------------------------------------------------------------------


def test_the_verdict_on_a_delivered_picture_is_public_by_its_digest_and_by_its_manifests_id(
    delivered: Generation,
) -> None:
    output = delivered.outputs.get()
    for name in (output.digest, output.manifest_id, output.manifest_id.removeprefix("urn:c2pa:")):
        told = Caller().get(f"/api/v1/provenance/{name}").json()
        assert told["file"]["digest"] == output.digest
        assert told["manifest"]["generation"] == str(delivered.pk)
        assert "nobody may read" not in json.dumps(told)


def test_every_field_of_our_own_record_agrees_with_the_manifest(delivered: Generation) -> None:
    told = Caller().get(f"/api/v1/provenance/{delivered.outputs.get().digest}").json()
    (agrees,) = [check for check in told["checks"] if check["code"] == "record.agrees"]
    assert agrees["result"] == "passed", agrees
    fields = {one["field"]: one for one in agrees["evidence"]["fields"]}
    assert {"model_digest", "seed", "disclosure", "references", "inputs", "made_at", "log"} <= fields.keys()
    assert fields["seed"]["record"] == "7"


def test_a_report_asks_the_database_little(delivered: Generation) -> None:
    sequence()
    for data, layer, most in ((file_of(delivered), "file", 8), (a_png(seed=9, width=128, height=128), None, 8)):
        Caller().upload(VERIFICATIONS, data)
        with CaptureQueriesContext(connection) as asked:
            told = Caller().upload(VERIFICATIONS, data).json()
        assert [one["layer"] for one in told["records"]] == ([layer] if layer else [])
        assert len(asked) <= most, [one["sql"][:80] for one in asked.captured_queries]


@pytest.mark.parametrize("name", ["sha256:" + "0" * 64, "urn:c2pa:nothing", "nothing", "%00", "a" * 300])
def test_what_is_not_ours_is_not_found(name: str) -> None:
    assert Caller().get(f"/api/v1/provenance/{name}").status_code in {400, 404}


# ---- from an address -------------------------------------------------------------------------------------------


def test_no_address_is_fetched_unless_the_operator_allows_it() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.settimeout(0.2)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/picture.png"
        is_problem(Caller().post(VERIFICATIONS, {"url": address}), 422, "address-not-allowed")
        with pytest.raises(TimeoutError):
            listening.accept()
    assert not Entry.objects.exists()


def test_an_allowed_address_is_fetched_and_verified(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = ("https://pictures.example/",)
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"verify_addresses": allowed})
    seen: list[Any] = []

    def fetched(url: str, *, allowed: Any) -> bytes:
        seen.append((url, allowed))
        return picture()

    monkeypatch.setattr("server.api.verifications.fetch", fetched)
    answer = Caller().post(VERIFICATIONS, {"url": "https://pictures.example/x.png"})
    assert answer.json()["state"] == "no_manifest"
    assert seen == [("https://pictures.example/x.png", allowed)]


@pytest.mark.parametrize("body", [{}, {"url": ""}, {"url": 7}, {"file": "text"}, [], {"url": "x" * 3000}])
def test_a_body_that_is_neither_file_nor_address_is_refused(body: Any) -> None:
    assert Caller().post(VERIFICATIONS, body).status_code == 422


# ---- strangers -------------------------------------------------------------------------------------------------


def test_our_picture_signed_again_by_a_stranger_who_claims_to_be_us_is_told_as_his(delivered: Generation) -> None:
    ours = signing_key()
    name = "Colophon development signer"
    chain = certificates.chain(now=datetime.now(UTC), name=name)
    stranger = pem_chain(chain_pem=chain.pem, key_pem=chain.key_pem(), now=datetime.now(UTC))
    output = delivered.outputs.get()
    forged = signed(
        stranger, data=stripped(file_of(delivered)), manifest_id=output.manifest_id, generation_id=str(delivered.pk)
    ).data
    told = Caller().upload(VERIFICATIONS, forged).json()
    assert told["state"] == "failed" and ours.key_id not in json.dumps(told["signer"])
    results = {check["code"]: check for check in told["checks"]}
    assert results["signer.trusted"]["result"] == "failed"
    assert results["manifest.integrity"]["result"] == "passed"
    assert results["record.agrees"]["result"] == "failed"
    assert "file" in results["record.agrees"]["evidence"]["differing"]


def test_a_manifest_of_ours_on_another_picture_of_ours_is_told_with_the_record_of_that_picture(
    delivered: Generation, keys: Path
) -> None:
    another = a_request(an_artist("ida"), seeds=(8,))
    render_next(worker=a_worker(keys))
    moved = moved_onto(stripped(file_of(another)), store_of=file_of(delivered))
    told = Caller().upload(VERIFICATIONS, moved).json()
    (record,) = told["records"]
    assert (record["layer"], record["image"]) == ("pixels", another.outputs.get().digest)
    checks = {check["code"]: check["result"] for check in told["checks"]}
    assert told["state"] == "failed"
    assert checks["manifest.integrity"] == checks["record.agrees"] == "failed"


def test_every_fact_that_records_answer_names_what_it_rests_on(delivered: Generation) -> None:
    checks = {check["code"]: check for check in Caller().upload(VERIFICATIONS, file_of(delivered)).json()["checks"]}
    digest = delivered.outputs.get().digest
    assert checks["dispute"]["evidence"] == {"asked": [digest]}
    assert checks["licence.today"]["evidence"]["asked"] == []
    assert checks["key.revoked"]["evidence"]["key"]


def test_what_no_browser_would_send_gets_a_report_and_leaves_nothing_behind(delivered: Generation) -> None:
    before = Entry.objects.count()
    ours = file_of(delivered)
    expected = {name: (data, "unreadable") for name, data in FOREIGN.items()}
    expected |= {name: (data, "no_manifest") for name, data in polyglots().items()}
    expected |= {
        "a bomb": (a_png_bomb(), "unreadable"),
        "two stores": (with_two_stores(ours), "failed"),
        "our manifest on another picture": (moved_onto(picture(seed=2), store_of=ours), "failed"),
        "a page": (b"<!doctype html><script>alert(1)</script>", "unreadable"),
    }
    for name, (data, state) in expected.items():
        for called in ("picture.png", "../../etc/passwd", "picture.heic", "<script>.svg"):
            answer = Caller().upload(VERIFICATIONS, data, name=called)
            assert answer.status_code == 200 and answer["Content-Type"] == "application/json", name
        told = answer.json()
        assert told["state"] in {state, "unreadable" if name in polyglots() else state}, (name, told["summary"])
        assert "original" not in told["summary"]["en"].lower()
    assert Entry.objects.count() == before


def test_every_foreign_file_gets_over_http_the_verdict_that_the_command_gives() -> None:
    folder = Path(services.require_tool("corpus"))
    files = [path for path in sorted(folder.iterdir()) if path.suffix not in {".md", ".pem"} and path.is_file()]
    assert len(files) >= 25
    for path in files:
        answer = Caller().upload(VERIFICATIONS, path.read_bytes(), name="wrong.txt")
        assert answer.status_code == 200, path.name
        alone = verify(path.read_bytes(), trust_pem=signing_key().root_pem)
        assert answer.json()["state"] == alone.outcome, path.name
        assert as_its_client_sends(path.read_bytes()).status_code == 200, path.name
    assert not Entry.objects.exists()


# ---- OpenAI's shapes -------------------------------------------------------------------------------------------


def as_its_client_sends(data: bytes, *, field: str = "file") -> Any:
    """Send what OpenAI's client sends, as httpx encodes it: a form with one file, and a key of any kind."""
    request = httpx.Request(
        "POST", f"http://testserver{CHECKS}", files={field: ("picture.png", data, "image/png")},
        headers={"Authorization": "Bearer sk-anything"},
    )  # fmt: skip
    return Client().post(
        CHECKS, data=request.read(), content_type=request.headers["Content-Type"],
        headers={"Authorization": request.headers["Authorization"]},
    )  # fmt: skip


def test_openais_client_is_told_of_our_credentials(delivered: Generation) -> None:
    told = as_its_client_sends(file_of(delivered)).json()
    assert told["object"] == "content_provenance_check" and isinstance(told["created_at"], int)
    (result,) = told["results"]
    assert result["type"] == "c2pa" and result["outcome"] == "detected"
    assert result["model"] == "Tiny" and result["generated_at"].endswith("Z")
    assert result["issuer"].startswith("Colophon development signer")


def test_openais_client_is_told_what_does_not_stand(delivered: Generation) -> None:
    changed = as_its_client_sends(with_other_pixel(file_of(delivered))).json()["results"][0]
    assert (changed["outcome"], changed["validation_state"]) == ("not_detected", "invalid")
    bare = as_its_client_sends(stripped(file_of(delivered))).json()
    nothing = {"issuer": None, "model": None, "generated_at": None}
    assert bare["results"] == [
        {"type": "c2pa", "outcome": "not_detected", "validation_state": "not_present", **nothing}
    ]
    assert "exactly these pixels" in bare["colophon"]["summary"]
    stranger = certificates.chain(now=datetime.now(UTC))
    key = pem_chain(chain_pem=stranger.pem, key_pem=stranger.key_pem(), now=datetime.now(UTC))
    assert as_its_client_sends(signed(key).data).json()["results"][0]["validation_state"] == "valid"


EXPECTED = {
    "own-ai-ref-tampered.png": ("detected", "valid"),
    "own-ai-expired-cert.png": ("not_detected", "invalid"),
    "own-ai-stripped.png": ("not_detected", "not_present"),
    "rs-no_alg.jpg": ("not_detected", "invalid"),
    "rs-cloud.jpg": ("not_detected", "not_present"),
    "rs-C.jpg": ("detected", "valid"),
    "rs-update_manifest.jpg": ("detected", "valid"),
}


def test_openais_client_reads_foreign_files_as_c2pa_does_and_every_field_is_there() -> None:
    folder = Path(services.require_tool("corpus"))
    for path in sorted(folder.iterdir()):
        if path.suffix in {".md", ".pem"} or not path.is_file():
            continue
        (told,) = as_its_client_sends(path.read_bytes()).json()["results"]
        assert told.keys() == {"type", "outcome", "validation_state", "issuer", "model", "generated_at"}
        assert all(one is None or one for one in told.values()), path.name
        assert told["generated_at"] is None or told["generated_at"].endswith("Z"), path.name
        if path.name in EXPECTED:
            assert (told["outcome"], told["validation_state"]) == EXPECTED[path.name], path.name
        if path.name.startswith("rs-"):
            assert told["generated_at"] is None, "when it was signed or edited is not when it was made"


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ("2015-06-26T16:43:23+0200", "2015-06-26T14:43:23.000000Z"),
        ("2026-11-23T01:00:00Z", "2026-11-23T01:00:00.000000Z"),
        ("2026-11-23T01:00:00", None),
        ("2026-11-23", None),
        ("0001-01-01T00:00:00+23:00", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_a_stranger_s_time_is_told_in_utc_or_not_at_all(stated: str, told: str | None) -> None:
    assert in_utc(stated) == told


def test_openais_client_is_refused_in_openais_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = as_its_client_sends(a_png(), field="picture")
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", "file", "invalid-request")
    assert Client().get(CHECKS).json()["error"]["code"] == "method-not-allowed"
    from server.api.throttles import PerAccount

    monkeypatch.setitem(PerAccount.THROTTLE_RATES, "verify", "1/min")
    as_its_client_sends(a_png())
    late = as_its_client_sends(a_png())
    assert (late.status_code, late.json()["error"]["type"]) == (429, "rate_limit_error")
    assert int(late["Retry-After"]) >= 1


def test_openais_client_may_not_name_an_address() -> None:
    body = Client().post(CHECKS, data={"url": "https://pictures.example/x.png"})
    assert (body.status_code, body.json()["error"]["param"]) == (422, "file")
    assert PROMPT not in body.content.decode()
