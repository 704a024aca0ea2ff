"""Opt-outs: by id or picture, in force at once or claimed, published, taken back, and imported line by line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from generation.actions.rendering import render_next
from provenance import storage
from provenance.audit_log.models import Entry
from provenance.canonical import sha256_digest
from provenance.licensing.actions.opting_out import opt_out_picture
from provenance.licensing.models import OptOut, OptOutMatch
from provenance.works.actions.parties import review_claim
from provenance.works.models import Party, Work
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
    an_operator,
    as_image,
    in_style,
    kinds_of_entries,
)
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db
OPT_OUTS = "/api/v1/opt-outs"


def upload(account: Account, data: bytes, path: str = OPT_OUTS, *, name: str = "picture.png", **fields: str) -> Any:
    return Caller(account).upload(path, data, name=name, **fields)


@pytest.fixture
def painter() -> Account:
    return an_artist("painter")


# ---- saying no ------------------------------------------------------------------------------------------------


def test_a_member_says_no_over_http_and_the_next_request_is_refused(painter: Account) -> None:
    party = a_party("Painter", member=painter)
    style = a_style(a_model(), party=party, works=[a_work(painter, party)], actor=painter.actor())
    artist = an_artist()
    assert a_request(artist, **in_style(style)).state == "queued"
    said = Caller(painter).post(OPT_OUTS, {"kind": "style", "subject": str(style.pk), "evidence": "my own"})
    assert said.status_code == 201 and said.json()["state"] == "active", said.content
    again = Caller(painter).post(OPT_OUTS, {"kind": "style", "subject": str(style.pk)})
    assert again.json()["id"] == said.json()["id"] and OptOut.objects.count() == 1
    refused = a_request(artist, **in_style(style))
    assert refused.state == "refused"
    assert "cannot be revoked" in refused.fault["en"] and "policy" in refused.fault["en"], refused.fault


def test_nobody_says_no_for_somebody_else(painter: Account) -> None:
    work = a_work(painter, a_party("Painter", member=painter), licence="CC0-1.0")
    stranger = Caller(an_artist("noa"))
    before = Entry.objects.count()
    is_problem(stranger.post(OPT_OUTS, {"kind": "work", "subject": str(work.pk)}), 404, "unknown-party")
    is_problem(stranger.post(OPT_OUTS, {"kind": "work"}), 422, "invalid-request")
    is_problem(Caller().post(OPT_OUTS, {"kind": "work", "subject": str(work.pk)}), 401, "not-signed-in")
    assert not OptOut.objects.exists() and Entry.objects.count() == before


def test_an_opt_out_is_taken_back_and_an_event_tells(painter: Account) -> None:
    work = a_work(painter, a_party("Painter", member=painter), licence="CC0-1.0")
    artist = an_artist()
    a_model()
    said = Caller(painter).post(OPT_OUTS, {"kind": "work", "subject": str(work.pk)}).json()
    assert a_request(artist, **as_image(work)).state == "refused"
    place = f"{OPT_OUTS}/{said['id']}/withdraw"
    is_problem(Caller(artist).post(place), 404, "unknown-opt-out")
    assert Caller(painter).post(place).json()["state"] == "withdrawn"
    is_problem(Caller(painter).post(place), 409, "opt-out-ended")
    assert a_request(artist, **as_image(work)).state == "queued"
    assert kinds_of_entries().count("OptOutWithdrawn") == 1


# ---- by picture -----------------------------------------------------------------------------------------------


def test_opting_out_a_picture_stops_the_copies_that_others_listed_and_every_style_on_them(painter: Account) -> None:
    thief = an_artist("thief")
    copy = listed(thief, "Thief", encoded(a_painting(), "JPEG"), licence="CC0-1.0")
    style = a_style(a_model(), party=copy.owner, works=[copy], actor=thief.actor(), licence="")
    assert a_request(thief, **in_style(style)).state == a_request(thief, **as_image(copy)).state == "queued"
    said = upload(painter, encoded(a_painting()), kind="picture", source="form").json()
    assert said["state"] == "active" and [one["work"] for one in said["works"]] == [str(copy.pk)]
    assert not storage.exists(said["digest"]), "the file of an opt-out is not kept"
    assert a_request(thief, **in_style(style)).state == a_request(thief, **as_image(copy)).state == "refused"


def test_a_copy_listed_after_the_opt_out_waits_for_an_auditor(painter: Account) -> None:
    upload(painter, encoded(a_painting()), kind="picture", source="form")
    copy = listed(an_artist("thief"), "Thief", encoded(a_painting(), "JPEG"))
    assert copy.state == "flagged" and copy.flags.get().against_kind == "opt-out"


@pytest.mark.django_db(transaction=True)
def test_a_picture_opted_out_while_a_request_waits_refuses_it(painter: Account, keys: Path) -> None:
    thief = an_artist("thief")
    copy = listed(thief, "Thief", encoded(a_painting(), "JPEG"))
    a_model()
    waiting = a_request(thief, **as_image(copy))
    upload(painter, encoded(a_painting()), kind="picture", source="form")
    render_next(worker=a_worker(keys))
    waiting.refresh_from_db()
    assert waiting.state == "refused" and "opted out" in waiting.fault["en"]


def a_claim(painter: Account) -> tuple[Work, dict[str, Any]]:
    """Let a stranger say no to the picture of a painter whose claim an auditor has seen."""
    work = listed(painter, "Painter", encoded(a_painting()))
    review_claim(actor=an_auditor("eva").actor(), party=work.owner, claim="evidence-reviewed", reason="seen")
    said = upload(an_artist("noa"), encoded(a_painting(), "JPEG"), kind="picture", source="form")
    assert said.status_code == 201, said.content
    return work, said.json()


def test_an_unverified_no_to_a_verified_partys_picture_is_a_claim_that_stops_nothing(painter: Account) -> None:
    work, said = a_claim(painter)
    a_model()
    assert said["state"] == "awaiting-review" and said["said"]["zh-Hans"]
    assert a_request(painter, **as_image(work)).state == "queued"
    assert Caller().pages(OPT_OUTS) == []
    details = Entry.objects.get(kind="OptOutClaimed").opening.details
    assert details["works"] == [str(work.pk)]
    assert [one["id"] for one in Caller(an_auditor()).pages(f"{OPT_OUTS}/claims")] == [said["id"]]
    assert Caller(painter).pages(f"{OPT_OUTS}/claims") == []


@pytest.mark.parametrize(("is_upheld", "state", "then"), [(True, "active", "refused"), (False, "dismissed", "queued")])
def test_an_auditor_upholds_or_dismisses_a_claim(painter: Account, is_upheld: bool, state: str, then: str) -> None:
    work, said = a_claim(painter)
    a_model()
    (dispute,) = said["disputes"]
    place, body = f"/api/v1/disputes/{dispute}", {"upheld": is_upheld, "reason": "looked at both", "remedy": "opt-out"}
    is_problem(Caller(painter).post(f"{place}/resolution", body), 403, "not-permitted")
    auditor = Caller(an_auditor())
    assert auditor.post(f"{place}/assessment", {"complete": True, "reason": "all there"}).status_code == 200
    assert a_request(painter, **as_image(work)).state == "refused", "the dispute stands"
    assert auditor.post(f"{place}/resolution", body).json()["state"] == ("upheld" if is_upheld else "dismissed")
    is_problem(auditor.post(f"{place}/resolution", body), 409, "wrong-step")
    assert OptOut.objects.get(pk=said["id"]).state == state
    assert a_request(painter, **as_image(work)).state == then


def test_a_verified_partys_no_holds_at_once(painter: Account) -> None:
    work = listed(painter, "Painter", encoded(a_painting()))
    noa = an_artist("noa")
    party = a_party("Noa", member=noa)
    for one in (work.owner, party):
        review_claim(actor=an_auditor(one.name).actor(), party=one, claim="evidence-reviewed", reason="seen")
    said = opt_out_picture(
        actor=noa.actor(), party=Party.objects.get(pk=party.pk), data=encoded(a_painting()), source="form"
    )
    assert said.state == "active" and OptOutMatch.objects.get().work == work


# ---- the list, and lists of others -----------------------------------------------------------------------------


def test_the_list_is_public_and_names_nobody(painter: Account) -> None:
    party = a_party("Painter Unmistakable", member=painter)
    work = a_work(painter, party)
    said = {"kind": "work", "subject": str(work.pk), "source": "letter by Unmistakable", "evidence": "Unmistakable"}
    Caller(painter).post(OPT_OUTS, said)
    listing, table = Caller().get(OPT_OUTS), Caller().get(f"{OPT_OUTS}.csv")
    (row,) = csv.DictReader(io.StringIO(b"".join(table.streaming_content).decode()))
    assert (row["kind"], row["subject"], row["digest"]) == ("work", str(work.pk), work.digest)
    assert listing.json()["results"][0].keys() == {"id", "kind", "subject", "digest", "recorded_at"}
    assert "Unmistakable" not in listing.content.decode() + str(row)


def test_our_own_table_is_read_back_and_a_second_time_changes_nothing(painter: Account) -> None:
    work = a_work(painter, a_party("Painter", member=painter))
    data = f"kind,subject,digest\nwork,{work.pk},\npicture,,sha256:{'0' * 64}\nwork,nonsense,\ncat,,\n".encode()
    operator = an_operator()
    answer = upload(operator, data, f"{OPT_OUTS}/imports", name="list.csv", source="a registry").json()
    assert (answer["recorded"], answer["known"], answer["refused"]) == (1, 0, 3)
    assert [one["number"] for one in answer["lines"]] == [2, 3, 4, 5]
    assert all(one["en"] and one["zh"] for one in answer["lines"] if one["result"] == "refused")
    again = upload(operator, data, f"{OPT_OUTS}/imports", name="list.csv", source="a registry").json()
    assert (again["recorded"], again["known"]) == (0, 1) and OptOut.objects.count() == 1
    is_problem(upload(painter, data, f"{OPT_OUTS}/imports", name="l.csv", source="x"), 403, "not-permitted")


def test_a_picture_of_a_list_is_kept_by_its_digest_for_the_party_that_says_no(tmp_path: Path) -> None:
    party = a_party("Registry")
    path = tmp_path / "list.csv"
    path.write_text(f"digest\n{sha256_digest(encoded(a_painting()))}\n")
    call_command("import_opt_outs", str(path), party=str(party.pk), stdout=io.StringIO())
    assert OptOut.objects.get().subject_kind == "picture"
    thief = an_artist("thief")
    assert listed(thief, "Thief", encoded(a_painting())).state == "flagged", "the very file is known by its digest"


SITE = "https://ada.example"
TDMREP = json.dumps([{"location": "/art/*", "tdm-reservation": 1}, {"location": "/free/*", "tdm-reservation": 0}, {}])
RSL = (
    '<rsl xmlns="https://rslstandard.org/rsl"><content url="https://ada.example/art/*"><license>'
    '<prohibits type="usage">ai-train</prohibits></license></content><content url="https://ada.example/free/1">'
    '<license><permits type="usage">all</permits></license></content><content url="nowhere"/></rsl>'
)


@pytest.mark.parametrize("data", [TDMREP, RSL], ids=["TDMRep", "RSL"])
def test_reservations_of_a_site_opt_out_the_works_that_were_listed_from_it(painter: Account, data: str) -> None:
    party = a_party("Painter", member=painter)
    works = [a_work(painter, party, seed=seed) for seed in (1, 2)]
    for work, place in zip(works, ("art/1", "free/1"), strict=True):
        Work.objects.filter(pk=work.pk).update(source_url=f"{SITE}/{place}")
    answer = upload(an_auditor(), data.encode(), f"{OPT_OUTS}/imports", name="l", source="site", site=SITE).json()
    assert (answer["recorded"], answer["refused"]) == (1, 1), answer
    assert OptOut.objects.get().subject_id == works[0].pk


@pytest.mark.parametrize(
    "data",
    [b"\xff\xfe\x00", b"a,b\n1,2\n", b"[{", b"<rsl", b'<!DOCTYPE r [<!ENTITY a "b">]><rsl/>'],
    ids=["no text", "other columns", "no JSON", "no XML", "entities"],
)
def test_a_list_in_no_format_is_refused_whole(data: bytes, tmp_path: Path) -> None:
    fields = {"source": "x", "site": SITE}
    is_problem(upload(an_operator(), data, f"{OPT_OUTS}/imports", name="l", **fields), 422, "list-unreadable")
    path = tmp_path / "list"
    path.write_bytes(data)
    with pytest.raises(CommandError):
        call_command("import_opt_outs", str(path), site=SITE)
    assert not OptOut.objects.exists() and not Entry.objects.exists()


def test_a_model_is_marked_when_a_work_that_it_was_trained_on_opts_out(painter: Account) -> None:
    party = a_party("Painter", member=painter)
    work = a_work(painter, party)
    model = a_model()
    a_style(model, party=party, works=[work], actor=painter.actor())
    assert Caller().get(f"/api/v1/models/{model.slug}").json()["opted_out_works"] == 0
    Caller(painter).post(OPT_OUTS, {"kind": "work", "subject": str(work.pk)})
    assert Caller().get(f"/api/v1/models/{model.slug}").json()["opted_out_works"] == 1
    assert Caller().pages("/api/v1/models")[0]["opted_out_works"] == 1
