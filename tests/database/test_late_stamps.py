"""Timestamps that come late: a picture leaves while the authority is down, and gets its update when it is back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from generation.actions import reconciling, stamping
from generation.actions.rendering import render_next
from generation.actions.stamping import stamp_waiting
from generation.evidence import Records
from generation.models import Output, Rendition
from provenance import storage
from provenance.actor import COLOPHON
from provenance.audit_log.models import Entry
from provenance.credentials.actions import timestamp_authority
from provenance.credentials.development_ca import DevelopmentCA
from provenance.credentials.installed_key import authority_at
from provenance.credentials.models import Credential
from provenance.credentials.reading import read
from provenance.errors import StorageFull
from provenance.verification.verify import verify
from tests.factories.records import a_model, a_request, a_worker, an_artist
from tests.simulators.timestamps import NAME, Authority, authority

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(tmp_path: Path, settings: Any) -> Iterator[Authority]:
    """Lend an authority that is configured, and down at first."""
    authority_at.cache_clear()
    with authority(tmp_path / "authority") as running:
        home = {"timestamp_url": running.url, "home": tmp_path / "home"}
        settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update=home)
        running.is_down = True
        yield running
    authority_at.cache_clear()


def delivered(keys: Path, **asked: Any) -> Output:
    a_model()
    generation = a_request(an_artist(), **asked)
    render_next(worker=a_worker(keys))
    return generation.outputs.get()


def stamp(keys: Path) -> int:
    known = timestamp_authority()
    assert known is not None
    known._rests_until = float("-inf")
    return stamp_waiting(key=DevelopmentCA(keys).signing_key(now=datetime.now(UTC)))


def test_a_picture_that_left_without_a_timestamp_gets_it_when_the_authority_is_back(
    keys: Path, server: Authority
) -> None:
    output = delivered(keys)
    assert Credential.objects.get(image_digest=output.digest).stamp_due_at is not None
    assert stamp(keys) == 0, "it is down still"
    assert not Rendition.objects.exists()
    server.is_down = False
    assert stamp(keys) == 1
    rendition = Rendition.objects.get()
    assert (rendition.reason, rendition.made_by, rendition.parent) == ("timestamp", None, output.digest)
    assert rendition.delivered_pixels == output.delivered_pixels
    data = storage.load(rendition.digest)
    assert set(read(data).manifests) == {output.manifest_id, rendition.manifest_id}
    verdict = verify(data, evidence=Records(keeper="here"), trust_pem=next(keys.rglob("root*.pem")).read_text())
    assert verdict.check("record.agrees").result == "passed", verdict.check("record.agrees").evidence
    assert verdict.facts is not None and verdict.facts.seed == str(output.seed)
    assert stamp(keys) == 0, "once"
    assert not Credential.objects.exclude(stamp_due_at=None).exists()
    assert reconciling.reconcile(reconciling.begin_here(actor=COLOPHON)).differences == 0


def test_while_the_authority_rests_it_is_left_alone(keys: Path, server: Authority) -> None:
    delivered(keys)
    asked = len(server.asked)
    assert stamp_waiting(key=DevelopmentCA(keys).signing_key(now=datetime.now(UTC))) == 0
    assert len(server.asked) == asked


def test_a_picture_whose_file_was_lost_stops_waiting_and_the_log_says_why(
    keys: Path, server: Authority, files: Path
) -> None:
    output = delivered(keys)
    server.is_down = False
    (files / output.digest[7:9] / output.digest[7:]).unlink()
    assert stamp(keys) == 0
    assert Entry.objects.filter(kind="StampGivenUp").count() == 1
    assert not Credential.objects.exclude(stamp_due_at=None).exists()


def test_a_full_disk_stops_the_run_and_the_picture_goes_on_waiting(
    keys: Path, server: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered(keys)
    server.is_down = False

    def full(data: bytes) -> str:
        raise StorageFull()

    with monkeypatch.context() as patched:
        patched.setattr(storage, "store", full)
        assert stamp(keys) == 0
    assert not Entry.objects.filter(kind="StampGivenUp").exists()
    assert Credential.objects.exclude(stamp_due_at=None).count() == 1
    assert stamp(keys) == 1


def test_of_two_runs_that_stamp_the_same_file_one_records_it(
    keys: Path, server: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered(keys)
    server.is_down = False
    stamp_later, faster = stamping.stamp_later, []

    def overtaken(*file: Any, **how: Any) -> Any:
        signed = stamp_later(*file, **how)
        monkeypatch.setattr(stamping, "stamp_later", stamp_later)
        faster.append(stamp(keys))
        return signed

    monkeypatch.setattr(stamping, "stamp_later", overtaken)
    assert (stamp(keys), faster) == (0, [1])
    assert Rendition.objects.count() == 1
    assert Entry.objects.filter(kind="RenditionMade").count() == 1


def test_a_webp_does_not_wait_for_what_it_can_never_get(keys: Path, server: Authority) -> None:
    output = delivered(keys, output_format="webp")
    assert Credential.objects.get(image_digest=output.digest).stamp_due_at is None


def test_a_picture_stamped_at_once_waits_for_nothing(keys: Path, server: Authority) -> None:
    server.is_down = False
    output = delivered(keys)
    assert Credential.objects.get(image_digest=output.digest).stamp_due_at is None
    assert verify(storage.load(output.digest)).check("timestamp").evidence["authority"] == NAME
