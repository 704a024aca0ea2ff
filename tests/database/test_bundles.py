"""Downloads: pictures leave with credits, notices, record, credentials and proofs, and with nobody else's words."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from generation.actions.rendering import render_next
from generation.models import Generation
from provenance import storage
from provenance.audit_log.sequencing import sequence
from server.accounts.models import Account
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
from tests.simulators.caller import Caller
from tests.simulators.secrets import NEGATIVE, PROMPT, leaks

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("home")]


def made(keys: Path, artist: Account, *, licence: str, **asked: Any) -> Generation:
    """Make a picture in a style, over a work under a licence, and return the request."""
    ada = an_artist("ada")
    work = a_work(ada, a_party(member=ada), licence=licence)
    style = a_style(a_model(), party=a_party("Bo Carver"))
    generation = a_request(
        artist, purpose="non-commercial", **{**as_image(work), **in_style(style), "disclosure": "public", **asked}
    )
    assert render_next(worker=a_worker(keys))
    generation.refresh_from_db()
    assert generation.state == "done", generation.fault
    return generation


def bundle(account: Account, path: str) -> zipfile.ZipFile:
    answer = Caller(account).get(f"/api/v1/{path}/bundle")
    assert answer.status_code == 200 and answer["Content-Type"] == "application/zip", answer.status_code
    return zipfile.ZipFile(io.BytesIO(answer.getvalue()))


def test_a_download_carries_pictures_credits_record_credentials_and_proofs(keys: Path) -> None:
    artist = an_artist()
    generation = made(keys, artist, licence="CC-BY-SA-4.0", seeds=(1, 2))
    sequence()
    found = bundle(artist, f"generations/{generation.pk}")
    output = generation.outputs.first()
    assert output is not None
    stem = f"colophon-{output.digest[7:15]}"
    assert len(found.namelist()) == 2 + 3 * 2
    assert found.read(f"{stem}.png") == storage.load(output.digest) and found.read(f"{stem}.c2pa")
    assert found.read(f"{stem}.tlog-proof").startswith(b"c2sp.org/tlog-proof@v1")
    assert json.loads(found.read("record.json"))["id"] == str(generation.pk)
    text = found.read("credits.txt").decode()
    for said in ("Made with Fx Emoji, trained on works by Bo Carver, CC BY 4.0", "did not make or endorse", "作品训练"):
        assert said in text
    assert "cautious policy; the law on it is unsettled" in text and "(CC BY-SA 4.0)" in text


def test_notices_and_licence_texts_travel_with_the_picture(keys: Path) -> None:
    artist = an_artist()
    output = made(keys, artist, licence="MIT").outputs.get()
    text = bundle(artist, f"images/{output.digest}").read("credits.txt").decode()
    assert "Permission is hereby granted, free of charge" in text and "Wave: NOTICE" in text
    assert "cautious policy" not in text


def test_a_name_in_a_private_prompt_is_not_in_an_auditors_download(keys: Path) -> None:
    artist = an_artist()
    a_style(a_model(), party=a_party("Cleo Weaver"), slug="loom", name="Loom", token="loomtoken", licence="CC-BY-4.0")
    generation = made(keys, artist, licence="CC-BY-4.0", prompt="a loomtoken cat", disclosure="private")
    found = bundle(an_auditor(), f"generations/{generation.pk}")
    told = found.read("credits.txt").decode() + found.read("record.json").decode()
    assert "loomtoken" not in told and "Cleo Weaver" not in told


@pytest.mark.parametrize("disclosure", ["private", "committed"])
def test_a_prompt_that_is_not_public_is_in_nobodys_download(keys: Path, disclosure: str) -> None:
    artist = an_artist()
    asked = {"prompt": PROMPT, "negative_prompt": NEGATIVE, "disclosure": disclosure}
    generation = made(keys, artist, licence="CC-BY-4.0", **asked)
    for reader in (artist, an_auditor()):
        for what in (f"generations/{generation.pk}", f"images/{generation.outputs.get().digest}"):
            answer = Caller(reader).get(f"/api/v1/{what}/bundle")
            assert answer.status_code == 200 and leaks(answer.getvalue()) == []


def test_a_download_is_its_owners_and_auditors_alone_and_not_there_before_the_pictures(keys: Path) -> None:
    artist = an_artist()
    output = made(keys, artist, licence="CC-BY-4.0").outputs.get()
    waiting = a_request(artist)
    stranger = Caller(an_artist("noa"))
    assert stranger.get(f"/api/v1/images/{output.digest}/bundle").status_code == 404
    assert stranger.get(f"/api/v1/generations/{output.generation_id}/bundle").status_code == 404
    assert Caller(artist).get(f"/api/v1/generations/{waiting.pk}/bundle").status_code == 404
