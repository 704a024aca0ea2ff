"""Lookalikes: a picture that is near somebody else's waits for an auditor, who clears or rejects it."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from django.db import connection
from PIL import Image

from provenance.attribution.models import KeptFingerprint
from provenance.audit_log.models import Entry
from provenance.licensing.actions.styles import register_style
from provenance.licensing.errors import WorkNotUsable
from provenance.works.actions.flagging import decide_flag
from provenance.works.actions.listing import bring_back_work, register_work, withdraw_work
from provenance.works.errors import FlagDecided, WrongState
from provenance.works.models import Flag, Work
from server.accounts.models import Account
from tests.factories.records import a_model, a_party, a_request, an_artist, an_auditor, as_image, kinds_of_entries
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db


def a_painting(seed: int = 1) -> Image.Image:
    """Return a picture with broad shapes, as PDQ sees a real one."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((256, 256), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def listed(account: Account, name: str, data: bytes, **more: Any) -> Work:
    party = a_party(name, member=account)
    return register_work(
        actor=account.actor(), party=party, data=data, title=f"{name}'s", rights_evidence="painted", **more
    )


@pytest.fixture
def painter() -> Account:
    return an_artist("painter")


@pytest.fixture
def original(painter: Account) -> Work:
    return listed(painter, "Painter", encoded(a_painting()))


COPIES = {
    "encoded again": lambda image: encoded(image, "JPEG", quality=60),
    "smaller": lambda image: encoded(image.resize((128, 128))),
    "cropped": lambda image: encoded(image.crop((12, 12, 244, 244))),
}


@pytest.mark.parametrize("changed", COPIES.values(), ids=list(COPIES))
def test_a_changed_copy_of_somebody_elses_work_waits_for_an_auditor(original: Work, changed: Any) -> None:
    thief = an_artist("thief")
    copy = listed(thief, "Thief", changed(a_painting()), licence="CC0-1.0")
    assert copy.state == "flagged"
    flag = Flag.objects.get()
    assert (flag.against_kind, flag.against_id, flag.decision) == ("work", original.pk, "")
    assert kinds_of_entries()[-1] == "WorkFlagged"
    assert a_request_with(thief, copy) == "refused"
    with pytest.raises(WorkNotUsable):
        register_style(
            actor=thief.actor(), party=copy.owner, slug="copy", name="Copy", works=[copy],
            model_digest="sha256:" + "0" * 64, is_untrained=True,
        )  # fmt: skip
    shown = Caller(an_artist("noa")).pages("/api/v1/works")
    assert shown == [], "a flagged picture is not shown under its open licence either"


def a_request_with(account: Account, work: Work) -> str:
    a_model()
    return a_request(account, **as_image(work)).state


def test_one_owners_own_versions_and_others_pictures_are_no_lookalikes(painter: Account, original: Work) -> None:
    again = register_work(
        actor=painter.actor(), party=original.owner, data=encoded(a_painting(), "JPEG", quality=50), title="Study"
    )
    other = listed(an_artist("noa"), "Noa", encoded(a_painting(2)))
    assert again.state == other.state == "active" and not Flag.objects.exists()
    assert KeptFingerprint.objects.filter(kind="work").count() == 3


def test_an_auditor_clears_a_lookalike_and_it_can_be_used(original: Work) -> None:
    artist, auditor = an_artist("noa"), an_auditor()
    copy = listed(artist, "Noa", encoded(a_painting(), "JPEG"))
    is_problem(Caller(artist).get("/api/v1/audit/flags"), 403, "not-permitted")
    (row,) = Caller(auditor).pages("/api/v1/audit/flags?decision=waiting")
    assert row["work"]["id"] == str(copy.pk) and row["against"]["work"]["id"] == str(original.pk)
    body = {"decision": "cleared", "reason": "both photographed the same mural"}
    is_problem(Caller(artist).post(f"/api/v1/audit/flags/{row['id']}", body), 403, "not-permitted")
    decided = Caller(auditor).post(f"/api/v1/audit/flags/{row['id']}", body)
    assert decided.json()["work"]["state"] == "active", decided.content
    assert a_request_with(artist, copy) == "queued"
    assert Caller(auditor).pages("/api/v1/audit/flags?decision=waiting") == []
    assert Entry.objects.get(kind="FlagCleared").opening.details["reason"] == body["reason"]


def test_a_rejected_work_never_comes_back_and_a_decision_stands(original: Work) -> None:
    thief, auditor = an_artist("thief"), an_auditor()
    copy = listed(thief, "Thief", encoded(a_painting(), "JPEG"))
    flag = Flag.objects.get()
    decide_flag(actor=auditor.actor(), flag_id=flag.pk, decision="rejected", reason="a copy")
    copy.refresh_from_db()
    assert copy.state == "rejected"
    before = Entry.objects.count()
    for attempt in (withdraw_work, bring_back_work):
        with pytest.raises(WrongState):
            attempt(actor=thief.actor(), work=copy)
    with pytest.raises(FlagDecided):
        decide_flag(actor=auditor.actor(), flag_id=flag.pk, decision="cleared", reason="changed my mind")
    assert Entry.objects.count() == before


def test_withdrawing_a_flagged_work_is_no_way_around_the_auditor(original: Work) -> None:
    thief = an_artist("thief")
    copy = listed(thief, "Thief", encoded(a_painting(), "JPEG"))
    withdraw_work(actor=thief.actor(), work=copy)
    assert bring_back_work(actor=thief.actor(), work=copy).state == "flagged"


@pytest.mark.django_db(transaction=True)
def test_of_two_lookalikes_listed_at_once_one_is_flagged() -> None:
    accounts = [an_artist(name) for name in ("mara", "noa")]
    files = [encoded(a_painting(), "JPEG", quality=quality) for quality in (90, 60)]

    def list_it(number: int) -> str:
        try:
            return listed(accounts[number], accounts[number].name, files[number]).state
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(list_it, range(2))) == ["active", "flagged"]
