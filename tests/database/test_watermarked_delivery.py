"""Watermarks of delivered pictures: stated, recorded, and what a stripped and cropped copy is found by."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image

from generation import image_files
from generation.actions import reconciling
from generation.actions.erasing import erase_person
from generation.actions.renditions import make_rendition
from generation.evidence import Records
from generation.models import Output
from generation.rendition import Box, Change
from provenance import storage
from provenance.actor import COLOPHON
from provenance.canonical import pixel_digest
from provenance.credentials.development_ca import DevelopmentCA
from provenance.credentials.reading import read
from provenance.credentials.watermark.spread import ALGORITHM, SpreadWatermark
from provenance.picture import decode_picture
from provenance.verification.verify import verify
from server.api.throttles import PerAccount
from tests.bench.marks import varied
from tests.factories.delivered import an_output
from tests.factories.records import an_artist
from tests.simulators.caller import Caller
from tests.simulators.naming import unnamed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def small_ones_too(home: Path, settings: Any) -> None:
    """Mark pictures from 160 pixels on: the tests' own are small."""
    settings.COLOPHON_WATERMARK_LEAST_SIDE = 160


def delivered(keys: Path, *, side: int = 192, **asked: Any) -> Output:
    return an_output(keys, an_artist(), varied(3, side), **asked)


def as_png(pixels: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["png", "jpeg", "webp", "avif"])
def test_a_delivered_picture_carries_an_id_that_its_manifest_states(keys: Path, name: Any) -> None:
    output = delivered(keys, output_format=name)
    reading = read(storage.load(output.digest), trust_pem=next(keys.rglob("root*.pem")).read_text())
    assert output.watermark is not None and len(output.watermark) == 16
    bindings = [one["data"] for one in reading.manifest["assertions"] if "soft-binding" in one["label"]]
    assert ALGORITHM in {binding["alg"] for binding in bindings}
    actions = [one["action"] for one in reading.assertion("c2pa.actions.v2")["actions"]]
    assert actions == ["c2pa.created", "c2pa.watermarked.bound"]
    assert reading.validation_state == "Trusted"
    assert output.raw_pixels == pixel_digest(varied(3, 192))
    assert output.raw_pixels != output.delivered_pixels
    assert reconciling.reconcile(reconciling.begin_here(actor=COLOPHON)).differences == 0


def test_openais_client_is_told_of_the_watermark_of_a_copy_without_credentials(keys: Path) -> None:
    copy = as_png(decode_picture(storage.load(delivered(keys).digest)).pixels[10:, 6:])
    credentials, mark = Caller().upload("/v1/content_provenance_checks", copy).json()["results"]
    assert credentials["validation_state"] == "not_present"
    assert mark.keys() == {"type", "outcome", "model", "generated_at"}
    assert (mark["type"], mark["outcome"], mark["model"]) == ("colophon_watermark", "detected", "Tiny")
    assert mark["generated_at"].endswith("Z")


def test_its_watermark_finds_the_manifest_by_binding_and_by_content_until_it_is_erased(keys: Path) -> None:
    output = delivered(keys)
    assert output.watermark is not None
    asked = {"alg": ALGORITHM, "value": base64.b64encode(bytes.fromhex(output.watermark)).decode()}
    other = {"alg": ALGORITHM, "value": base64.b64encode(bytes(8)).decode()}
    client, address = Client(), "/c2pa/matches/byBinding"
    (found,) = client.get(address, asked).json()["matches"]
    assert (found["manifestId"], found["similarityScore"]) == (output.manifest_id, 100)
    assert client.get(address, other).json()["matches"] == []
    copy = as_png(decode_picture(storage.load(output.digest)).pixels[10:, 6:])
    content = client.post(f"/c2pa/matches/byContent?alg={ALGORITHM}", copy, content_type="image/png")
    assert content.json()["matches"] == [found]
    erase_person(actor=COLOPHON, account_id=output.generation.owner_id)
    assert client.get(address, asked).json()["matches"] == []


def test_a_stripped_and_cropped_copy_is_found_by_its_watermark(keys: Path) -> None:
    output = delivered(keys)
    pixels = decode_picture(storage.load(output.digest)).pixels
    verdict = verify(as_png(pixels[10:, 6:]), evidence=Records(keeper="here"))
    (record,) = verdict.records
    assert (record.layer, record.image_digest) == ("watermark", output.digest)
    assert record.match["id"] == output.watermark and record.match["of_bits"] == 128
    stranger = record.match["stranger"]
    assert stranger["pictures"] == 1 and 0 < float(stranger["rate_at_most"]) < 1e-15
    assert stranger["measured"]["queries"] >= 1_000 and set(stranger["said"]) == {"en", "zh-Hans"}
    assert unnamed(verdict) == set()


def test_without_leave_to_search_a_crop_is_found_by_its_fingerprint_and_nothing_is_kept_quiet(keys: Path) -> None:
    output = delivered(keys)
    whole = decode_picture(storage.load(output.digest)).pixels
    asked: list[bool] = []

    def not_now() -> bool:
        asked.append(True)
        return False

    again = whole.copy()
    again[0, 0] ^= 1  # neither file nor pixels are known, yet nothing has to be laid back
    (record,) = verify(as_png(again), evidence=Records(keeper="here", may_search=not_now)).records
    assert record.layer == "watermark" and not asked
    verdict = verify(as_png(whole[19:, 19:]), evidence=Records(keeper="here", may_search=not_now))
    assert [one.layer for one in verdict.records] == ["fingerprint"] and asked
    assert verdict.check("record.found").evidence["left_out"] == ["watermark.search"]
    stranger = verify(as_png(varied(9, 192)), evidence=Records(keeper="here", may_search=not_now))
    found = stranger.check("record.found")
    assert (found.result, found.evidence) == ("not_checked", {"left_out": ["watermark.search"]})
    assert "cropped copy" in found.en and "裁剪" in found.zh
    searched = verify(as_png(varied(9, 192)), evidence=Records(keeper="here")).check("record.found")
    assert not searched.evidence and "cropped" not in searched.en


def test_a_caller_who_had_enough_searched_gets_the_rest_of_the_verdict(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered(keys)
    monkeypatch.setitem(PerAccount.THROTTLE_RATES, "search", "1/min")
    told = [Caller().upload("/api/v1/verifications", as_png(varied(seed, 192))) for seed in (21, 22)]
    assert [answer.status_code for answer in told] == [200, 200]
    checks = [{one["code"]: one for one in answer.json()["checks"]}["record.found"] for answer in told]
    assert [one["evidence"] for one in checks] == [{}, {"left_out": ["watermark.search"]}]


def test_an_id_that_no_record_holds_is_no_finding(keys: Path) -> None:
    delivered(keys)
    stranger = as_png(SpreadWatermark().embed(varied(5, 192), id=b"not ours"))
    assert verify(stranger, evidence=Records(keeper="here")).records == ()


def test_a_picture_smaller_than_the_operator_allows_is_left_as_it_is(keys: Path) -> None:
    output = delivered(keys, side=128)
    assert output.watermark is None
    assert output.raw_pixels == output.delivered_pixels


def test_an_operator_can_switch_it_off(keys: Path, settings: Any) -> None:
    settings.COLOPHON_WATERMARK = "provenance.credentials.watermark.contract.NoWatermark"
    assert delivered(keys).watermark is None


def test_a_later_form_states_the_watermark_where_it_still_carries_it(keys: Path) -> None:
    from datetime import UTC, datetime

    output = delivered(keys)
    key = DevelopmentCA(keys).signing_key(now=datetime.now(UTC))
    actor = an_artist("ida").actor()
    owner = type(actor)(account_id=output.generation.owner_id, roles=actor.roles)
    whole = make_rendition(actor=owner, digest=output.digest, change=Change(output_format="jpeg"), key=key)
    part = make_rendition(actor=owner, digest=output.digest, change=Change(crop=Box(0, 0, 60, 60)), key=key)
    assert ALGORITHM.encode() in storage.load(whole.digest)
    bindings = [one for one in read(storage.load(part.digest)).manifest["assertions"] if "soft-binding" in one["label"]]
    assert ALGORITHM not in str(bindings)


def test_how_many_ids_are_kept_is_not_counted_each_time_where_they_are_many(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered(keys)
    assert image_files.watermarks_kept() == 1
    monkeypatch.setattr(image_files, "MANY", 1)
    monkeypatch.setattr("generation.image_files.time.time", lambda: 60.0)
    image_files._many_watermarked.cache_clear()
    assert image_files.watermarks_kept() == 1
    with CaptureQueriesContext(connection) as asked:
        assert image_files.watermarks_kept() == 1
    assert len(asked) == 1 and "LIMIT 1" in asked[0]["sql"]
    image_files._many_watermarked.cache_clear()
