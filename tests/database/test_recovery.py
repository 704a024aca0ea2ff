"""Copies that lost their manifest are found again, layer by layer; and what a stranger learns from that."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image

from generation.actions.erasing import erase_person
from generation.actions.rendering import render_next
from generation.evidence import Records
from generation.models import Generation, Output
from generation.recovery import likenesses
from provenance import storage
from provenance.actor import COLOPHON
from provenance.attribution.models import KeptFingerprint
from provenance.credentials.queries import credential_of
from provenance.credentials.reading import read
from provenance.fingerprint import Fingerprint, fingerprint_of
from provenance.picture import decode_picture
from provenance.verification.copy import Copy
from provenance.verification.verdict import Verdict
from provenance.verification.verify import verify
from tests.factories.pictures import a_png, encoded
from tests.factories.records import a_model, a_request, a_worker, an_artist
from tests.simulators.naming import unnamed

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "zyzzyva quokka"


def delivered(keys: Path, **asked: Any) -> Output:
    if not Generation.objects.exists():
        a_model()
    generation = a_request(an_artist(f"artist{Generation.objects.count()}"), **({"width": 128, "height": 128} | asked))
    render_next(worker=a_worker(keys))
    generation.refresh_from_db()
    assert generation.state == Generation.State.DONE, generation.fault
    return generation.outputs.get()


def picture_of(output: Output) -> Image.Image:
    return Image.fromarray(decode_picture(storage.load(output.digest)).pixels)


def verdict_on(data: bytes) -> Verdict:
    return verify(data, evidence=Records(keeper="example.org"))


def test_each_layer_finds_what_the_one_before_cannot(keys: Path) -> None:
    output = delivered(keys)
    data, picture = storage.load(output.digest), picture_of(output)
    copies = {
        "file": data,
        "manifest": data + b"\0",
        "pixels": encoded(picture, "PNG"),
        "fingerprint": encoded(picture, "JPEG", quality=50),
    }
    for layer, copy in copies.items():
        (record,) = verdict_on(copy).records
        assert (record.layer, record.image_digest, record.manifest_id) == (layer, output.digest, output.manifest_id)
    assert verdict_on(a_png(seed=5, width=128, height=128)).records == ()


@pytest.mark.parametrize("change", ["webp", "half", "crop", "bright"])
def test_changed_copies_are_found_and_the_verdict_says_by_what_and_how_sure(keys: Path, change: str) -> None:
    output = delivered(keys)
    picture = picture_of(output)
    changed = {
        "webp": encoded(picture, "WEBP", quality=50),
        "half": encoded(picture.resize((64, 64), Image.Resampling.BICUBIC)),
        "crop": encoded(picture.crop((6, 6, 122, 122))),
        "bright": encoded(picture.point(lambda value: min(255, value * 1.15))),
    }[change]
    verdict = verdict_on(changed)
    (record,) = verdict.records
    found = verdict.check("record.found")
    assert found.result == "passed" and found.evidence["layer"] == "fingerprint"
    match = record.as_json()["match"]
    assert match["pdq"]["bits"] == 256 and match["pdq"]["distance"] <= 64
    assert match["candidates"] == 1 and match["stage"] == "delivered"
    assert 0 < float(match["stranger"]["rate_at_most"]) <= 1 and match["stranger"]["pictures"] >= 1
    assert "Of unrelated pictures that are checked, at most 1 in" in match["stranger"]["said"]["en"]
    assert unnamed(verdict) == set()
    assert record.is_possible == (match["pdq"]["distance"] > 31 and match["iscc"]["distance"] > 8)
    if not record.is_possible:
        assert verdict.check("record.agrees").result == "not_checked"
        assert verdict.check("log.inclusion").code == "log.inclusion"


def test_beyond_thirty_one_bits_it_is_a_possible_copy_until_the_second_method_confirms_it(keys: Path) -> None:
    output = delivered(keys)
    own = fingerprint_of(np.asarray(picture_of(output)))
    row = KeptFingerprint.objects.get(subject_id=output.use_id)
    near = _moved(bytes(row.codes), 40)
    for iscc, is_confirmed, methods in ((own.iscc, True, ["pdq", "iscc"]), ("ISCC:EEAYAAAAAAAAAAAA", False, ["pdq"])):
        (found,) = likenesses(Fingerprint(pdq=(near,), quality=100, iscc=iscc))
        assert found.match.distance == 40
        assert (found.is_confirmed, found.told()["methods"]) == (is_confirmed, methods)


def _moved(codes: bytes, bits: int) -> bytes:
    code = bytearray(codes[:32])
    for bit in np.random.default_rng(3).permutation(256)[:bits]:
        code[bit // 8] ^= 1 << int(bit % 8)
    return bytes(code)


def test_of_several_candidates_all_are_told_and_none_is_picked(keys: Path) -> None:
    first, second = delivered(keys), delivered(keys)  # the same seed and words draw the same picture
    assert first.raw_pixels == second.raw_pixels
    verdict = verdict_on(encoded(picture_of(first), "JPEG", quality=50))
    assert {record.image_digest for record in verdict.records} == {first.digest, second.digest}
    found = verdict.check("record.found")
    assert "which one, if any, is not decided here" in found.en and "此处不作判断" in found.zh
    assert verdict.check("record.agrees").result == "not_checked"
    assert {record.match["candidates"] for record in verdict.records} == {2}


def test_a_copy_of_a_private_record_tells_no_more_than_its_manifest(keys: Path) -> None:
    output = delivered(keys, prompt=SECRET, disclosure="private")
    verdict = verdict_on(encoded(picture_of(output), "JPEG", quality=50))
    (record,) = verdict.records
    assert SECRET not in str(verdict.as_json()) and record.prompt_text == ""
    assert str(output.generation.owner_id) not in str(verdict.as_json())
    assert "artist0" not in str(verdict.as_json())


def test_a_copy_of_an_erased_image_is_no_longer_found_by_its_looks(keys: Path) -> None:
    output = delivered(keys)
    copy, exact = encoded(picture_of(output), "JPEG", quality=50), storage.load(output.digest)
    erase_person(actor=COLOPHON, account_id=output.generation.owner_id)
    assert verdict_on(copy).records == ()
    assert [record.layer for record in verdict_on(exact).records] == ["file"]


# ---- C2PA's Soft Binding Resolution API ------------------------------------------------------------------------


def matches(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.content
    return list(answer.json()["matches"])


def test_a_picture_s_manifest_is_found_by_content_in_every_form_of_body(keys: Path) -> None:
    output = delivered(keys)
    copy = encoded(picture_of(output), "JPEG", quality=50)
    client, address = Client(), "/c2pa/matches/byContent"
    answers = [
        client.post(address, copy, content_type="image/jpeg"),
        client.post(address, copy, content_type="application/octet-stream"),
        client.post(address + "?alg=org.colophon.pdq-windows.v1", {"file": SimpleUploadedFile("x", copy)}),
    ]
    for answer in answers:
        (found,) = matches(answer)
        assert found["manifestId"] == output.manifest_id
        assert 75 <= found["similarityScore"] <= 100 and found["endpoint"].endswith("/c2pa")
    assert matches(client.post(address, a_png(seed=4, width=99, height=99), content_type="image/png")) == []


def test_what_a_manifest_states_as_soft_binding_finds_it(keys: Path) -> None:
    output = delivered(keys)
    row = KeptFingerprint.objects.get(subject_id=output.use_id)
    client, address = Client(), "/c2pa/matches/byBinding"
    manifest = read(storage.load(output.digest)).manifest
    stated = [one["data"] for one in manifest["assertions"] if one["label"].startswith("c2pa.soft-binding")]
    for asked in ({"alg": one["alg"], "value": one["blocks"][0]["value"]} for one in stated):
        (found,) = matches(client.get(address, asked))
        assert (found["manifestId"], found["similarityScore"]) == (output.manifest_id, 100), "as it stands there"
    for algorithm, value in (
        ("io.iscc.v0", row.iscc.encode()),
        ("org.colophon.pdq-windows.v1", bytes(row.codes)),
        ("org.colophon.pdq-windows.v1", bytes(row.codes)[:32]),
    ):
        asked = {"alg": algorithm, "value": base64.b64encode(value).decode()}
        for answer in (client.get(address, asked), client.post(address, asked, content_type="application/json")):
            assert matches(answer) == [
                {"manifestId": output.manifest_id, "endpoint": matches(answer)[0]["endpoint"], "similarityScore": 100}
            ]
    assert client.get("/c2pa/services/supportedAlgorithms").json() == {
        "watermarks": [{"alg": "org.colophon.spread-64.1"}],
        "fingerprints": [{"alg": "io.iscc.v0"}, {"alg": "org.colophon.pdq-windows.v1"}],
    }  # fmt: skip


def test_many_likenesses_are_told_with_one_reading_of_credentials_and_no_vocabulary(keys: Path) -> None:
    first, _ = delivered(keys), delivered(keys)  # the same seed and words draw the same picture
    with CaptureQueriesContext(connection) as asked:
        found = Records(keeper="here").find(Copy(encoded(picture_of(first), "JPEG", quality=50)))
    assert len(found) == 2 and all(record.key_id for record in found)
    statements = [one["sql"] for one in asked]
    assert sum('FROM "credentials_credential"' in one for one in statements) == 1
    assert not any("vocabulary" in one for one in statements)


def test_the_stored_manifest_comes_back_by_id_and_as_a_sidecar_by_digest(keys: Path) -> None:
    output = delivered(keys)
    credential = credential_of(output.digest)
    assert credential is not None
    store = storage.load(credential.store_digest)
    for address in (
        f"/c2pa/manifests/{output.manifest_id}",
        f"/c2pa/manifests/{output.manifest_id}?returnActiveManifest=true",
        f"/images/{output.digest}.c2pa",
    ):
        answer = Client().get(address)
        assert (answer.status_code, answer.content) == (200, store)
        assert answer["Content-Type"] == "application/c2pa" and answer["Access-Control-Allow-Origin"] == "*"
    stripped = encoded(picture_of(output))
    assert verify(stripped).outcome == "no_manifest"
    assert Client().get("/c2pa/manifests/urn:c2pa:" + str(uuid4())).status_code == 404
    erase_person(actor=COLOPHON, account_id=output.generation.owner_id)
    assert Client().get(f"/c2pa/manifests/{output.manifest_id}").status_code == 410


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"alg": "com.example.other", "value": "AAAA"}, "alg"),
        ({"alg": "org.colophon.pdq-windows.v1", "value": "AAAA"}, "value"),
        ({"alg": "org.colophon.pdq-windows.v1", "value": "%%%"}, "value"),
        ({"alg": "org.colophon.spread-64.1", "value": "AAAA"}, "value"),
        ({"alg": "io.iscc.v0"}, "value"),
        ({"alg": "io.iscc.v0", "value": "AAAA", "maxResults": 0}, "maxResults"),
    ],
)
def test_a_binding_that_cannot_be_looked_up_is_refused_by_name(asked: dict[str, Any], field: str) -> None:
    answer = Client().get("/c2pa/matches/byBinding", asked)
    assert answer.status_code == answer.json()["status"] == 400
    assert field in str(answer.json())
    body = Client().post("/c2pa/matches/byBinding", asked, content_type="application/json")
    assert body.status_code == 400


def test_a_value_that_is_too_long_for_an_address_is_told_so_and_a_body_may_be_no_longer() -> None:
    asked, address = {"alg": "io.iscc.v0", "value": "A" * 2000}, "/c2pa/matches/byBinding"
    for answer, status in (
        (Client().get(address, asked), 414),
        (Client().post(address, asked, content_type="application/json"), 400),
    ):
        assert answer.status_code == answer.json()["status"] == status
        assert "value" in str(answer.json())


def test_how_many_matches_may_be_told_is_asked_for_in_the_address_and_bounded(keys: Path) -> None:
    first, second = delivered(keys), delivered(keys)  # the same seed and words draw the same picture
    codes = base64.b64encode(bytes(KeptFingerprint.objects.get(subject_id=first.use_id).codes)).decode()
    asked = {"alg": "org.colophon.pdq-windows.v1", "value": codes}
    for most, told in ((1, 1), (2, 2), (100_000, 2)):
        for answer in (
            Client().get("/c2pa/matches/byBinding", {**asked, "maxResults": most}),
            Client().post(f"/c2pa/matches/byBinding?maxResults={most}", asked, content_type="application/json"),
        ):
            matches = answer.json()["matches"]
            assert len(matches) == told and {one["similarityScore"] for one in matches} == {100}
            assert {one["manifestId"] for one in matches} <= {first.manifest_id, second.manifest_id}


def test_content_that_is_no_picture_or_too_large_is_refused() -> None:
    address = "/c2pa/matches/byContent"
    assert Client().post(address, b"<html>", content_type="image/png").status_code == 415
    assert Client().post(address, b"RIFF", content_type="audio/wav").status_code == 415
    assert Client().post(address, {"file": "text"}).status_code == 400
    large = io.BytesIO(b"\0" * (20 * 2**20 + 1))
    assert Client().post(address, large.getvalue(), content_type="image/png").status_code == 413
    assert Client().post(address, {"file": SimpleUploadedFile("x", large.getvalue())}).status_code == 413


def test_the_api_is_described_with_the_rest() -> None:
    described = Client().get("/api/schema").content.decode()
    for address in ("/c2pa/matches/byBinding", "/c2pa/matches/byContent", "/c2pa/manifests/{manifest_id}"):
        assert address in described
