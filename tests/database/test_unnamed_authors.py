"""An author who asks not to be named is named in nothing that is made from then on, and in no page or download."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from generation.models import Generation
from provenance import storage
from provenance.works.crediting import ANONYMOUS
from provenance.works.models import Party, Style, Work
from server.accounts.models import Account
from tests.database.test_travelling_terms import made
from tests.factories.records import a_model, a_party, a_style, a_work, an_artist, as_image, in_style
from tests.simulators.caller import Caller

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "Zofia Quillfeather"


@pytest.fixture
def painter() -> Account:
    return an_artist("painter")


@pytest.fixture
def party(painter: Account) -> Party:
    return a_party(NAME, member=painter)


@pytest.fixture
def work(painter: Account, party: Party) -> Work:
    return a_work(painter, party, licence="CC-BY-4.0")


@pytest.fixture
def style(painter: Account, party: Party, work: Work) -> Style:
    """Lend a style whose offer words its credit with the author's name."""
    found = a_style(a_model(), party=party, works=(work,), licence="", name="Fx", slug="fx", actor=painter.actor())
    terms = {"permissions": ["gen:reference", "commercialize"], "attribution": f"Style by {NAME}", "is_open": True}
    answer = Caller(painter).post("/api/v1/offers", {"subject_kind": "style", "subject": str(found.pk), **terms})
    assert answer.status_code == 201, answer.content
    return found


def asked_to_be_left_out(painter: Account, work: Work) -> None:
    answer = Caller(painter).post(f"/api/v1/works/{work.pk}/authors", {"authors": [None]})
    assert answer.status_code == 200 and answer.json()["author"] == ANONYMOUS


def everything_about(artist: Account, generation: Generation, *, files: bool) -> Iterator[tuple[str, bytes]]:
    """Yield all that can be had of a generation's picture: pages, records, the parts of its download, its files."""
    digest, caller = generation.outputs.get().digest, Caller(artist)
    for path in (
        f"/api/v1/generations/{generation.pk}", "/api/v1/generations", f"/api/v1/images/{digest}",
        f"/api/v1/provenance/{digest}", f"/provenance/{digest}",
    ):  # fmt: skip
        answer = caller.get(path) if path.startswith("/api") else Client().get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        yield path, answer.content
    bundle = caller.get(f"/api/v1/generations/{generation.pk}/bundle")
    with zipfile.ZipFile(io.BytesIO(b"".join(bundle.streaming_content))) as archive:
        for name in archive.namelist():
            if files or name in {"credits.txt", "record.json"}:
                yield name, archive.read(name)
    if files:
        yield "file", storage.load(digest)


USES: list[Callable[[Any, Any], dict[str, Any]]] = [
    lambda style, work: in_style(style),
    lambda style, work: as_image(work),
    lambda style, work: {**in_style(style), **as_image(work)},
]


@pytest.mark.parametrize("use", USES)
def test_nothing_made_after_the_request_names_the_author(
    keys: Path, painter: Account, style: Style, work: Work, use: Callable[[Any, Any], dict[str, Any]]
) -> None:
    artist = an_artist()
    before = made(keys, artist, **use(style, work))
    named = dict(everything_about(artist, before, files=True))
    assert NAME.encode() in named["file"] and NAME.encode() in named["credits.txt"]
    asked_to_be_left_out(painter, work)
    after = made(keys, artist, seeds=(8,), **use(style, work))
    found = dict(everything_about(artist, after, files=True))
    assert [name for name, data in found.items() if NAME.encode() in data] == []
    assert ANONYMOUS.encode() in found["credits.txt"] and ANONYMOUS.encode() in found["file"]


def test_pages_and_downloads_of_earlier_pictures_name_the_author_no_more_but_their_files_are_what_they_were(
    keys: Path, painter: Account, style: Style, work: Work
) -> None:
    artist = an_artist()
    before = made(keys, artist, **in_style(style), **as_image(work))
    digest = before.outputs.get().digest
    delivered = storage.load(digest)
    asked_to_be_left_out(painter, work)
    found = dict(everything_about(artist, before, files=False))
    told = {name: data for name, data in found.items() if not name.endswith(digest)}
    assert [name for name, data in told.items() if NAME.encode() in data] == []
    assert storage.load(digest) == delivered and NAME.encode() in delivered


def test_who_is_only_called_otherwise_keeps_the_credit_of_earlier_pictures(
    keys: Path, painter: Account, style: Style, work: Work
) -> None:
    artist = an_artist()
    before = made(keys, artist, **in_style(style))
    Caller(painter).post(f"/api/v1/works/{work.pk}/authors", {"authors": ["Z. Q."]})
    (line,) = Caller(artist).get(f"/api/v1/generations/{before.pk}").json()["credits"]
    assert f"works by {NAME};" in line["en"]
    after = made(keys, artist, seeds=(8,), **in_style(style))
    (line,) = Caller(artist).get(f"/api/v1/generations/{after.pk}").json()["credits"]
    assert "works by Z. Q.;" in line["en"]
