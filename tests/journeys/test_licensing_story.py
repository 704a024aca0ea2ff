"""The whole story over HTTP with real workers: works, a trained style, a grant, pictures, money, an opt-out."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from generation.training.cut_paper import drawings
from server.command_line.demo import first_password
from tests.running import Colophon, manage, wait_until
from tests.services import REPOSITORY

pytestmark = [pytest.mark.journey, pytest.mark.torch]
ENDED = {"done", "refused", "failed", "cancelled"}
SHORT = {"steps": 2, "rank": 4, "batch": 4, "warm_up": 1, "held_out": 0}
NAME = "Ada Scissors"
PASSWORD = "paper and scissors"
MAKE_ADA = f"""
from server.accounts.models import Account
Account.objects.create_user("ada", {PASSWORD!r})
"""


@dataclass
class Person:
    """Somebody who uses a running Colophon over HTTP."""

    colophon: Colophon
    account: str
    password: str = ""
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        password = self.password or first_password(self.colophon.home, account=self.account)
        self.http = httpx.Client(base_url=self.colophon.address, timeout=60)
        body = {"name": "journey", "account": self.account, "password": password, "days": 1}
        secret = self.http.post("/api/v1/me/tokens", json=body).json()["secret"]
        self.http.headers["Authorization"] = f"Bearer {secret}"

    def __enter__(self) -> Person:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, path: str) -> Any:
        """Return what an address answers."""
        answer = self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, *, status: int = 201, **more: Any) -> Any:
        """Send a body, and return the answer, which has a status."""
        answer = self.http.post(path, **({"json": body or {}} if "data" not in more else {}), **more)
        assert answer.status_code == status, answer.text
        return answer.json()

    def ended(self, path: str) -> dict[str, Any]:
        """Return what is at an address once it has ended."""
        return wait_until(lambda: next((one for one in [self.get(path)] if one["state"] in ENDED), None), what=path)


@pytest.fixture(scope="module")
def studio() -> Iterator[Colophon]:
    """Lend a Colophon with the starter model, drawn and trained with by torch."""
    folder = Path(tempfile.mkdtemp(prefix="colophon-story-"))
    folder.chmod(0o711)
    running = Colophon(
        folder / "data", COLOPHON_STARTER_MODEL=str(REPOSITORY / "generation" / "starter" / "model"),
        COLOPHON_PIPELINE="generation.pipelines.diffusers_backend.DiffusersPipeline", COLOPHON_LEASE_SECONDS="15",
    )  # fmt: skip
    try:
        running.start()
        made = manage(running.home, "shell", "-c", MAKE_ADA, COLOPHON_PORT=str(running.port))
        assert made.returncode == 0, made.stderr
        yield running
    finally:
        running.sweep()
        shutil.rmtree(folder, ignore_errors=True)


def listed(ada: Person, party: str, *, first: int, many: int, licence: str = "") -> list[str]:
    """List some of the project's own drawings as a party's works; return their ids."""
    works = []
    for drawn in list(drawings())[first : first + many]:
        data = {
            "title": drawn.name, "title_zh": drawn.name_zh, "party": party, "author": NAME,
            "rights_evidence": "cut by hand", "licence": licence,
        }  # fmt: skip
        file = {"file": (f"{drawn.name}.png", drawn.png, "image/png")}
        works.append(ada.post("/api/v1/works", data=data, files=file)["id"])
    return works


def trained(ada: Person, slug: str, *, party: str, works: list[str]) -> dict[str, Any]:
    """Name a style on some works and have it trained; return it."""
    body = {
        "name": slug.title(), "name_zh": "剪纸", "slug": slug, "party": party, "works": works,
        "model": "colophon-starter",
    }  # fmt: skip
    style = ada.post("/api/v1/styles", body)
    assert style["state"] == "untrained"
    run = ada.post(f"/api/v1/styles/{slug}/train", SHORT, status=202)
    done = ada.ended(f"/api/v1/trainings/{run['id']}")
    assert done["state"] == "done", done["fault"]
    style = ada.get(f"/api/v1/styles/{slug}")
    assert (style["state"], style["adapter_digest"]) == ("active", done["adapter_digest"])
    return dict(style)


def asking(slug: str, **more: Any) -> dict[str, Any]:
    return {"prompt": "a red apple", "references": [{"style": slug}], "seeds": ["7"], "steps": 4, **more}


@pytest.fixture
def ada(studio: Colophon) -> Iterator[Person]:
    """Lend the rightsholder."""
    with Person(studio, "ada", PASSWORD) as person:
        yield person


@pytest.fixture
def artist(studio: Colophon) -> Iterator[Person]:
    """Lend the artist who makes pictures."""
    with Person(studio, "artist") as person:
        yield person


@pytest.fixture
def auditor(studio: Colophon) -> Iterator[Person]:
    """Lend the auditor."""
    with Person(studio, "auditor") as person:
        yield person


def test_whom_does_the_new_picture_owe(
    studio: Colophon, ada: Person, artist: Person, auditor: Person, tmp_path: Path
) -> None:
    party = ada.post("/api/v1/parties", {"name": NAME, "kind": "person"})["id"]
    style = trained(ada, "papercut", party=party, works=listed(ada, party, first=0, many=6))

    # Offered at a price, with attribution: nobody draws in it without a grant.
    terms = {
        "permissions": ["gen:styleAdapter", "gen:reference", "gen:promptName", "commercialize"],
        "price": {"amount": "250", "currency": "EUR", "per": "image"}, "attribution": f"Style by {NAME}",
    }  # fmt: skip
    offer = ada.post("/api/v1/offers", {"subject_kind": "style", "subject": style["id"], **terms})
    refused = artist.http.post("/api/v1/generations", json=asking("papercut"))
    assert refused.status_code == 403 and "grant" in refused.json()["detail"], refused.text
    assert f"{NAME}" in httpx.get(f"{studio.address}/licences/{offer['id']}").text

    # The artist takes the grant, asks what four pictures would cost, and has them drawn.
    grant = artist.post(f"/api/v1/offers/{offer['id']}/grants")
    four = asking("papercut", seeds=["1", "2", "3", "4"], ceiling={"amount": "1000", "currency": "EUR"})
    quote = artist.post("/api/v1/decisions", four, status=200)["quote"]
    assert (quote["per_image"], quote["total"], quote["currency"]) == ("250", "1000", "EUR")
    low = artist.http.post("/api/v1/generations", json={**four, "ceiling": {"amount": "999", "currency": "EUR"}})
    assert low.status_code == 403, low.text
    made = artist.ended(f"/api/v1/generations/{artist.post('/api/v1/generations', four, status=202)['id']}")
    assert made["state"] == "done" and len(made["outputs"]) == 4, made["fault"]

    # Manifest, public page and download name the creator.
    digest = made["outputs"][0]["digest"]
    picture = artist.http.get(f"/api/v1/images/{digest}/file").content
    assert NAME.encode() in picture and b"did not make or endorse" in picture
    report = httpx.get(f"{studio.address}/api/v1/provenance/{digest}", timeout=60)
    assert NAME in report.text
    bundle = zipfile.ZipFile(io.BytesIO(artist.http.get(f"/api/v1/generations/{made['id']}/bundle").content))
    assert NAME in bundle.read("credits.txt").decode()

    # The statement has four lines, and anybody recomputes it from the exported log.
    last = made["outputs"][-1]["digest"]
    wait_until(lambda: httpx.get(f"{studio.address}/images/{last}/proof").status_code == 200, what="the log")
    statement = ada.get(f"/api/v1/statements?party={party}")
    lines = [line for line in statement["lines"] if line["amount"] == "250"]
    assert len(lines) == 4 and {line["right"] for line in lines} == {grant["id"]}
    recomputed(auditor, party=party, statement=statement, folder=tmp_path)

    # An opt-out refuses the next request and the one that waits; the earlier pictures keep their terms.
    long = artist.post("/api/v1/generations", {"prompt": "a tree", "seeds": [*"12345678"], "steps": 60}, status=202)
    waiting = artist.post("/api/v1/generations", asking("papercut", seeds=["9"]), status=202)
    ada.post("/api/v1/opt-outs", {"kind": "style", "subject": style["id"], "source": "a change of mind"})
    after = artist.http.post("/api/v1/generations", json=asking("papercut", seeds=["11"]))
    assert after.status_code == 403 and "opted out" in after.json()["detail"], after.text
    told = artist.ended(f"/api/v1/generations/{waiting['id']}")
    assert told["state"] == "refused" and "opted out" in told["fault"]["en"], told
    artist.ended(f"/api/v1/generations/{long['id']}")
    before = artist.get(f"/api/v1/generations/{made['id']}")
    assert before["decision"] == made["decision"] and before["outputs"] == made["outputs"]


SHARED_ALIKE = "Offer the result under the same licence (our policy). (CC BY-SA 4.0)"
OUR_POLICY = "That conditions travel to the picture is Colophon's cautious policy; the law on it is unsettled."


def openmoji(studio: Colophon, ada: Person, *, many: int, folder: Path) -> list[str]:
    """Have the operator import some OpenMoji pictures for OpenMoji's own party, enlarged from the shipped collection.

    What the collection lists are vector files that are not kept here, and nothing is trained on their small previews.
    """
    known = [work for work in pages(ada, "/api/v1/works") if work["owner"] == "OpenMoji"][:many]
    lines = ["file,title,title_zh,author,licence,rights_evidence"]
    for work in known:
        small = Image.open(io.BytesIO(ada.http.get(f"/api/v1/works/{work['id']}/preview").content))
        small.convert("RGB").resize((128, 128), Image.Resampling.LANCZOS).save(folder / f"{work['title']}.png")
        lines.append(
            f"{work['title']}.png,{work['title']},{work['title_zh']},OpenMoji,CC-BY-SA-4.0,https://openmoji.org"
        )
    (folder / "works.csv").write_text("\n".join(lines) + "\n", "utf-8")
    done = manage(
        studio.home, "import_works", str(folder), "--party", known[0]["party"], COLOPHON_PORT=str(studio.port)
    )
    assert done.returncode == 0 and f"listed {many}" in done.stdout, done.stdout + done.stderr
    listed = [work for work in pages(ada, "/api/v1/works") if work["owner"] == "OpenMoji" and work["pixel_digest"]]
    return [work["id"] for work in listed]


def pages(person: Person, path: str) -> Iterator[dict[str, Any]]:
    """Yield what stands on every page of a list."""
    address: str | None = path
    while address:
        page = person.get(address)
        yield from page["results"]
        address = page["next"]


def test_share_alike_goes_from_the_works_to_the_adapter_to_its_pictures_and_to_theirs(
    studio: Colophon, ada: Person, artist: Person, tmp_path: Path
) -> None:
    party = ada.post("/api/v1/parties", {"name": "Ada's workshop", "kind": "organisation"})["id"]
    works = openmoji(studio, ada, many=4, folder=tmp_path)
    style = trained(ada, "open-shapes", party=party, works=works)

    # Whoever offers it cannot ask less than share-alike, and asks no price.
    wanted = {"subject_kind": "style", "subject": style["id"], "is_open": True}
    too_wide = ada.http.post("/api/v1/offers", json={**wanted, "licence": "CC0-1.0"})
    assert too_wide.status_code == 422 and too_wide.json()["code"] == "terms-too-wide", too_wide.text
    ada.post("/api/v1/offers", {**wanted, "licence": "CC-BY-SA-4.0"})
    shown = artist.get("/api/v1/styles/open-shapes")
    assert shown["licence"]["id"] == "CC-BY-SA-4.0" and "by OpenMoji, CC BY-SA 4.0" in shown["credit"]["en"]
    (run,) = [one for one in pages(ada, "/api/v1/trainings") if one["style"] == style["id"]]
    taught = [work for work in ada.get(f"/api/v1/trainings/{run['id']}")["report"] if work["use"] == "trained"]
    assert len(taught) == 4 and {work["licence"] for work in taught} == {"CC-BY-SA-4.0"}
    beside = ada.http.get(f"/api/v1/trainings/{run['id']}/manifest").content
    assert all(work["digest"].encode() in beside for work in taught) and b"CC-BY-SA-4.0" in beside

    # Manifest, public page and download name OpenMoji and say what the picture came with.
    made = artist.ended(
        f"/api/v1/generations/{artist.post('/api/v1/generations', asking('open-shapes'), status=202)['id']}"
    )
    assert made["state"] == "done" and made["decision"]["quote"] is None, made["fault"]
    assert made["conditions"]["en"] == f"{SHARED_ALIKE} {OUR_POLICY}"
    digest = made["outputs"][0]["digest"]
    picture = artist.http.get(f"/api/v1/images/{digest}/file").content
    assert b"trained on works by OpenMoji, CC BY-SA 4.0" in picture and SHARED_ALIKE.encode() in picture
    report = httpx.get(f"{studio.address}/api/v1/provenance/{digest}", timeout=60).text
    assert "OpenMoji" in report and f"It came with conditions: {SHARED_ALIKE} {OUR_POLICY}" in report
    bundle = zipfile.ZipFile(io.BytesIO(artist.http.get(f"/api/v1/generations/{made['id']}/bundle").content))
    credited = bundle.read("credits.txt").decode()
    assert "trained on works by OpenMoji, CC BY-SA 4.0" in credited and SHARED_ALIKE in credited

    # As a work it keeps the condition, whatever it is offered under, and the picture made from it inherits it.
    refused = artist.http.post("/api/v1/works", json={"image": digest, "title": "Mine", "licence": "CC-BY-4.0"})
    assert refused.status_code == 422 and refused.json()["code"] == "terms-too-wide", refused.text
    work = artist.post("/api/v1/works", {"image": digest, "title": "Mine"})
    assert work["conditions"]["en"] == f"{SHARED_ALIKE} {OUR_POLICY}"
    again = {"prompt": "an apple", "inputs": [{"role": "image", "work": work["id"]}], "seeds": ["8"], "steps": 4}
    next_one = artist.ended(f"/api/v1/generations/{artist.post('/api/v1/generations', again, status=202)['id']}")
    assert next_one["state"] == "done" and next_one["conditions"] == made["conditions"], next_one["fault"]
    picture = artist.http.get(f"/api/v1/images/{next_one['outputs'][0]['digest']}/file").content
    assert SHARED_ALIKE.encode() in picture


def recomputed(auditor: Person, *, party: str, statement: dict[str, Any], folder: Path) -> None:
    """Recompute a statement with the offline tool from an export of the log, and have it agree."""
    export, given = folder / "export.zip", folder / "statement.json"
    export.write_bytes(auditor.http.get("/api/v1/audit/exports").content)
    given.write_text(json.dumps(statement))
    command = [sys.executable, "-m", "provenance.licensing.statement", str(export), "--party", party]
    done = subprocess.run(
        [*command, "--statement", str(given)], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
