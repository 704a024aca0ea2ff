"""The no to a listed work is one to the copies of it that others list, wherever these are used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from generation.actions.rendering import render_next
from provenance.licensing.models import OptOut, OptOutMatch
from provenance.works.actions.flagging import decide_flag
from provenance.works.actions.parties import review_claim
from provenance.works.models import Flag, Party, Style, Work
from server.accounts.models import Account
from tests.database.test_flags import a_painting, encoded, listed
from tests.factories.records import (
    a_model,
    a_party,
    a_request,
    a_style,
    a_work,
    a_worker,
    an_artist,
    an_auditor,
    as_image,
    in_style,
)
from tests.factories.shops import stand_on
from tests.simulators.caller import Caller

pytestmark = pytest.mark.django_db


@dataclass
class Copied:
    """A checked painter's work, a copy of it that somebody listed before copies were found, and a style on the copy."""

    painter: Account
    work: Work
    copier: Account
    copy: Work
    style: Style

    def opt_out(self, account: Account, work: Work) -> dict[str, object]:
        body = {"kind": "work", "subject": str(work.pk)}
        answer = Caller(account).post("/api/v1/opt-outs", body)
        assert answer.status_code == 201, answer.content
        return dict(answer.json())

    def uses(self) -> list[str]:
        """Return what becomes of the copy as an input, and of the style that stands on it for others."""
        return [
            a_request(self.copier, **as_image(self.copy)).state,
            a_request(an_artist(f"mara {Account.objects.count()}"), **in_style(self.style)).state,
        ]


def checked(party: Party) -> None:
    review_claim(actor=an_auditor(f"eva {party.pk}").actor(), party=party, claim="evidence-reviewed", reason="seen")


@pytest.fixture
def copied() -> Copied:
    painter, copier, studio = an_artist("painter"), an_artist("copier"), an_artist("studio")
    work = listed(painter, "Painter", encoded(a_painting()))
    checked(work.owner)
    copy = listed(copier, "Copier", encoded(a_painting().resize((200, 200)), "JPEG"))
    assert copy.state == "flagged"
    Work.objects.filter(pk=copy.pk).update(state="active")
    party = a_party("Studio", member=studio)
    style = a_style(a_model(), party=party, slug="st", name="St", name_zh="", token="ststyle", licence="CC-BY-4.0")
    stand_on(style, a_work(studio, party, seed=4), copy)
    copy.refresh_from_db()
    return Copied(painter, work, copier, copy, style)


def test_a_no_to_a_work_stops_its_copy_as_an_input_and_behind_another_style(copied: Copied) -> None:
    assert copied.uses() == ["queued", "queued"]
    said = copied.opt_out(copied.painter, copied.work)
    (match,) = OptOutMatch.objects.filter(opt_out=said["id"])
    assert match.work_id == copied.copy.pk and match.distance <= 31 and said["state"] == "active"
    assert copied.uses() == ["refused", "refused"]
    reasons = a_request(an_artist("noa"), **in_style(copied.style)).decision["references"][1]["reasons"]
    assert [reason["code"] for reason in reasons] == ["work-opted-out"]


def test_one_that_waits_is_refused_before_it_is_rendered(copied: Copied, keys: Path) -> None:
    waiting = a_request(copied.copier, **as_image(copied.copy))
    copied.opt_out(copied.painter, copied.work)
    render_next(worker=a_worker(keys))
    waiting.refresh_from_db()
    assert waiting.state == "refused" and "opted out" in waiting.fault["en"]


def test_taken_back_it_stops_the_copy_no_longer(copied: Copied) -> None:
    said = copied.opt_out(copied.painter, copied.work)
    assert Caller(copied.painter).post(f"/api/v1/opt-outs/{said['id']}/withdraw").status_code == 200
    assert copied.uses() == ["queued", "queued"]


def test_what_an_auditor_found_to_be_no_copy_is_not_stopped(copied: Copied) -> None:
    flag = Flag.objects.get(work=copied.copy)
    decide_flag(actor=an_auditor().actor(), flag_id=flag.pk, decision="cleared", reason="another painting")
    copied.opt_out(copied.painter, copied.work)
    assert copied.uses() == ["queued", "queued"] and not OptOutMatch.objects.exists()


def test_other_pictures_and_ones_own_versions_are_not_stopped(copied: Copied) -> None:
    pia = an_artist("pia")
    other = listed(pia, "Pia", encoded(a_painting(9)))
    version = Caller(copied.painter).upload(
        "/api/v1/works", encoded(a_painting(), "WEBP"), name="v.webp", title="Version", rights_evidence="mine",
        party=str(copied.work.owner_id),
    ).json()  # fmt: skip
    Work.objects.filter(pk=version["id"]).update(state="active")  # flagged, for the copy was listed before
    copied.opt_out(copied.painter, copied.work)
    assert set(OptOutMatch.objects.values_list("work_id", flat=True)) == {copied.copy.pk}
    for account, work in ((pia, other), (copied.painter, Work.objects.get(pk=version["id"]))):
        assert a_request(account, **as_image(work)).state == "queued"


def test_a_no_to_what_looks_like_a_copy_itself_does_not_reach_the_original(copied: Copied) -> None:
    Work.objects.filter(pk=copied.copy.pk).update(state="flagged")
    copied.opt_out(copied.copier, copied.copy)
    assert not OptOutMatch.objects.exists()
    assert a_request(copied.painter, **as_image(copied.work)).state == "queued"


def test_a_no_to_ones_own_work_is_a_claim_to_the_copy_that_a_checked_party_lists(copied: Copied) -> None:
    said = copied.opt_out(copied.copier, copied.copy)
    assert said["state"] == "active" and said["works"] == []
    claim = OptOut.objects.get(subject_kind="picture")
    assert (claim.state, claim.digest) == ("awaiting-review", copied.copy.digest)
    told = Caller(copied.copier).get(f"/api/v1/opt-outs/{claim.pk}").json()
    assert [match["work"] for match in told["works"]] == [str(copied.work.pk)] and len(told["disputes"]) == 1
    assert a_request(copied.painter, **as_image(copied.work)).state == "queued"
