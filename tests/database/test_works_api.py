"""Works and styles over HTTP, as the programs of those who own them call."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from generation.actions.registering import register_model
from generation.models import ImageModel
from generation.pipelines.contract import ModelSource, WeightFile
from generation.pipelines.model_files import digest_of_files
from provenance import storage
from provenance.actor import COLOPHON
from provenance.audit_log.models import Entry
from provenance.canonical import sha256_digest
from provenance.works.models import Party, SplitAgreement, Style, Work
from server.accounts.models import Account
from tests.factories.pictures import a_png, a_png_bomb, an_svg
from tests.factories.records import a_model, a_party, an_artist, an_auditor, kinds_of_entries, model_facts
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db
WORKS, STYLES = "/api/v1/works", "/api/v1/styles"


@pytest.fixture
def artist() -> Account:
    return an_artist()


def a_listed_work(account: Account, seed: int = 1, **fields: str) -> dict[str, Any]:
    fields = {"title": "Wave", "rights_evidence": "painted by hand", **fields}
    answer = Caller(account).upload(WORKS, a_png(seed=seed), **fields)
    assert answer.status_code == 201, answer.content
    return dict(answer.json())


def named(account: Account, works: list[str], **more: Any) -> Any:
    body = {"name": "Waves", "name_zh": "波浪", "slug": "waves", "works": works, "model": "tiny", **more}
    return Caller(account).post(STYLES, body)


# ---- works ----------------------------------------------------------------------------------------------------


def test_a_work_is_listed_read_withdrawn_and_brought_back(artist: Account) -> None:
    work = a_listed_work(artist, title_zh="浪")
    place = f"{WORKS}/{work['id']}"
    read = Caller(artist).get(place).json()
    assert (read["state"], read["said"], read["title_zh"], read["authors"]) == ("active", None, "浪", ["mara"])
    withdrawn = Caller(artist).post(f"{place}/withdraw").json()
    assert withdrawn["state"] == "withdrawn" and withdrawn["said"]["zh-Hans"]
    is_problem(Caller(artist).post(f"{place}/withdraw"), 409, "wrong-state")
    assert Caller(artist).post(f"{place}/bring-back").json()["state"] == "active"
    assert kinds_of_entries()[-2:] == ["WorkWithdrawn", "WorkBroughtBack"]


def test_a_stranger_neither_reads_nor_withdraws_a_work(artist: Account) -> None:
    place = f"{WORKS}/{a_listed_work(artist)['id']}"
    stranger = Caller(an_artist("noa"))
    before = Entry.objects.count()
    is_problem(stranger.get(place), 404, "not-found")
    is_problem(stranger.post(f"{place}/withdraw"), 404, "not-found")
    is_problem(Caller(an_auditor()).post(f"{place}/withdraw"), 403, "not-the-owner")
    assert Entry.objects.count() == before and Work.objects.get().state == "active"


def test_authors_stand_apart_from_owners_and_may_stay_anonymous(artist: Account) -> None:
    work = a_listed_work(artist, is_anonymous="true")
    assert work["authors"] == [None] and work["author"] == "anonymous · 佚名" and work["owner"] == "mara"
    place = f"{WORKS}/{work['id']}/authors"
    credited = Caller(artist).post(place, {"authors": ["Ada", None]}).json()
    assert credited["author"] == "Ada, anonymous · 佚名"
    is_problem(Caller(artist).post(place, {"authors": []}), 422, "invalid-request")
    assert Entry.objects.get(kind="WorkCredited").opening.details["authors"] == ["Ada", None]


def test_a_work_is_listed_for_the_party_that_is_named(artist: Account) -> None:
    own, foreign = a_party("Studio", member=artist), a_party("Foreign")
    assert a_listed_work(artist, party=str(own.pk))["owner"] == "Studio"
    fields = {"title": "Wave", "rights_evidence": "painted", "party": str(foreign.pk)}
    is_problem(Caller(artist).upload(WORKS, a_png(seed=2), **fields), 404, "unknown-party")
    assert Work.objects.count() == 1


@pytest.mark.parametrize(("data", "code"), [(an_svg(), "not-a-picture"), (a_png_bomb(), "picture-too-large")])
def test_what_is_no_picture_is_refused_and_nothing_is_kept(
    artist: Account, files: Path, data: bytes, code: str
) -> None:
    fields = {"title": "Wave", "rights_evidence": "painted"}
    is_problem(Caller(artist).upload(WORKS, data, **fields), 413 if "large" in code else 422, code)
    assert not Work.objects.exists() and not Entry.objects.exists()


# ---- styles ---------------------------------------------------------------------------------------------------


@pytest.fixture
def model() -> ImageModel:
    return a_model("Tiny")


def test_a_style_on_listed_works_waits_for_its_adapter(artist: Account, model: ImageModel) -> None:
    work = a_listed_work(artist)
    made = named(artist, [work["id"]]).json()
    assert (made["state"], made["carrier"], made["suspended_by"]) == ("untrained", "none", [])
    assert made["works"] == [{"id": work["id"], "title": "Wave", "author": "mara", "state": "active"}]
    assert Caller(artist).get(f"{STYLES}/waves").json() == made
    is_problem(Caller(an_artist("noa")).get(f"{STYLES}/waves"), 404, "not-found")
    assert Caller().pages(STYLES) == []


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"works": []}, 422, "style-has-no-works"),
        ({"works": [str(uuid4())]}, 422, "unknown-work"),
        ({"model": "nowhere"}, 422, "unknown-model"),
        ({"carrier": "reference-pictures"}, 422, "carrier-not-supported"),
        ({"carrier": "prompt-token", "token": "cat"}, 403, "not-permitted"),
        ({"slug": "No slug"}, 422, "invalid-request"),
        ({"shares": [{"party": str(uuid4()), "basis_points": 9_000}]}, 422, "shares-do-not-add-up"),
        ({"shares": [{"party": str(uuid4()), "basis_points": 10_000}]}, 404, "unknown-party"),
        ({"shares": [{"party": str(UUID(int=1)), "basis_points": 5_000}] * 2}, 422, "shares-named-twice"),
    ],
)
def test_a_style_that_cannot_stand_is_refused_and_nothing_is_written(
    artist: Account, model: ImageModel, more: dict[str, Any], status: int, code: str
) -> None:
    work = a_listed_work(artist)
    before = Entry.objects.count()
    is_problem(named(artist, **{"works": [work["id"]], **more}), status, code)
    assert not Style.objects.exists() and not SplitAgreement.objects.exists() and Entry.objects.count() == before


def test_a_slug_is_taken_once(artist: Account, model: ImageModel) -> None:
    work = a_listed_work(artist)
    assert named(artist, [work["id"]]).status_code == 201
    is_problem(named(artist, [work["id"]], name="Others"), 409, "slug-taken")


def test_a_declared_style_stops_nobody_from_writing_its_name(artist: Account, model: ImageModel) -> None:
    assert named(artist, [a_listed_work(artist)["id"]], name="Cat").status_code == 201
    asked = Caller(an_artist("noa")).post("/api/v1/generations", {"prompt": "a cat", "n": 1})
    assert asked.status_code == 202, asked.content


def test_a_style_is_shared_over_http_once_everybody_consents(artist: Account, model: ImageModel) -> None:
    friend = an_artist("noa")
    work = a_listed_work(artist)
    mine, theirs = Party.objects.get(), a_party("Noa", member=friend)
    shares = [{"party": str(mine.pk), "basis_points": 6_000}, {"party": str(theirs.pk), "basis_points": 4_000}]
    style = named(artist, [work["id"]], shares=shares).json()
    assert style["state"] == "proposed"
    place = f"{STYLES}/{style['id']}/splits"
    is_problem(Caller(an_artist("ida")).get(place), 422, "unknown-style")
    (split,) = Caller(friend).get(place).json()
    assert split["state"] == "proposed" and [one["consented_at"] is None for one in split["shares"]].count(True) == 1
    answered = Caller(friend).post(f"{place}/consent", {"party": str(theirs.pk)}).json()
    assert answered["state"] == "active"
    assert Caller(artist).get(f"{STYLES}/{style['id']}").json()["state"] == "untrained"
    is_problem(Caller(friend).post(f"{place}/refuse", {"party": str(theirs.pk)}), 409, "no-such-proposal")


# ---- adapters -------------------------------------------------------------------------------------------------


def safetensors(shapes: dict[str, list[int]]) -> bytes:
    """Return a safetensors file of zeros: uint64 little-endian length, the header as JSON, the data."""
    header, at = {}, 0
    for key, shape in shapes.items():
        size = 4 * shape[0] * shape[1]
        header[key] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    encoded = json.dumps(header).encode()
    return struct.pack("<Q", len(encoded)) + encoded + bytes(at)


def lora(layer: str = "unet.mid.to_q", *, width: int = 8) -> bytes:
    return safetensors({f"{layer}.lora_A.weight": [2, width], f"{layer}.lora_B.weight": [8, 2]})


@pytest.fixture
def local_model(tmp_path: Path) -> ImageModel:
    """Register a model whose folder is there, with one layer of 8 x 8 weights."""
    data = safetensors({"mid.to_q.weight": [8, 8]})
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "weights.safetensors").write_bytes(data)
    weights = (WeightFile("unet/weights.safetensors", digest=sha256_digest(data), size_bytes=len(data)),)
    source = ModelSource(source=str(tmp_path), revision="", digest=digest_of_files(weights), weights=weights)
    return register_model(
        actor=COLOPHON, facts=replace(model_facts("Tiny"), source=source), name="Tiny", licence="CC0-1.0",
        training="known", training_statement="Zeros of our own.",
    )  # fmt: skip


def test_an_adapter_that_fits_the_model_carries_the_style(artist: Account, local_model: ImageModel) -> None:
    style = named(artist, [a_listed_work(artist)["id"]]).json()
    carried = Caller(artist).upload(f"{STYLES}/{style['id']}/adapter", lora()).json()
    assert (carried["state"], carried["carrier"]) == ("active", "adapter")
    assert carried["adapter_digest"] == sha256_digest(lora()) and storage.load(carried["adapter_digest"]) == lora()
    assert [one["slug"] for one in Caller().pages(STYLES)] == ["waves"]


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        (b"PK\x03\x04" + bytes(90), "pickle-refused", "pickle"),
        (b"\x80\x04" + bytes(90), "pickle-refused", "pickle"),
        (lora()[:-1], "adapter-unfit", "header says"),
        (b"not a file of weights", "adapter-unfit", "cut short"),
        (lora("unet.down.to_k"), "adapter-unfit", "no layer unet.down.to_k"),
        (lora(width=16), "adapter-unfit", "made for [8, 16]"),
        (safetensors({"unet.mid.to_q.lora_A.weight": [2, 8]}), "adapter-unfit", "belong together"),
        (safetensors({"lora_unet_mid_to_q.lora_up.weight": [8, 2]}), "adapter-unfit", "save_lora_weights"),
        (safetensors({}), "adapter-unfit", "adapts no layer"),
    ],
    ids=["zip pickle", "pickle", "cut short", "no file", "another model", "other widths", "half", "spelling", "empty"],
)
def test_an_adapter_that_is_none_or_fits_another_model_is_refused(
    artist: Account, local_model: ImageModel, data: bytes, code: str, said: str
) -> None:
    style = named(artist, [a_listed_work(artist)["id"]]).json()
    before = Entry.objects.count()
    problem = is_problem(Caller(artist).upload(f"{STYLES}/{style['id']}/adapter", data), 422, code)
    assert said in problem["said"]["en"]
    assert Style.objects.get().state == "untrained" and Entry.objects.count() == before
    assert not storage.exists(sha256_digest(data))


def test_only_the_owner_gives_a_style_its_adapter(artist: Account, local_model: ImageModel) -> None:
    style = named(artist, [a_listed_work(artist)["id"]]).json()
    place = f"{STYLES}/{style['id']}/adapter"
    is_problem(Caller(an_artist("noa")).upload(place, lora()), 404, "not-found")
    is_problem(Caller(an_auditor()).upload(place, lora()), 403, "not-the-owner")
    assert Style.objects.get().carrier == "none"


def test_a_style_is_withdrawn_and_brought_back(artist: Account, local_model: ImageModel) -> None:
    style = named(artist, [a_listed_work(artist)["id"]]).json()
    place = f"{STYLES}/{style['id']}"
    Caller(artist).upload(f"{place}/adapter", lora())
    is_problem(Caller(an_artist("noa")).post(f"{place}/withdraw"), 403, "not-the-owner")
    assert Caller(artist).post(f"{place}/withdraw").json()["state"] == "withdrawn"
    assert Caller().pages(STYLES) == []
    assert Caller(artist).post(f"{place}/bring-back").json()["state"] == "active"
