"""A report before who never heard of C2PA: no more is said than is known, and each fact leads to its evidence."""

from __future__ import annotations

import io
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from provenance.canonical import sha256_digest
from provenance.credentials.signing import pem_chain
from tests.browser.reports import foreign_picture, lossy, made, verify
from tests.browser.visiting import NewPage
from tests.running import Colophon
from tests.simulators import certificates, pictures, tampering

pytestmark = pytest.mark.browser
IN_FORCE_SECONDS = 5


def tiff() -> bytes:
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(pictures.picture())) as image:
        image.save(buffer, "TIFF")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("locale", "is_a", "mark", "signed"),
    [
        ("en", "This seems to be a TIFF picture", "Not read", "Not looked for"),
        ("zh-CN", "TIFF 图片", "未读取", "未查找"),
    ],
)
def test_a_picture_of_a_kind_that_is_not_read_is_no_failed_picture(
    new_page: NewPage, locale: str, is_a: str, mark: str, signed: str
) -> None:
    page = new_page(locale=locale, width=390)
    verify(page, tiff(), name="scan.tiff")
    expect(page.locator("#report-title")).to_contain_text(is_a)
    expect(page.locator("#checks .unread .result")).to_have_text(mark)
    assert page.locator(".check.failed").count() == 0
    expect(page.locator("#glance")).to_contain_text(signed)


def test_credentials_moved_onto_another_picture_do_not_say_that_it_was_made_with_ai(
    visitor: Page, delivered: bytes
) -> None:
    verify(visitor, tampering.moved_onto(pictures.picture(seed=5, size=64), store_of=delivered))
    expect(visitor.locator("#meaning")).to_contain_text("may have been taken from another picture")
    expect(visitor.locator("#glance")).to_contain_text("its credentials do not fit this file")
    expect(visitor.locator("#glance")).not_to_contain_text("Yes, wholly")
    expect(visitor.locator("#stated-facts")).to_contain_text("Yes, wholly, its credentials state.")
    expect(visitor.locator("#stated-note")).to_contain_text("do not rely on these statements")


def test_credentials_beside_a_picture_are_checked_with_it_in_whatever_order_the_two_are_chosen(
    visitor: Page, site: Colophon, delivered: bytes
) -> None:
    address = f"{site.address}/images/{sha256_digest(delivered)}.c2pa"
    store = {"name": "p.c2pa", "mimeType": "application/c2pa", "buffer": httpx.get(address, trust_env=False).content}
    bare = {"name": "p.png", "mimeType": "image/png", "buffer": tampering.stripped(delivered)}
    for files in ([store, bare], [bare, store]):
        visitor.goto("/verify")
        visitor.locator("#file").set_input_files(files)
        expect(visitor.locator("#report")).to_be_visible()
        expect(visitor.locator('[data-code="manifest.present"]')).to_contain_text("handed in beside the file")
    visitor.locator("#file").set_input_files([store])
    expect(visitor.locator("#report-title")).to_contain_text("Check the picture itself, together with this file")
    for files in ([bare, bare], [bare, store, store]):
        visitor.locator("#file").set_input_files([bare])
        expect(visitor.locator("#report")).to_be_visible()
        visitor.locator("#file").set_input_files(files)
        expect(visitor.locator("#check-fault")).to_contain_text("One picture is checked at a time")
        expect(visitor.locator("#report")).to_be_hidden()


def test_a_complaint_ends_the_wait_for_the_picture_before(visitor: Page) -> None:
    one = {"name": "p.png", "mimeType": "image/png", "buffer": pictures.picture()}
    visitor.route("**/api/v1/verifications", lambda _: None)  # which is never answered
    visitor.goto("/verify")
    visitor.locator("#file").set_input_files([one])
    expect(visitor.locator("#waiting")).to_be_visible()
    visitor.locator("#file").set_input_files([one, one])
    expect(visitor.locator("#check-fault")).to_be_visible()
    expect(visitor.locator("#waiting")).to_be_hidden()


def test_an_edit_of_a_generated_picture_is_told_as_made_with_ai_and_names_what_it_was_edited_from(
    visitor: Page, cropped: tuple[str, bytes]
) -> None:
    verify(visitor, cropped[1])
    expect(visitor.locator("#glance")).to_contain_text("Yes: it was edited from a generated picture")
    expect(visitor.locator("#history-steps .ingredients a").first).to_contain_text(".png")
    verify(visitor, foreign_picture(number=2, inputs=pictures.over(foreign_picture(number=1))))
    expect(visitor.locator("#glance")).not_to_contain_text("it was edited from")


def test_damaged_credentials_are_not_told_as_none(visitor: Page, delivered: bytes) -> None:
    verify(visitor, tampering.with_two_stores(foreign_picture()))
    expect(visitor.locator("#report-title")).to_contain_text("carries content credentials that cannot be read")
    expect(visitor.locator("#glance")).not_to_contain_text("No signature was found")
    expect(visitor.locator("#glance")).not_to_contain_text("there are no content credentials")


def test_every_fact_at_a_glance_leads_to_what_it_rests_on(visitor: Page, delivered: bytes) -> None:
    bare = 2  # that there is no signature, and that nothing says how it was made, rests on what is not there
    reports = [
        (delivered, 0), (foreign_picture(), 0), (pictures.picture(seed=77), bare), (lossy(delivered), 1), (tiff(), bare)
    ]  # fmt: skip
    for data, without in reports:
        verify(visitor, data)
        ways = visitor.locator("#glance .see").all()
        assert len(ways) == visitor.locator("#glance dt").count() - without
        for way in ways:
            way.click()
            target = visitor.locator(f'[id="{(way.get_attribute("href") or "")[1:]}"]')
            expect(target).to_be_visible()
            folded = target.locator("> details")
            assert folded.count() == 0 or folded.get_attribute("open") is not None


def test_the_proof_the_credentials_and_the_licence_can_be_fetched_from_the_report(
    visitor: Page, site: Colophon, delivered: bytes
) -> None:
    verify(visitor, delivered)
    proof, stand = (visitor.locator(f'[data-code="{code}"] .evidence a') for code in ("log.inclusion", "licence.today"))
    assert proof.first.get_attribute("href") == f"/images/{sha256_digest(delivered)}/proof"
    places = [*proof.all(), *stand.all(), *visitor.locator("#recorded-facts a").all()]
    assert len(places) >= 5
    for place in places:
        assert httpx.get(f"{site.address}{place.get_attribute('href')}", trust_env=False).status_code == 200


def test_an_address_that_is_not_this_site_s_own_is_no_link(visitor: Page, delivered: bytes) -> None:
    hostile = ["//example.org/proof", "javascript:alert(1)", "https://example.org/", "/\\example.org"]

    def verdict(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        log = next(check for check in told["checks"] if check["code"] == "log.inclusion")
        log["evidence"] = {"proof": hostile, "asked": [{"href": one} for one in hostile]}
        route.fulfill(response=answer, json=told)

    visitor.route("**/api/v1/verifications", verdict)
    verify(visitor, delivered)
    evidence = visitor.locator('[data-code="log.inclusion"] .evidence')
    assert "example.org" in (evidence.text_content() or "")
    assert evidence.locator("a").count() == 0


def test_a_copy_that_could_be_of_several_pictures_is_told_so_and_each_is_listed_by_itself(
    new_page: NewPage, site: Colophon, password: str
) -> None:
    twins = [made(site, password, seeds=["424242"]) for _ in range(2)]
    page = new_page()
    verify(page, lossy(twins[0]))
    expect(page.locator("#report-title")).to_contain_text("which one, if any, is not decided here")
    expect(page.locator("#glance")).to_contain_text("If it is a copy of one of the pictures below: yes")
    expect(page.locator("#meaning")).to_contain_text("the nearest first")
    listed = page.locator("#recorded-facts .record").all_inner_texts()
    assert len(listed) >= 2
    for twin in twins:
        assert sum(sha256_digest(twin) in one for one in listed) == 1


@pytest.fixture(scope="module")
def ended() -> bytes:
    """Return a picture whose signing certificate has ended since."""
    now, ends_in = datetime.now(UTC), timedelta(seconds=IN_FORCE_SECONDS)
    chain = certificates.chain(now=now, starts=ends_in - timedelta(days=1), days=1)
    key = pem_chain(chain_pem=chain.pem, key_pem=chain.key_pem(), root_pem=chain.root_pem, now=now)
    data = pictures.signed(key).data
    time.sleep(max(0.0, (now + ends_in - datetime.now(UTC)).total_seconds()) + 1.1)
    return data


def test_a_certificate_that_ended_does_not_look_like_a_change(visitor: Page, ended: bytes) -> None:
    verify(visitor, ended)
    expect(visitor.locator("#summary")).to_have_attribute("data-tone", "doubt")
    expect(visitor.locator("#mark")).to_have_text("its certificate has ended")
    expect(visitor.locator("#meaning")).to_contain_text("good for a set time only")
    verify(visitor, tampering.with_other_pixel(ended))
    expect(visitor.locator("#summary")).to_have_attribute("data-tone", "")
    expect(visitor.locator("#meaning")).to_contain_text("Do not rely on what they state")


def test_an_open_dispute_is_seen_at_once_and_is_no_failure_of_the_picture(
    new_page: NewPage, site: Colophon, password: str
) -> None:
    data = made(site, password)
    dispute_over(site, sha256_digest(data))
    for locale, mark in (("en", "a dispute is open"), ("zh-CN", "有争议尚未了结")):
        page = new_page(locale=locale)
        verify(page, data)
        expect(page.locator("#summary")).to_have_attribute("data-tone", "doubt")
        expect(page.locator("#mark")).to_contain_text(mark)
        expect(page.locator("#count")).to_contain_text(mark)
        assert page.locator(".check.failed").count() == 0
        assert page.locator("#checks .check").first.get_attribute("data-code") == "dispute"


def dispute_over(site: Colophon, image: str) -> None:
    """Give notice against an image without an account, and have an auditor find the notice complete."""
    lines = (site.home / "accounts.txt").read_text().splitlines()
    password = next(line.split()[1] for line in lines if line.startswith("auditor "))
    notice = {
        "subject_kind": "image", "subject": image, "ground": "shows-me", "text": "It shows my boat.",
        "name": "Ada", "contact": "ada@example.org", "good_faith": True, "accurate": True,
    }  # fmt: skip
    with httpx.Client(base_url=site.address, timeout=60, trust_env=False) as client:
        given = client.post("/api/v1/disputes", json=notice).json()
        token = client.post("/api/v1/me/tokens", json={"account": "auditor", "password": password}).json()["secret"]
        client.headers["Authorization"] = f"Bearer {token}"
        body = {"complete": True, "reason": "It names the image and says why."}
        client.post(f"/api/v1/disputes/{given['id']}/assessment", json=body).raise_for_status()
