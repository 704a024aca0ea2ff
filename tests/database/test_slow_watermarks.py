"""A watermark that needs torch: hidden by the render worker, read by a job, pending in the verdict until it was."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from generation import jobs
from generation.actions import reading_watermarks
from generation.actions.reading_watermarks import read_next
from generation.models import Output
from generation.trustmark.watermark import TrustMarkWatermark
from provenance import storage
from provenance.actor import COLOPHON
from provenance.credentials.actions import revoke_key
from provenance.credentials.models import Credential, WatermarkReading
from provenance.credentials.reading import read
from provenance.credentials.watermark.contract import binding_value, watermark_at
from provenance.picture import decode_picture
from provenance.verification.verdict import FileAlone
from server.settings import CELERY_TASK_ROUTES
from tests.bench.marks import varied
from tests.factories.delivered import an_output
from tests.factories.pictures import a_png
from tests.factories.records import a_model, a_request, a_worker, an_artist
from tests.factories.trustmarks import KNOWN, placed_weights, trustmark_chosen
from tests.simulators.caller import Caller
from tests.simulators.drawn import DrawnPipeline

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.torch]


@pytest.fixture(autouse=True)
def trustmark(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Choose a small TrustMark that reads one id."""
    with trustmark_chosen(tmp_path, settings=settings, monkeypatch=monkeypatch):
        yield


@pytest.fixture
def output(keys: Path) -> Output:
    """Deliver a marked picture."""
    return an_output(keys, an_artist(), varied(3, 192))


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
    stranger = record["match"].pop("stranger")
    assert record["match"] == {"id": KNOWN.hex(), "bits_mended": 0, "of_bits": 96, "laid_back": False}
    assert (stranger["pictures"], stranger["rate_at_most"]) == (1, "5.4e-20") and "measured" not in stranger
    assert "was not measured" in stranger["said"]["en"] and "尚未测量" in stranger["said"]["zh-Hans"]


def test_what_was_found_changes_the_checks_and_the_sentence_as_if_it_had_been_found_at_once(output: Output) -> None:
    before = verified(a_png(seed=5, width=300, height=280))
    href = pending(before)["evidence"]["href"]
    assert Client().get(href).json()["verdict"] is None
    jobs.read_watermarks()
    told = Client().get(href).json()["verdict"]
    results = {check["code"]: check["result"] for check in told["checks"]}
    assert set(results) < {check["code"] for check in before["checks"]}
    assert results["record.found"] == results["dispute"] == results["licence.today"] == "passed"
    assert results["key.revoked"] == "passed" and results["record.agrees"] == "not_checked"
    assert told["state"] == before["state"] == "no_manifest"
    assert told["summary"]["en"] == (
        f"This picture carries no content credentials. But this picture carries the watermark of one in {keeper()}'s "
        "records."
    )
    assert told["summary"]["zh-Hans"].startswith("此图片不带内容凭证。但是，")
    assert before["summary"]["en"].startswith("This picture carries no content credentials. Most pictures carry none")


def keeper() -> str:
    return str(django_settings.ENVIRONMENT.address).split("://", 1)[-1]


def test_that_the_key_of_a_picture_found_later_was_revoked_is_told(output: Output) -> None:
    href = pending(verified(a_png(seed=5, width=300, height=280)))["evidence"]["href"]
    jobs.read_watermarks()
    credential = Credential.objects.get(image_digest=output.digest)
    revoke_key(actor=COLOPHON, key_id=credential.key_id, since=timezone.now() - timedelta(hours=1), reason="lost")
    told = Client().get(href).json()["verdict"]
    assert {check["code"] for check in told["checks"] if check["result"] == "failed"} == {"key.revoked"}
    # Told of the recorded picture, and not held against a file that carries no signature at all.
    assert "the recorded picture" in next(one["en"] for one in told["checks"] if one["code"] == "key.revoked")
    assert told["state"] == "no_manifest" and "carries the watermark" in told["summary"]["en"]


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


def without_weights(settings: Settings) -> None:
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"trustmark_weights": None})
    settings.COLOPHON_WATERMARK = "provenance.credentials.watermark.spread.SpreadWatermark"


@pytest.mark.parametrize("now", ["spread.SpreadWatermark", "contract.NoWatermark"])
def test_older_pictures_are_read_as_long_as_the_weights_are_placed(
    output: Output, settings: Settings, now: str
) -> None:
    settings.COLOPHON_WATERMARK = f"provenance.credentials.watermark.{now}"
    href = pending(verified(a_png(seed=5, width=300, height=280)))["evidence"]["href"]
    jobs.read_watermarks()
    (record,) = Client().get(href).json()["records"]
    assert (record["layer"], record["image"]) == ("watermark", output.digest)


def test_what_waits_when_the_weights_are_taken_away_ends_unread(output: Output, settings: Settings) -> None:
    href = pending(verified(a_png(seed=5, width=128, height=128)))["evidence"]["href"]
    without_weights(settings)
    jobs.read_watermarks()
    told = Client().get(href).json()
    assert (told["state"], told["check"]["result"]) == ("failed", "not_checked")


def test_where_the_watermark_is_read_at_once_nothing_waits(output: Output, settings: Settings) -> None:
    without_weights(settings)
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


class Breaking:
    """Raises what no watermark names."""

    algorithm, reads_at_once = "org.example", False

    def embed(self, pixels: Any, *, id: bytes) -> Any:
        return pixels

    def read(self, pixels: Any, *, thorough: bool = True) -> None:
        raise RuntimeError("a network met a shape that it does not know")


def test_a_picture_at_which_reading_breaks_fails_and_the_next_one_gets_its_turn(output: Output) -> None:
    broken, good = (
        pending(verified(a_png(seed=seed, width=128, height=128)))["evidence"]["href"] for seed in (5, 6)
    )
    assert read_next(watermark=Breaking())
    assert read_next() and not read_next()
    assert [Client().get(href).json()["state"] for href in (broken, good)] == ["failed", "done"]


class Killing(Breaking):
    """Ends the process, as far as a test can."""

    def read(self, pixels: Any, *, thorough: bool = True) -> None:
        raise SystemExit


def test_a_picture_that_ends_its_process_waits_behind_others_and_is_given_up(output: Output) -> None:
    deadly, good = (pending(verified(a_png(seed=seed, width=128, height=128)))["evidence"]["href"] for seed in (5, 6))
    with pytest.raises(SystemExit):
        read_next(watermark=Killing())
    assert read_next()
    assert [Client().get(href).json()["state"] for href in (deadly, good)] == ["waiting", "done"]
    for _ in range(reading_watermarks.MOST_TRIES - 1):
        with pytest.raises(SystemExit):
            read_next(watermark=Killing())
    assert read_next(watermark=Killing()) and not read_next()
    told = Client().get(deadly).json()
    assert (told["state"], bytes(WatermarkReading.objects.get(state="failed").picture)) == ("failed", b"")


# ---- beside renders --------------------------------------------------------------------------------------------


def leave(count: int) -> None:
    for seed in range(count):
        assert reading_watermarks.ask(varied(seed + 1, 96))


def waiting() -> int:
    return WatermarkReading.objects.filter(state="waiting").count()


def test_one_run_reads_some_and_one_alone_while_a_request_waits(
    output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "READ_AT_ONCE", 3)
    leave(5)
    jobs.read_watermarks()
    assert waiting() == 2
    a_request(an_artist("noa"))
    jobs.read_watermarks()
    assert waiting() == 1


def test_between_any_two_requests_one_picture_is_read(
    output: Output, keys: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.COLOPHON_WATERMARK_LEAST_SIDE = 1_000  # the one id that is drawn here stands already
    worker = a_worker(keys, pipeline=DrawnPipeline(varied(3, 192)))
    monkeypatch.setattr(jobs, "this_worker", lambda: worker)
    leave(5)
    noa = an_artist("noa")
    for seed in (1, 2):
        a_request(noa, seeds=(seed,))
    jobs.render_next()
    assert Output.objects.count() == 3 and waiting() == 3


# ---- looked up by its id ---------------------------------------------------------------------------------------


def test_an_id_of_either_watermark_names_the_manifest_and_only_the_quick_one_is_read_out_of_content(
    output: Output,
) -> None:
    listed = Client().get("/c2pa/services/supportedAlgorithms").json()["watermarks"]
    assert [one["alg"] for one in listed] == ["org.colophon.spread-64.1", "com.adobe.trustmark.Q"]
    asked = {"alg": "com.adobe.trustmark.Q", "value": binding_value(KNOWN)}
    (match,) = Client().get("/c2pa/matches/byBinding", asked).json()["matches"]
    assert match["manifestId"] == output.manifest_id
    short = Client().get("/c2pa/matches/byBinding", {**asked, "value": "AAAA"})
    assert short.status_code == 400 and "value" in str(short.json())
    content = Client().post(
        "/c2pa/matches/byContent?alg=com.adobe.trustmark.Q", a_png(seed=1), content_type="image/png"
    )
    assert content.status_code == 400 and "alg" in str(content.json())


def test_weights_that_are_broken_leave_the_other_algorithms_to_look_up_by(settings: Settings) -> None:
    (settings.ENVIRONMENT.trustmark_weights / "decoder.safetensors").write_bytes(b"{}")
    watermark_at.cache_clear()
    listed = Client().get("/c2pa/services/supportedAlgorithms")
    assert listed.json()["watermarks"] == [{"alg": "org.colophon.spread-64.1"}]


def test_too_many_that_wait_are_told_to_come_later(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_watermarks, "MOST_WAITING", 1)
    pending(verified(a_png(seed=5, width=128, height=128)))
    (check,) = [
        one for one in verified(a_png(seed=6, width=128, height=128))["checks"] if one["code"] == "record.watermark"
    ]
    assert check["result"] == "not_checked" and WatermarkReading.objects.count() == 1


@pytest.mark.parametrize(("size", "is_shown_the_same"), [((300, 280), True), ((100, 200), True), ((200, 6_000), False)])
def test_what_waits_is_bounded_and_but_for_very_narrow_pictures_is_what_the_network_would_be_shown(
    output: Output, tmp_path: Path, size: tuple[int, int], is_shown_the_same: bool
) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (*size, 3), dtype=np.uint8)
    row = reading_watermarks.ask(pixels)
    assert row is not None and len(bytes(row.picture)) < 256 * 256 * 3 + 2_000
    kept = decode_picture(bytes(row.picture)).pixels
    watermark = TrustMarkWatermark(placed_weights(tmp_path / "looking", says=None))
    assert np.array_equal(watermark.bits(kept), watermark.bits(pixels)) == is_shown_the_same
    assert read_next()
    row.refresh_from_db()
    assert (row.state, row.found, row.code_bits) == ("done", KNOWN.hex(), 96)


def test_a_signer_s_name_that_no_database_keeps_is_kept_harmlessly(output: Output) -> None:
    alone = FileAlone(outcome="trusted", en="Signed by Ha\x00ns", zh="由 Ha\x00ns 签名", has_credentials=True)
    row = reading_watermarks.ask(varied(3, 96), file_alone=alone.as_json())
    assert row is not None
    row.refresh_from_db()
    assert row.file_alone == {**alone.as_json(), "en": "Signed by Hans", "zh": "由 Hans 签名"}


def test_the_job_runs_where_torch_is_and_an_unknown_reading_is_404() -> None:
    assert CELERY_TASK_ROUTES["generation.jobs.read_watermarks"] == {"queue": "render"}
    assert Client().get(f"/api/v1/watermark-readings/{uuid4()}").status_code == 404
