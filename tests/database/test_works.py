"""Works, parties and styles: listed once, by their owners, with file, row and entry together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction

from provenance import storage
from provenance.audit_log.models import Entry
from provenance.canonical import sha256_digest
from provenance.errors import Fault
from provenance.licensing.actions.styles import register_style
from provenance.picture import NotAPicture, PictureTooLarge
from provenance.works import queries
from provenance.works.actions.listing import register_work
from provenance.works.actions.parties import own_party, record_party
from provenance.works.errors import NotTheOwner, UnknownStyle, UnknownWork, WorkAlreadyListed
from provenance.works.models import Party, PartyMember, Style, Work
from tests.factories.pictures import a_picture, a_png, a_png_bomb, an_svg, encoded
from tests.factories.records import (
    a_model,
    a_party,
    a_style,
    a_work,
    an_artist,
    an_auditor,
    kinds_of_entries,
)
from tests.running import wait_until

pytestmark = pytest.mark.django_db


def stored(files: Path) -> list[Path]:
    return [path for path in files.rglob("*") if path.is_file()]


def test_a_listed_work_has_its_file_its_row_and_its_entry() -> None:
    artist = an_artist()
    party = a_party(member=artist)
    work = a_work(artist, party, title="Wave")
    assert storage.load(work.digest) == a_png()
    assert (work.width, work.height, work.media_type, work.author_credit) == (40, 24, "image/png", "Ada Painter")
    entry = Entry.objects.select_related("opening").get(kind="WorkRegistered")
    assert entry.opening.details["work"] == str(work.pk) and entry.opening.details["digest"] == work.digest


@pytest.mark.parametrize(
    ("data", "fault"),
    [(b"", NotAPicture), (an_svg(), NotAPicture), (a_png()[:60], NotAPicture), (a_png_bomb(), PictureTooLarge)],
    ids=["empty", "svg", "truncated", "bomb"],
)
def test_what_is_no_picture_is_not_listed(files: Path, data: bytes, fault: type[Fault]) -> None:
    artist = an_artist()
    party = a_party(member=artist)
    before = Entry.objects.count()
    with pytest.raises(fault):
        register_work(actor=artist.actor(), party=party, data=data, title="Nothing")
    assert not Work.objects.exists() and Entry.objects.count() == before and stored(files) == []


def test_listing_the_same_picture_again_gives_the_work_that_stands() -> None:
    artist = an_artist()
    party = a_party(member=artist)
    first = a_work(artist, party)
    assert a_work(artist, party, title="Other title") == first
    assert kinds_of_entries().count("WorkRegistered") == 1


@pytest.mark.parametrize("again", [a_png(), encoded(a_picture(), compress_level=1)], ids=["same file", "same pixels"])
def test_somebody_elses_picture_is_not_listed_again(again: bytes) -> None:
    owner, thief = an_artist(), an_artist("noa")
    a_work(owner, a_party(member=owner), title="Wave", licence="CC0-1.0")
    party = a_party("Noa", member=thief)
    before = Entry.objects.count()
    with pytest.raises(WorkAlreadyListed, match="Wave"):
        register_work(actor=thief.actor(), party=party, data=again, title="Mine")
    assert Work.objects.count() == 1 and Entry.objects.count() == before


def test_a_private_works_title_is_not_told_to_whoever_lists_the_same_picture() -> None:
    owner, thief = an_artist(), an_artist("noa")
    a_work(owner, a_party(member=owner), title="Secret wave")
    with pytest.raises(WorkAlreadyListed) as caught:
        a_work(thief, a_party("Noa", member=thief))
    assert all("Secret" not in caught.value.said(language) for language in ("en", "zh-Hans"))
    assert "Secret" not in repr(caught.value.values)


def test_nobody_lists_works_for_a_party_that_is_not_theirs(files: Path) -> None:
    stranger, party = an_artist(), a_party()
    with pytest.raises(NotTheOwner):
        register_work(actor=stranger.actor(), party=party, data=a_png(), title="Wave")
    assert not Work.objects.exists() and stored(files) == []


@pytest.mark.django_db(transaction=True)
def test_of_two_accounts_that_list_one_picture_at_once_one_gets_it() -> None:
    owners = [an_artist(name) for name in ("mara", "noa")]
    parties = [a_party(account.name, member=account) for account in owners]

    def list_it(number: int) -> str:
        try:
            a_work(owners[number], parties[number])
            return "listed"
        except WorkAlreadyListed:
            return "refused"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(list_it, range(2))) == ["listed", "refused"]
    assert Work.objects.count() == 1 and kinds_of_entries().count("WorkRegistered") == 1


@pytest.mark.django_db(transaction=True)
def test_the_sweeper_cannot_take_a_file_while_it_is_being_listed() -> None:
    artist = an_artist()
    party = a_party(member=artist)
    digest = storage.store(a_png())

    def list_it() -> Work:
        try:
            return a_work(artist, party)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():  # the sweeper holds the orphan, looks once more, and removes it
            storage.hold(digest)
            listing = pool.submit(list_it)
            wait_until(lambda: listing.done() or waits_for_a_lock(), what="the listing to wait for the sweeper")
            assert not Work.objects.exists()
            storage.delete(digest)
        assert storage.load(listing.result(30).digest) == a_png()


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return bool(cursor.fetchone()[0])


def test_an_account_gets_one_party_of_its_own_on_first_use() -> None:
    artist = an_artist()
    first = own_party(actor=artist.actor(), name=artist.name)
    assert own_party(actor=artist.actor(), name="another") == first
    assert PartyMember.objects.count() == 1 and kinds_of_entries() == ["PartyRecorded"]


def test_only_one_party_of_a_name_is_recorded_from_public_licences() -> None:
    def record() -> Party:
        return record_party(
            actor=an_auditor(str(Party.objects.count())).actor(), name="Noto", origin=Party.Origin.PUBLIC_LICENCE
        )

    record()
    with pytest.raises(IntegrityError), transaction.atomic():
        record()
    assert Party.objects.count() == 1 and kinds_of_entries() == ["PartyRecorded"]


def test_a_style_stands_with_its_works_its_carrier_and_its_entry() -> None:
    artist, model = an_artist(), a_model()
    party = a_party(member=artist)
    works = [a_work(artist, party, seed=seed) for seed in (1, 2)]
    style = register_style(
        actor=artist.actor(), party=party, slug="wave", name="Wave", works=works, model_digest=model.digest, token="w"
    )
    (listed,) = queries.styles_listed()
    assert listed == style and listed.work_count == 2
    assert Entry.objects.get(kind="StyleRegistered").opening.details["works"] == 2


def test_a_style_without_a_carrier_is_refused() -> None:
    model, party = a_model(), a_party()
    before = Entry.objects.count()
    with pytest.raises(IntegrityError), transaction.atomic():
        a_style(model, party=party, token="")
    assert not Style.objects.exists() and Entry.objects.count() == before


def test_an_adapter_file_is_kept_under_its_digest() -> None:
    style = a_style(a_model(), adapter=b"lora weights")
    assert style.adapter_digest == sha256_digest(b"lora weights")
    assert storage.load(style.adapter_digest) == b"lora weights"


def test_an_artist_sees_their_own_works_and_open_ones_and_an_auditor_all() -> None:
    owner, other = an_artist(), an_artist("noa")
    party = a_party(member=owner)
    private, public = a_work(owner, party, seed=1), a_work(owner, party, seed=2, licence="CC-BY-4.0")
    assert set(queries.works_visible_to(owner.actor())) == {private, public}
    assert set(queries.works_visible_to(other.actor())) == {public}
    assert set(queries.works_visible_to(an_auditor().actor())) == {private, public}
    with pytest.raises(UnknownWork):
        queries.work_for(other.actor(), work_id=private.pk)


def test_an_unknown_style_is_named_in_the_refusal() -> None:
    with pytest.raises(UnknownStyle, match="ink"):
        queries.style_named("ink")


def test_files_that_works_and_styles_need_are_known_to_be_needed() -> None:
    artist = an_artist()
    work = a_work(artist, a_party(member=artist))
    style = a_style(a_model(), party=a_party("Bo"), adapter=b"lora")
    assert queries.referenced_files() == {work.digest, style.adapter_digest}
    assert queries.referenced_files([work.digest, "sha256:" + "0" * 64]) == {work.digest}
