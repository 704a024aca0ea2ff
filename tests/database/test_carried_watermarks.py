"""What a later form says of a watermark that needs torch: what a render process read in it, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from generation.actions import carrying, reading_watermarks
from generation.actions.reading_watermarks import read_next
from generation.models import Output
from generation.rendition import Box, Size
from generation.trustmark.watermark import TrustMarkWatermark
from provenance import storage
from provenance.credentials.models import WatermarkReading
from provenance.credentials.reading import read
from provenance.credentials.watermark.contract import Watermark, binding_value, watermark_at
from provenance.picture import decode_picture
from server.accounts.models import Account
from tests.bench.marks import varied
from tests.factories.delivered import an_output, maker_of_forms
from tests.factories.trustmarks import KNOWN, trustmark_chosen

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.torch]
ALGORITHM = "com.adobe.trustmark.Q"


@pytest.fixture(autouse=True)
def trustmark(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Choose a small TrustMark that reads one id, which no request waits for longer than a moment."""
    monkeypatch.setattr(reading_watermarks, "READ_WITHIN", 0.3)
    with trustmark_chosen(tmp_path, settings=settings, monkeypatch=monkeypatch):
        yield


@pytest.fixture
def output(keys: Path, mara: Account) -> Output:
    """Deliver a marked picture."""
    return an_output(keys, mara, varied(3, 192))


@pytest.fixture
def make(keys: Path, mara: Account) -> Any:
    """Return a function that makes a later form of an image of the artist's, and gives its soft bindings."""
    form_of = maker_of_forms(keys, mara)

    def made(digest: str, **change: Any) -> tuple[str, dict[str, str]]:
        form = form_of(digest, **change)
        return form.digest, bindings(form.digest)

    return made


def bindings(digest: str) -> dict[str, str]:
    stated = read(storage.load(digest)).manifest["assertions"]
    return {one["data"]["alg"]: one["data"]["blocks"][0]["value"] for one in stated if "soft-binding" in one["label"]}


@contextmanager
def a_render_process(monkeypatch: pytest.MonkeyPatch, *, watermark: Watermark | None = None) -> Iterator[None]:
    """Read what waits in another thread, with a connection of its own, as a render process does."""
    monkeypatch.setattr(reading_watermarks, "READ_WITHIN", 30.0)
    is_over = threading.Event()

    def work() -> None:
        while not is_over.is_set():
            read_next(watermark=watermark)
            is_over.wait(0.02)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


class Silent:
    """Reads nothing."""

    algorithm, reads_at_once = ALGORITHM, False

    def embed(self, pixels: Any, *, id: bytes) -> Any:
        return pixels

    def read(self, pixels: Any, *, thorough: bool = True) -> None:
        return None


@pytest.mark.parametrize("change", [{"output_format": "webp"}, {"crop": Box(0, 0, 150, 150)}, {"size": Size(300, 300)}])
def test_a_later_form_in_which_a_render_process_reads_the_id_states_it(
    output: Output, make: Any, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    assert bindings(output.digest)[ALGORITHM] == binding_value(KNOWN)
    with a_render_process(monkeypatch):
        _, stated = make(output.digest, **change)
    assert stated[ALGORITHM] == binding_value(KNOWN)
    assert not WatermarkReading.objects.exists()


@pytest.mark.parametrize("is_compact", [False, True])
def test_a_form_of_a_form_and_an_edit_made_elsewhere_state_it_too(
    output: Output, make: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch, is_compact: bool
) -> None:
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"compact_manifests": is_compact})
    painted = decode_picture(storage.load(output.digest)).pixels.copy()
    painted[20:60, 20:60] = 90
    with a_render_process(monkeypatch):
        first, stated = make(output.digest, retouched=painted)
        _, again = make(first, output_format="avif")
    assert stated[ALGORITHM] == again[ALGORITHM] == binding_value(KNOWN)


def test_one_in_which_it_is_not_read_states_none_and_its_fingerprints_all_the_same(
    output: Output, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_render_process(monkeypatch, watermark=Silent()):
        _, stated = make(output.digest, output_format="webp")
    assert sorted(stated) == ["io.iscc.v0", "org.colophon.pdq-windows.v1"]


def test_where_no_render_process_reads_in_time_nothing_is_stated_and_nothing_is_left_waiting(
    output: Output, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TrustMarkWatermark, "read", lambda *_, **__: pytest.fail("read in the web process"))
    _, stated = make(output.digest, output_format="webp")
    assert ALGORITHM not in stated and "org.colophon.spread-64.1" not in stated
    assert not WatermarkReading.objects.exists()


def test_a_reader_that_takes_longer_than_a_request_waits_holds_nobody_up(
    output: Output, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = threading.Event()

    class Slow(Silent):
        def read(self, pixels: Any, *, thorough: bool = True) -> None:
            monkeypatch.setattr(reading_watermarks, "monotonic", lambda: float("inf"))  # the time is over now
            assert may_end.wait(60), "the request waited for its reader"

    with a_render_process(monkeypatch, watermark=Slow()):
        _, stated = make(output.digest, output_format="webp")
        assert ALGORITHM not in stated and WatermarkReading.objects.get().state == "waiting"
        may_end.set()
    left = WatermarkReading.objects.get()
    assert (left.state, bytes(left.picture)) == ("done", b"")
    left.asked_at -= reading_watermarks.KEPT
    left.save()
    assert reading_watermarks.forget_old() == 1


def test_where_too_many_pictures_wait_already_it_is_not_stated(
    output: Output, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_watermarks, "MOST_WAITING", 0)
    monkeypatch.setattr(reading_watermarks, "READ_WITHIN", 600.0)
    _, stated = make(output.digest, output_format="webp")
    assert ALGORITHM not in stated


def test_a_few_requests_wait_at_once_and_the_next_one_is_answered_without(
    output: Output, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_watermarks, "WAITING_HERE", threading.BoundedSemaphore(1))
    monkeypatch.setattr(reading_watermarks, "READ_WITHIN", 600.0)
    with reading_watermarks.WAITING_HERE:
        assert ALGORITHM not in make(output.digest, output_format="webp")[1]
    assert not WatermarkReading.objects.exists()
    with a_render_process(monkeypatch):
        assert ALGORITHM in make(output.digest, output_format="avif")[1]


def test_where_the_weights_are_gone_or_in_disorder_nobody_is_asked(
    output: Output, make: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "read_soon", lambda *_: pytest.fail("a render process was asked"))
    (settings.ENVIRONMENT.trustmark_weights / "decoder.safetensors").write_bytes(b"{}")
    watermark_at.cache_clear()
    assert ALGORITHM not in make(output.digest, output_format="webp")[1]
    settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update={"trustmark_weights": None})
    settings.COLOPHON_WATERMARK = "provenance.credentials.watermark.spread.SpreadWatermark"
    assert ALGORITHM not in make(output.digest, output_format="avif")[1]


def test_a_picture_marked_before_trustmark_was_chosen_is_read_at_once_and_never_waits(
    keys: Path, mara: Account, make: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings.COLOPHON_WATERMARK
    settings.COLOPHON_WATERMARK = "provenance.credentials.watermark.spread.SpreadWatermark"
    older = an_output(keys, mara, varied(3, 192))
    settings.COLOPHON_WATERMARK = chosen
    monkeypatch.setattr(carrying, "read_soon", lambda *_: pytest.fail("a render process was asked"))
    _, stated = make(older.digest, output_format="jpeg")
    assert stated["org.colophon.spread-64.1"] == bindings(older.digest)["org.colophon.spread-64.1"]
    _, part = make(older.digest, crop=Box(0, 0, 60, 60))
    assert "org.colophon.spread-64.1" not in part
