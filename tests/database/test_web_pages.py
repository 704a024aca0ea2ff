"""What the pages say to whom, before any script runs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from generation.actions.rendering import render_next
from generation.models import Generation
from provenance.licensing.actions.granting import give_grant
from provenance.licensing.actions.offering import offer_by_grant
from provenance.licensing.actions.opting_out import record_opt_out
from server.accounts.models import Account
from server.web.choices import style_groups_for
from tests.factories.records import a_model, a_party, a_request, a_style, a_worker, an_artist

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def static_files(tmp_path: Path, settings: Settings) -> None:
    settings.STATIC_ROOT = tmp_path  # the server's own start collects them; WhiteNoise warns where there are none


def signed_in(**roles: bool) -> Client:
    client = Client()
    client.force_login(Account.objects.create(name="ana", **roles))
    return client


def test_anybody_may_open_the_page_that_verifies() -> None:
    answer = Client().get("/verify")
    assert answer.status_code == 200
    assert "csrftoken" in answer.cookies
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.django_db(transaction=True)
def test_the_page_of_a_delivered_picture_is_public_and_says_when_it_was_erased(keys: Path) -> None:
    a_model()
    generation = a_request(an_artist(), prompt="a cat that nobody may read", disclosure="private")
    render_next(worker=a_worker(keys))
    output = generation.outputs.get()
    for name in (output.digest, output.manifest_id):
        page = Client().get(f"/provenance/{name}")
        assert page.status_code == 200 and output.digest in page.content.decode()
        assert "nobody may read" not in page.content.decode()
    for unknown in ("sha256:" + "0" * 64, "%00", "x" * 300):
        nothing = Client().get(f"/provenance/{unknown}", headers={"Accept-Language": "en"})
        told = nothing.content.decode()
        assert nothing.status_code == 404 and "hold no picture under this name" in told and 'href="/verify"' in told
    Generation.objects.filter(pk=generation.pk).update(erased_at=datetime(2026, 11, 24, tzinfo=UTC))
    gone = Client().get(f"/provenance/{output.digest}", headers={"Accept-Language": "zh-CN"})
    assert gone.status_code == 410 and "已于 2026-11-24" in gone.content.decode()


def test_an_artist_without_a_model_is_told_that_nothing_can_be_drawn() -> None:
    page = signed_in().get("/").content.decode()
    assert "No model is registered yet" in page
    assert 'id="order"' not in page


def test_an_account_that_is_no_artists_gets_a_sentence_in_place_of_the_form() -> None:
    page = signed_in(is_artist=False, is_auditor=True).get("/").content.decode()
    assert "Your account may not ask for pictures." in page
    assert "Recent pictures of all accounts" in page
    assert 'id="order"' not in page


def test_a_page_about_an_account_is_kept_by_no_cache() -> None:
    assert "no-store" in signed_in().get("/").headers["Cache-Control"]


def test_a_name_that_is_markup_stays_text() -> None:
    client = Client()
    client.force_login(Account.objects.create(name="</script><script>alert(1)</script>"))
    page = client.get("/").content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_signing_out_needs_a_post() -> None:
    client = signed_in()
    assert client.get("/sign-out").status_code == 405
    assert client.post("/sign-out").status_code == 302
    assert client.get("/").status_code == 302


def test_the_language_is_the_readers_own_until_another_is_chosen() -> None:
    client = Client(headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    assert '<html lang="zh-Hans">' in client.get("/verify").content.decode()
    client.post("/language", {"language": "en", "next": "/verify"})
    assert '<html lang="en">' in client.get("/verify").content.decode()


def bases(artist: Account) -> dict[str, list[str]]:
    groups = style_groups_for(artist.pk)
    return {group.basis: [style.slug for style in group.styles] for group in (*groups.usable, *groups.barred)}


def test_styles_are_grouped_by_the_basis_on_which_this_account_could_use_them() -> None:
    model = a_model()
    artist, painter = an_artist("mara"), an_artist("pia")
    own, foreign = a_party("Mara", member=artist), a_party("Pia", member=painter)
    a_style(model, party=own, slug="mine", token="mine", licence="")
    a_style(model, party=foreign, slug="open", token="open", licence="CC-BY-4.0")
    a_style(model, party=foreign, slug="closed", token="closed", licence="")
    granted = a_style(model, party=foreign, slug="granted", token="granted", licence="")
    gone = a_style(model, party=foreign, slug="gone", token="gone", licence="MIT")
    offer = offer_by_grant(actor=painter.actor(), party=foreign, subject_kind="style", subject_id=granted.pk)
    give_grant(actor=painter.actor(), offer=offer, licensee_id=artist.pk)
    record_opt_out(actor=painter.actor(), party=foreign, subject_kind="style", subject_id=gone.pk, source="form")
    assert bases(artist) == {
        "own-work": ["mine"],
        "grant": ["granted"],
        "open-licence": ["open"],
        "none": ["closed"],
        "opted-out": ["gone"],
    }


def test_an_open_style_is_shown_with_its_credit_and_the_duties_of_its_licence() -> None:
    a_style(a_model(), party=a_party("Pia"), name="Open", licence="CC-BY-4.0")
    page = signed_in().get("/").content.decode()
    assert "Made with Open, trained on works by Pia, CC BY 4.0; Pia did not make or endorse this image." in page
    assert "Name the author and the licence." in page


def test_what_is_known_of_a_models_training_is_said_and_never_more() -> None:
    a_model()
    page = signed_in().get("/").content.decode()
    assert "Its training pictures are known, every one." in page
    assert "Noise of our own." in page
    assert "cleared" not in page
