"""An author who asks not to be named is named in nothing that is made from then on, and in no page or download."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from generation.models import Generation
from provenance import storage
from provenance.actor import COLOPHON
from provenance.licensing.actions.offering import offer_openly
from provenance.works.actions.parties import record_party
from provenance.works.crediting import ANONYMOUS, LONGEST_CREDIT, credit_line, is_unnamed
from provenance.works.models import Party, Style, Work
from server.accounts.models import Account
from tests.database.test_travelling_terms import made
from tests.factories.records import a_model, a_style, a_work, an_artist, as_image, in_style
from tests.simulators.caller import Caller

pytestmark = pytest.mark.django_db(transaction=True)
NAME, ADDRESS = "Zofia Quillfeather", "quillfeather.example"


@pytest.fixture
def painter() -> Account:
    return an_artist("painter")


@pytest.fixture
def party(painter: Account) -> Party:
    return record_party(actor=COLOPHON, name=NAME, url=f"https://{ADDRESS}", member=painter.pk)


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


OTHERS = ("Abel", "Bea", "Cleo", "Dan", "Eve")
"""They are called what sorts before “anonymous”."""


def beside_many(painter: Account, party: Party, work: Work) -> Style:
    """Lend a style on a work and on five of other authors, whose credits alone would fill the style's."""
    works = [a_work(painter, party, seed=20 + at, title=f"By {name}") for at, name in enumerate(OTHERS)]
    for name, one in zip(OTHERS, works, strict=True):
        Caller(painter).post(f"/api/v1/works/{one.pk}/authors", {"authors": [name]})
    everything = (work, *works)
    style = a_style(a_model(), party=party, works=everything, licence="", name="Fx", slug="fx", actor=painter.actor())
    offer_openly(actor=painter.actor(), party=party, subject_kind="style", subject_id=style.pk, licence="CC-BY-4.0")
    return style


def test_an_author_among_more_than_are_named_stays_unnamed_with_name_and_address(
    keys: Path, painter: Account, party: Party, work: Work
) -> None:
    style, artist = beside_many(painter, party, work), an_artist()
    before = made(keys, artist, **in_style(style))
    assert (
        f"by {', '.join(OTHERS)}, …"
        in Caller(artist).get(f"/api/v1/generations/{before.pk}").json()["credits"][0]["en"]
    )
    asked_to_be_left_out(painter, work)
    after = made(keys, artist, seeds=(8,), **in_style(style))
    for generation in (before, after):
        shown = dict(everything_about(artist, generation, files=generation is after))
        told = {path: data for path, data in shown.items() if generation is after or "provenance/" not in path}
        for secret in (NAME, ADDRESS):
            assert [path for path, data in told.items() if secret.encode() in data] == []
        assert (
            ANONYMOUS.encode() in shown["credits.txt"] and b"Abel, Bea, Cleo, Dan, \xe2\x80\xa6" in shown["credits.txt"]
        )


@pytest.mark.parametrize("longest", [1, LONGEST_CREDIT // 3, LONGEST_CREDIT])
def test_a_credit_that_is_cut_says_that_somebody_stays_anonymous(longest: int) -> None:
    authors = [*(letter * longest for letter in "abcd"), None]
    line = credit_line(authors)
    assert is_unnamed(line) and len(line) <= LONGEST_CREDIT and not is_unnamed(credit_line(authors[:-1]))


@pytest.mark.parametrize("path", ["/api/v1/generations", "/api/v1/images"])
@pytest.mark.parametrize("is_unnamed_now", [False, True])
def test_a_page_looks_up_once_whom_its_pictures_credit(
    keys: Path, painter: Account, style: Style, work: Work, path: str, is_unnamed_now: bool
) -> None:
    artist = an_artist()
    for seed in range(7, 10):
        made(keys, artist, seeds=(seed,), **in_style(style), **as_image(work))
    if is_unnamed_now:
        asked_to_be_left_out(painter, work)
    with CaptureQueriesContext(connection) as found:
        rows = Caller(artist).get(path).json()["results"]
    assert len(rows) == 3 and all((ANONYMOUS in str(row["credits"])) is is_unnamed_now for row in rows)
    asked = [query["sql"] for query in found if "author_credit" in query["sql"]]
    assert len(asked) == (3 if is_unnamed_now else 1), asked
