"""A watermark that needs torch: hidden by the render worker, read by a job, pending in the verdict until it was."""

from __future__ import annotations

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from generation import jobs
from generation.actions import reading_watermarks
from generation.actions.reading_watermarks import read_next
from generation.actions.rendering import render_next
from generation.models import Output
from generation.trustmark.watermark import TrustMarkWatermark
from provenance import storage
from provenance.credentials.models import WatermarkReading
from provenance.credentials.reading import read
from provenance.credentials.watermark.contract import watermark_at
from server.settings import CELERY_TASK_ROUTES
from tests.bench.marks import varied
from tests.factories.pictures import a_png
from tests.factories.records import a_model, a_request, a_worker, an_artist
from tests.factories.trustmarks import KNOWN, placed_weights
from tests.simulators.caller import Caller
from tests.simulators.drawn import DrawnPipeline

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.torch]


@pytest.fixture(autouse=True)
def trustmark(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Choose TrustMark with small random weights that read one id; and let that be the id that is drawn."""
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(
        update={"home": tmp_path / "home", "trustmark_weights": placed_weights(tmp_path / "weights")}
    )
    settings.COLOPHON_WATERMARK = "generation.trustmark.watermark.placed"
    settings.COLOPHON_WATERMARK_LEAST_SIDE = 64
    drawn = secrets.token_bytes
    monkeypatch.setattr(secrets, "token_bytes", lambda length: KNOWN if length == len(KNOWN) else drawn(length))
    watermark_at.cache_clear()
    yield
    watermark_at.cache_clear()


@pytest.fixture
def output(keys: Path) -> Output:
    """Deliver a marked picture."""
    a_model()
    generation = a_request(an_artist())
    render_next(worker=a_worker(keys, pipeline=DrawnPipeline(varied(3, 192))))
    generation.refresh_from_db()
    assert generation.state == "done", generation.fault
    return generation.outputs.get()


def verified(data: bytes) -> dict[str, Any]:
    answer = Caller().upload("/api/v1/verifications", data)
    assert answer.status_code == 200, answer.content
    told: dict[str, Any] = answer.json()
    return told


def pending(verdict: dict[str, Any]) -> dict[str, Any]:
    (check,) = [one for one in verdict["checks"] if one["result"] == "pending"]
    return dict(check)


def test_a_delivered_picture_carries_the_id_and_says_trustmark_s_name(output: Output) -> None:
    assert output.watermark == KNOWN.hex()
    reading = read(storage.load(output.digest))
    bindings = [one["data"]["alg"] for one in reading.manifest["assertions"] if "soft-binding" in one["label"]]
    assert "com.adobe.trustmark.Q" in bindings
    assert reading.assertion("c2pa.actions.v2")["actions"][1]["action"] == "c2pa.watermarked.bound"


def test_quick_checks_answer_at_once_and_the_watermark_reads_pending_until_the_job_has_read_it(
    output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:  # the web process must not read: it has no torch
        patch.setattr(TrustMarkWatermark, "read", lambda *_, **__: pytest.fail("read in the web process"))
        check = pending(verified(a_png(seed=5, width=300, height=280)))
        assert check["code"] == "record.watermark" and check["en"] and check["zh-Hans"]
        waiting = Client().get(check["evidence"]["href"]).json()
    assert (waiting["state"], waiting["check"]["result"], waiting["records"]) == ("waiting", "pending", [])
    jobs.read_watermarks()
    done = Client().get(check["evidence"]["href"]).json()
    assert (done["state"], done["check"]["result"]) == ("done", "passed")
    (record,) = done["records"]
    assert (record["layer"], record["image"]) == ("watermark", output.digest)
    assert record["match"] == {"id": KNOWN.hex(), "bits_mended": 0, "of_bits": 96, "laid_back": False}


def test_the_picture_goes_when_it_was_read_and_the_answer_after_a_day(output: Output) -> None:
    check = pending(verified(a_png(seed=5, width=300, height=280)))
    row = WatermarkReading.objects.get()
    assert len(bytes(row.picture)) < 256 * 256 * 3 + 2_000
    jobs.read_watermarks()
    row.refresh_from_db()
    assert bytes(row.picture) == b"" and row.ended_at is not None
    assert reading_watermarks.forget_old() == 0
    WatermarkReading.objects.update(asked_at=timezone.now() - timedelta(days=2))
    assert reading_watermarks.forget_old() == 1
    assert Client().get(check["evidence"]["href"]).status_code == 404


def test_a_picture_that_was_found_already_waits_for_nothing(output: Output) -> None:
    verdict = verified(storage.load(output.digest))
    assert "pending" not in {check["result"] for check in verdict["checks"]}
    assert not WatermarkReading.objects.exists()


def test_before_anything_was_marked_nothing_waits() -> None:
    a_model()
    verdict = verified(a_png(seed=5, width=128, height=128))
    assert "pending" not in {check["result"] for check in verdict["checks"]}


def test_where_the_watermark_is_read_at_once_nothing_waits(output: Output, settings: Settings) -> None:
    settings.COLOPHON_WATERMARK = "provenance.credentials.watermark.spread.SpreadWatermark"
    verdict = verified(a_png(seed=5, width=128, height=128))
    assert "pending" not in {check["result"] for check in verdict["checks"]}


def test_other_faces_of_verification_never_wait(output: Output) -> None:
    answer = Caller().upload("/v1/content_provenance_checks", a_png(seed=5, width=128, height=128))
    assert answer.status_code == 200 and not WatermarkReading.objects.exists()


def test_no_id_of_ours_and_no_record_of_it_both_say_so_and_prove_nothing(output: Output) -> None:
    class Silent:
        algorithm, reads_at_once = "org.example", False

        def embed(self, pixels: Any, *, id: bytes) -> Any:
            return pixels

        def read(self, pixels: Any, *, thorough: bool = True) -> None:
            return None

    href = pending(verified(a_png(seed=5, width=128, height=128)))["evidence"]["href"]
    assert read_next(watermark=Silent())
    told = Client().get(href).json()
    assert (told["check"]["result"], told["records"]) == ("not_checked", [])
    href = pending(verified(a_png(seed=6, width=128, height=128)))["evidence"]["href"]
    WatermarkReading.objects.filter(state="waiting").update(state="done", found="00" * 8)
    assert Client().get(href).json()["check"]["result"] == "not_checked"


def test_weights_that_are_broken_fail_the_reading_and_not_the_worker(output: Output, settings: Settings) -> None:
    href = pending(verified(a_png(seed=5, width=128, height=128)))["evidence"]["href"]
    (settings.ENVIRONMENT.trustmark_weights / "decoder.safetensors").write_bytes(b"{}")
    watermark_at.cache_clear()
    jobs.read_watermarks()
    told = Client().get(href).json()
    assert (told["state"], told["check"]["result"]) == ("failed", "not_checked")


def test_too_many_that_wait_are_told_to_come_later(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_watermarks, "MOST_WAITING", 1)
    pending(verified(a_png(seed=5, width=128, height=128)))
    (check,) = [
        one for one in verified(a_png(seed=6, width=128, height=128))["checks"] if one["code"] == "record.watermark"
    ]
    assert check["result"] == "not_checked" and WatermarkReading.objects.count() == 1


def test_a_narrow_picture_is_bounded_too_and_reads_the_same(output: Output) -> None:
    narrow = np.random.default_rng(2).integers(0, 256, (200, 6_000, 3), dtype=np.uint8)
    row = reading_watermarks.ask(narrow)
    assert row is not None and len(bytes(row.picture)) < 256 * 256 * 3 + 2_000
    assert read_next()


def test_the_job_runs_where_torch_is_and_an_unknown_reading_is_404() -> None:
    assert CELERY_TASK_ROUTES["generation.jobs.read_watermarks"] == {"queue": "render"}
    assert Client().get(f"/api/v1/watermark-readings/{uuid4()}").status_code == 404
