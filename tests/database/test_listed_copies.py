"""Conditions follow a delivered image into whatever file it is listed from: as it is, encoded again, or changed."""

from __future__ import annotations

import html
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction
from django.test import Client
from PIL import Image

from generation.actions import reconciling
from generation.models import Generation, Output
from provenance import storage
from provenance.actor import COLOPHON
from provenance.audit_log.models import Entry
from provenance.licensing.models import InheritedTerms, Offer
from provenance.picture import decode_picture
from provenance.works.models import Flag, Party, PartyMember, Work
from server.accounts.models import Account
from tests.database.test_travelling_terms import made
from tests.factories.pictures import a_png
from tests.factories.records import a_model, a_party, a_request, a_style, an_artist, an_auditor, as_image, in_style
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db(transaction=True)
EVIDENCE = {"title": "Copy", "rights_evidence": "made here"}


def encoded(data: bytes, form: str, **options: Any) -> bytes:
    """Return a picture in another file of its own, without manifest or metadata."""
    out = io.BytesIO()
    Image.fromarray(decode_picture(data).pixels).save(out, form, **options)
    return out.getvalue()


def as_png(data: bytes) -> bytes:
    return encoded(data, "PNG", compress_level=1)


def as_jpeg(data: bytes) -> bytes:
    return encoded(data, "JPEG", quality=90)


@pytest.fixture
def artist() -> Account:
    return an_artist()


@pytest.fixture
def output(keys: Path, artist: Account) -> Output:
    style = a_style(a_model(), party=a_party("Bo Carver"), licence="CC-BY-NC-SA-4.0")
    return made(keys, artist, purpose="personal", **in_style(style)).outputs.get()


def differences() -> list[str]:
    """Return which tables reconciling finds not to be as they were recorded."""
    run = reconciling.reconcile(reconciling.begin_here(actor=COLOPHON))
    return [json.loads(line)["table"] for line in reconciling.report_lines(run)]


def listed(account: Account, data: bytes, **more: Any) -> Work:
    answer = Caller(account).upload("/api/v1/works", data, **EVIDENCE, **more)
    assert answer.status_code == 201, answer.content
    return Work.objects.get(pk=answer.json()["id"])


def imported(account: Account, data: bytes) -> Work:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("works.csv", "file,title,rights_evidence\ncopy,Copy,made here\n")
        packed.writestr("copy", data)
    answer = Caller(account).upload("/api/v1/works/imports", archive.getvalue())
    (line,) = answer.json()["lines"]
    assert line["result"] in {"listed", "flagged"}, line
    return Work.objects.get(pk=line["work"])


PATHS = [
    (lambda data: data, "making"),
    (as_png, "pixels"),
    (as_jpeg, "likeness"),
]  # fmt: skip


@pytest.mark.parametrize("way", [listed, imported])
@pytest.mark.parametrize(("copied", "came_by"), PATHS)
def test_conditions_follow_an_own_image_into_every_file(
    artist: Account, output: Output, way: Callable[[Account, bytes], Work], copied: Callable[[bytes], bytes],
    came_by: str,
) -> None:  # fmt: skip
    work = way(artist, copied(storage.load(output.digest)))
    row = InheritedTerms.objects.get(image=work.digest)
    assert (row.came_by, row.terms["licence"], work.state) == (came_by, "CC-BY-NC-SA-4.0", "active")
    assert row.sources == ([] if came_by == "making" else [output.digest])
    refused = a_request(artist, purpose="advertising", **as_image(work))
    assert [one["code"] for one in refused.decision["references"][-1]["reasons"]] == ["not-commercial"]
    permitted = a_request(artist, purpose="personal", seeds=(8,), **as_image(work))
    answer = permitted.decision["references"][-1]
    assert (answer["basis"], answer["licence"]) == ("own-work", "CC-BY-NC-SA-4.0")
    assert "licensing_inheritedterms" not in differences()


@pytest.mark.parametrize("copied", [as_png, as_jpeg])
def test_a_licence_that_the_conditions_do_not_allow_lists_nothing(
    artist: Account, output: Output, copied: Callable[[bytes], bytes]
) -> None:
    entries = Entry.objects.count()
    data = copied(storage.load(output.digest))
    refused = Caller(artist).upload("/api/v1/works", data, **EVIDENCE, licence="CC-BY-4.0")
    is_problem(refused, 422, "terms-too-wide")
    assert not Work.objects.exists() and Entry.objects.count() == entries


@pytest.mark.parametrize(("copied", "came_by"), PATHS)
def test_a_copy_of_somebody_elses_image_waits_for_an_auditor_bound_by_its_conditions(
    output: Output, copied: Callable[[bytes], bytes], came_by: str
) -> None:
    work = listed(an_artist("noa"), copied(storage.load(output.digest)))
    assert work.state == "flagged" and InheritedTerms.objects.get(image=work.digest).came_by == came_by
    flag = Caller(an_auditor()).get("/api/v1/audit/flags").json()["results"][0]
    assert (flag["against_kind"], flag["against"]["image"]) == ("image", output.digest)
    assert flag["distance"] <= 31


@pytest.mark.parametrize("part", ["whose it is", "of the party"])
def test_a_flag_against_an_image_is_decided_by_nobody_whose_it_is(
    output: Output, artist: Account, part: str
) -> None:
    listed(an_artist("noa"), as_jpeg(storage.load(output.digest)))
    flag = Flag.objects.get()
    auditor = an_auditor()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        if part == "whose it is":
            Generation.objects.update(owner_id=auditor.pk)
        else:
            for member in (artist, auditor):
                PartyMember.objects.create(party=Party.objects.get(name="Bo Carver"), account_id=member.pk)
    entries, said = Entry.objects.count(), {"decision": "rejected", "reason": "Mine."}
    address = f"/api/v1/audit/flags/{flag.pk}"
    is_problem(Caller(auditor).post(address, said), 403, "auditor-concerned")
    is_problem(Caller(artist).post(address, said), 403, "not-permitted")
    flag.refresh_from_db()
    assert (flag.decision, Entry.objects.count()) == ("", entries)
    assert Caller(an_auditor("another")).post(address, said).json()["decision"] == "rejected"


def test_a_copy_of_a_listed_copy_is_bound_as_it_is(artist: Account, output: Output) -> None:
    first = listed(artist, as_jpeg(storage.load(output.digest)))
    second = listed(artist, encoded(storage.load(first.digest), "WEBP", quality=80))
    row = InheritedTerms.objects.get(image=second.digest)
    assert row.came_by == "likeness" and first.digest in row.sources


def test_an_own_picture_that_a_later_image_resembles_was_there_first(keys: Path, artist: Account) -> None:
    """What is made from a drawing may look like it; the drawing does not become a copy of what was made from it."""
    style = a_style(a_model(), party=a_party("Bo Carver"), licence="CC-BY-SA-4.0")
    generation = made(keys, artist, **in_style(style))
    data = as_jpeg(storage.load(generation.outputs.get().digest))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE generation_output SET delivered_at = now() + interval '1 day'")
    work = listed(artist, data)
    assert not InheritedTerms.objects.filter(image=work.digest).exists() and work.state == "active"


def test_a_picture_that_is_near_no_delivered_image_has_no_conditions(artist: Account, output: Output) -> None:
    work = listed(artist, a_png(seed=99))
    assert not InheritedTerms.objects.filter(image=work.digest).exists() and work.state == "active"


def test_an_image_without_conditions_gives_its_copies_none(keys: Path, artist: Account) -> None:
    generation = made(keys, artist, **in_style(a_style(a_model(), licence="CC-BY-4.0")))
    work = listed(an_artist("noa"), as_png(storage.load(generation.outputs.get().digest)))
    assert not InheritedTerms.objects.exists() and work.state == "active"


def test_an_auditor_lifts_what_came_by_likeness_alone_for_a_reason(artist: Account, output: Output) -> None:
    work = listed(artist, as_jpeg(storage.load(output.digest)))
    address, reason = f"/api/v1/works/{work.pk}/lift-conditions", {"reason": "Drawn two years before."}
    assert Caller(artist).post(address, reason).status_code == 403
    assert Caller(an_auditor()).post(address, reason).status_code == 200
    assert a_request(artist, purpose="advertising", **as_image(work)).state == "queued"
    is_problem(Caller(an_auditor("uma")).post(address, reason), 409, "nothing-to-lift")
    assert Entry.objects.get(kind="TermsLifted").opening.details["work"] == str(work.pk)
    assert listed(artist, storage.load(work.digest)) == work
    assert InheritedTerms.objects.get(image=work.digest).lifted_at is not None
    assert "licensing_inheritedterms" not in differences()


def test_what_came_with_the_very_pixels_is_not_lifted(artist: Account, output: Output) -> None:
    work = listed(artist, as_png(storage.load(output.digest)))
    address = f"/api/v1/works/{work.pk}/lift-conditions"
    is_problem(Caller(an_auditor()).post(address, {"reason": "No."}), 409, "nothing-to-lift")


def test_a_picture_slightly_changed_is_bound_by_likeness(artist: Account, output: Output) -> None:
    pixels = decode_picture(storage.load(output.digest)).pixels.astype(np.int16)
    out = io.BytesIO()
    Image.fromarray(np.clip(pixels + 9, 0, 255).astype(np.uint8)).save(out, "PNG")
    work = listed(artist, out.getvalue())
    assert InheritedTerms.objects.get(image=work.digest).came_by == "likeness"


SAID = {
    "en": "Offer the result under the same licence (our policy). Use the result for no commercial "
    "purpose. (CC BY-NC-SA 4.0) That conditions travel to the picture is Colophon's cautious policy; "
    "the law on it is unsettled.",
    "zh-Hans": "以相同许可证提供结果（本站政策）。结果不得用于商业目的。（CC BY-NC-SA 4.0）"
    "条件随图片传递是 Colophon 的谨慎政策；相关法律尚无定论。",
}


def test_a_work_a_style_and_their_page_say_which_conditions_came_with_them(artist: Account, output: Output) -> None:
    work = listed(artist, as_jpeg(storage.load(output.digest)), licence="CC-BY-NC-SA-4.0")
    a_style(a_model("Other"), party=work.owner, slug="own", name="Own", token="owntoken", works=(work,),
            actor=artist.actor(), licence="CC-BY-NC-SA-4.0")  # fmt: skip
    plain = listed(artist, a_png(seed=99))
    caller = Caller(artist)
    told = {one["id"]: one["conditions"] for one in caller.get("/api/v1/works").json()["results"]}
    assert told == {str(work.pk): SAID, str(plain.pk): None}
    assert caller.get(f"/api/v1/works/{work.pk}").json()["conditions"] == SAID
    styles = {one["slug"]: one["conditions"] for one in caller.get("/api/v1/styles").json()["results"]}
    assert styles == {"own": SAID, "fx-emoji": None}
    assert caller.get("/api/v1/styles/own").json()["conditions"] == SAID
    for subject_kind in ("work", "style"):
        offer = Offer.objects.get(subject_kind=subject_kind, party=work.owner)
        for language, sentence in SAID.items():
            page = Client().get(f"/licences/{offer.pk}", headers={"Accept-Language": language})
            assert html.escape(sentence) in page.content.decode()


def test_a_verdict_and_the_permanent_record_say_which_conditions_an_image_came_with(output: Output) -> None:
    for answer in (
        Caller(None).upload("/api/v1/verifications", storage.load(output.digest)),
        Caller(None).get(f"/api/v1/provenance/{output.digest}"),
    ):
        assert answer.status_code == 200, answer.content
        (check,) = (one for one in found_checks(answer.json()) if one["code"] == "licence.today")
        assert check["en"].endswith(f"It came with conditions: {SAID['en']}")
        assert check["zh-Hans"].endswith(f"此图像带有条件：{SAID['zh-Hans']}")
        assert check["evidence"]["terms_digest"] == InheritedTerms.objects.get(image=output.digest).terms_digest


def found_checks(verdict: dict[str, Any]) -> list[dict[str, Any]]:
    return list(verdict["checks"] if "checks" in verdict else verdict["verdict"]["checks"])
