"""The page that makes pictures, as an artist uses it."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, StorageState, expect

from tests.browser.style_names import CLOSED, HOSTILE, OPEN
from tests.browser.visiting import Complaints, NewPage, sign_in

pytestmark = pytest.mark.browser
REFUSED = ("status of 403",)


def fill(page: Page, prompt: str, *, style: str = "", **numbers: str) -> None:
    page.locator("#prompt").fill(prompt)
    if style:
        if page.locator("details.barred").locator(f"[value={style}]").count():
            page.locator("details.barred > summary").click()
        page.locator(f"[name=style][value={style}]").check()
    if numbers:
        page.locator("#more > summary").click()
    for name, value in numbers.items():
        page.locator(f"#{name}").fill(value)


def submit(page: Page) -> None:
    page.get_by_role("button", name="Make it").click()


def make(page: Page, prompt: str, *, style: str = "", **numbers: str) -> None:
    fill(page, prompt, style=style, **numbers)
    submit(page)
    expect(page.locator("#download")).to_be_visible()


def test_without_an_account_one_is_asked_to_sign_in_and_a_wrong_password_is_refused(visitor: Page) -> None:
    visitor.goto("/")
    visitor.get_by_label("Account").fill("artist")
    visitor.get_by_label("Password").fill("not the password")
    visitor.locator("form.stack button").click()
    expect(visitor.get_by_role("alert")).to_contain_text("No account has this name with this password")


def test_signing_out_ends_the_session(visitor: Page, password: str, complaints: Complaints) -> None:
    # Pictures of the shelf that are still being fetched when the session ends are refused, as they should be.
    complaints.expected = ("401 (Unauthorized)",)
    sign_in(visitor, password)
    visitor.get_by_role("button", name="Sign out").click()
    expect(visitor.get_by_label("Password")).to_be_visible()
    visitor.goto("/")
    expect(visitor).to_have_url(re.compile(r"/sign-in\?next=/$"))


def test_a_picture_is_made_watched_and_downloaded_with_the_digest_that_its_colophon_names(
    artist: Page, let_go: Callable[[], None], tmp_path: Path
) -> None:
    fill(artist, "a lighthouse", style="harbour-prints", seed="9007199254740993", steps="20", width="128", height="128")
    submit(artist)
    expect(artist.locator(".progress progress")).to_be_visible()
    expect(artist.locator("#stage")).to_contain_text(re.compile(r"step \d+ of 20"))
    expect(artist.locator(".progress .frame img")).to_be_visible()
    let_go()
    expect(artist.locator("#download")).to_be_visible()
    expect(artist.locator("#announcer")).to_contain_text("Done")
    colophon = artist.locator(".colophon")
    expect(colophon).to_contain_text("Made by artist on")
    expect(colophon).to_contain_text("from seed 9007199254740993")
    expect(colophon.locator(".credit")).to_have_text(
        f"Made with {OPEN}, trained on works by Mira Halvorsen, CC BY 4.0; "
        "Mira Halvorsen did not make or endorse this image."
    )
    expect(colophon).to_contain_text("Name the author and the licence.")
    with artist.expect_download() as download:
        artist.locator("#download").click()
    kept = tmp_path / "picture.png"
    download.value.save_as(kept)
    digest = "sha256:" + hashlib.sha256(kept.read_bytes()).hexdigest()
    with artist.expect_download() as download:
        artist.locator("#bundle").click()
    download.value.save_as(tmp_path / "bundle.zip")
    with zipfile.ZipFile(tmp_path / "bundle.zip") as bundle:
        assert "Mira Halvorsen did not make or endorse this image" in bundle.read("credits.txt").decode()
        assert bundle.read(f"colophon-{digest[7:15]}.png") == kept.read_bytes()
    colophon.locator(".particulars > summary").click()
    expect(colophon.locator(".particulars")).to_contain_text(digest)
    expect(artist.locator("#recent-body .caption").first).to_have_text("a lighthouse")


def test_several_pictures_count_the_seed_up_and_each_has_its_own_colophon(artist: Page) -> None:
    artist.locator("#n").select_option("3")
    make(artist, "three boats", seed="7", steps="3", width="64", height="64")
    digests = set()
    for index in range(3):
        artist.locator(".contact button").nth(index).click()
        expect(artist.locator(".colophon .making")).to_contain_text(f"seed {7 + index}.")
        digests.add(artist.locator("#download").get_attribute("href"))
    assert len(digests) == 3


def test_a_style_shows_whom_it_credits_and_on_what_terms_before_it_is_used(artist: Page) -> None:
    expect(artist.get_by_text("No style is named and none is credited.")).to_be_visible()
    artist.get_by_label(OPEN).check()
    terms = artist.locator('.terms[data-style="harbour-prints"]')
    expect(terms).to_contain_text("Mira Halvorsen did not make or endorse this image.")
    expect(terms.get_by_role("link", name="CC BY 4.0")).to_have_attribute(
        "href", "https://creativecommons.org/licenses/by/4.0/"
    )
    expect(artist.get_by_text("No style is named and none is credited.")).to_be_hidden()


def test_a_refused_request_shows_its_reasons_and_no_picture(artist: Page, complaints: Complaints) -> None:
    complaints.expected = REFUSED
    fill(artist, "a harbour", style="salt-paper")
    submit(artist)
    refused = artist.locator(".refused")
    expect(refused).to_contain_text("The refusal is recorded")
    expect(refused).to_contain_text(f"There is no open licence and no grant for {CLOSED}.")
    expect(artist.locator("#download")).to_have_count(0)


def test_a_failed_rendering_says_what_happened_and_the_form_stays_filled(artist: Page) -> None:
    fill(artist, "[[fail]] a boat", steps="3", width="64", height="64")
    submit(artist)
    expect(artist.locator(".outcome .alert")).to_contain_text("tell the operator")
    expect(artist.locator("#prompt")).to_have_value("[[fail]] a boat")


def test_a_wrong_number_is_told_beside_its_field_and_that_field_has_the_focus(
    artist: Page, complaints: Complaints
) -> None:
    complaints.expected = ("status of 422",)
    fill(artist, "a boat", width="37")
    submit(artist)
    expect(artist.locator("#width-fault")).to_contain_text("must be a multiple of")
    expect(artist.locator("#width")).to_be_focused()
    expect(artist.locator("#width")).to_have_attribute("aria-invalid", "true")


def test_an_empty_prompt_is_told_without_asking_the_server(artist: Page) -> None:
    submit(artist)
    expect(artist.locator("#prompt-fault")).to_have_text("Say what the picture should show.")
    expect(artist.locator("#prompt")).to_be_focused()


def test_a_request_is_called_off_while_it_is_drawn(artist: Page, let_go: Callable[[], None]) -> None:
    fill(artist, "a slow boat", steps="150", width="64", height="64")
    submit(artist)
    expect(artist.locator("#stage")).to_contain_text("of 150")
    artist.get_by_role("button", name="Cancel").click()
    expect(artist.locator(".outcome")).to_contain_text("You called this request off.")


def test_a_reload_in_the_middle_goes_on_with_the_same_request(artist: Page, let_go: Callable[[], None]) -> None:
    fill(artist, "a patient tortoise", steps="20", width="64", height="64")
    submit(artist)
    expect(artist.locator("#stage")).to_contain_text("of 20")
    address = artist.url
    artist.reload()
    assert artist.url == address
    expect(artist.locator("#stage")).to_contain_text("of 20")
    expect(artist.locator("#prompt")).to_have_value("a patient tortoise")
    let_go()
    expect(artist.locator("#download")).to_be_visible()
    artist.locator(".particulars > summary").click()
    expect(artist.locator(".particulars")).to_contain_text(address.rpartition("#")[2])


def test_a_request_whose_answer_was_lost_is_sent_again_and_made_once(artist: Page, complaints: Complaints) -> None:
    complaints.expected = ("ERR_FAILED", "ERR_CONNECTION")
    keys: list[str | None] = []

    def lose_first_answer(route: Route) -> None:
        if route.request.method != "POST":
            route.fallback()
            return
        keys.append(route.request.headers.get("idempotency-key"))
        if len(keys) == 1:
            route.fetch()  # the server has heard it; its answer never arrives
            route.abort()
        else:
            route.continue_()

    artist.route("**/api/v1/generations", lose_first_answer)
    make(artist, "once and only once", steps="3", width="64", height="64")
    assert len(keys) == 2
    assert keys[0] is not None and keys[0] == keys[1]
    artist.reload()
    expect(artist.locator("#recent-body .caption", has_text="once and only once")).to_have_count(1)


def test_progress_goes_on_after_the_stream_of_events_breaks(
    artist: Page, let_go: Callable[[], None], complaints: Complaints
) -> None:
    complaints.expected = ("ERR_FAILED", "ERR_CONNECTION", "status of 502")
    broken: list[str] = []

    def break_once(route: Route) -> None:
        if broken:
            route.continue_()
            return
        broken.append(route.request.url)
        route.fulfill(status=502, body="")
        let_go()

    artist.route("**/events", break_once)
    make(artist, "a bridge", steps="30", width="64", height="64")
    assert len(broken) == 1


def test_markup_in_a_prompt_and_in_names_stays_text(artist: Page) -> None:
    prompt = "<img src=x onerror=\"document.title='hit'\"> <script>document.title='hit'</script>"
    make(artist, prompt, style="hostile", steps="3", width="64", height="64")
    artist.locator(".particulars > summary").click()
    expect(artist.locator(".particulars dd").first).to_have_text(prompt)
    expect(artist.locator("#recent-body .caption").first).to_have_text(prompt)
    expect(artist.locator(".colophon .credit")).to_contain_text(HOSTILE)
    assert artist.locator('img[src="x"]').count() == 0
    assert artist.title() == "Make a picture · Colophon"
    artist.get_by_role("link", name="Verify this picture").click()
    expect(artist.locator("#stated-facts")).to_contain_text(prompt)
    expect(artist.locator("#glance")).to_contain_text(HOSTILE)
    assert artist.locator('img[src="x"]').count() == 0
    assert artist.title() == "Verify a picture · Colophon"


def test_what_the_model_can_draw_is_offered_and_goes_into_the_prompt(artist: Page) -> None:
    vocabulary = {"subjects": [{"en": "fox", "zh-Hans": "狐狸"}, {"en": "violin", "zh-Hans": "小提琴"}]}

    def with_vocabulary(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=json.dumps({**response.json(), "vocabulary": vocabulary}))

    artist.route("**/api/v1/models/*", with_vocabulary)
    artist.reload()
    artist.get_by_role("button", name="fox").click()
    artist.get_by_role("button", name="violin").click()
    expect(artist.locator("#prompt")).to_have_value("fox, violin")


def test_the_address_of_nobodys_request_says_that_there_is_none(artist: Page, complaints: Complaints) -> None:
    complaints.expected = ("status of 404",)
    artist.goto("/#00000000-0000-4000-8000-000000000000")
    expect(artist.locator("#plate-body")).to_contain_text("There is no such request of yours.")


def test_the_prompt_of_a_private_request_is_told_to_stay_out_of_the_file(artist: Page) -> None:
    expect(artist.get_by_text("Copies that have been delivered cannot be recalled")).to_be_visible()
    artist.locator("[name=disclosure][value=private]").check()
    make(artist, "a secret garden", steps="3", width="64", height="64")
    artist.get_by_role("link", name="Verify this picture").click()
    expect(artist.locator("#stated-facts")).to_contain_text("Kept private by whoever asked for the picture.")
    expect(artist.locator("#report")).not_to_contain_text("a secret garden")


def test_nothing_overflows_a_narrow_screen(new_page: NewPage, signed_in: StorageState) -> None:
    page = new_page(width=320, state=signed_in)
    page.goto("/")
    page.locator("#prompt").fill("W" * 400)
    page.locator("#more > summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_price_is_read_and_its_offer_taken_then_its_cost_is_told_before_and_after(
    artist: Page, new_page: NewPage, signed_in: StorageState, complaints: Complaints
) -> None:
    complaints.expected = REFUSED
    fill(artist, "a kettle", style="copper-lines")
    expect(artist.locator("#cost")).to_be_hidden()
    submit(artist)
    expect(artist.locator(".outcome")).to_contain_text("no grant for Copper Lines")
    terms = artist.locator(".terms[data-style=copper-lines]")
    expect(terms).to_contain_text("2.50 EUR for each picture")
    terms.get_by_role("link", name="Read and take its offer").click()
    artist.get_by_role("button", name="Take this offer").click()
    artist.get_by_role("link", name="Make a picture").click()
    fill(artist, "a kettle", style="copper-lines")
    artist.locator("#n").select_option("2")
    expect(artist.locator("#cost")).to_contain_text(re.compile(r"will cost EUR\s5\.00: EUR\s2\.50 for each picture"))
    submit(artist)
    expect(artist.locator("#download")).to_be_visible()
    expect(artist.locator(".owed")).to_contain_text(re.compile(r"Pay EUR\s2\.50 for each picture to Ines Varga"))
    chinese = new_page(locale="zh-CN", width=390, state=signed_in)
    chinese.goto("/")
    chinese.locator("[name=style][value=copper-lines]").check()
    expect(chinese.locator("#cost")).to_contain_text(re.compile(r"此次将花费 EUR\s2\.50"))
    expect(chinese.locator(".terms[data-style=copper-lines]")).to_contain_text("使用 铜线 风格生成")
