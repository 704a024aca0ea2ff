"""The page that verifies a picture, as anyone uses it, without an account."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from provenance.canonical import sha256_digest
from provenance.credentials.manifest import Prompt
from tests.browser.reports import foreign_picture, lossy, made, result_of, verify
from tests.browser.visiting import Complaints, NewPage
from tests.running import Colophon
from tests.simulators import pictures, tampering

pytestmark = pytest.mark.browser
MARKUP = "<img src=x onerror=\"document.title='hit'\">"


def test_a_chinese_report_has_the_credit_line_in_chinese(new_page: NewPage, delivered: bytes) -> None:
    page = new_page(locale="zh-CN")
    verify(page, delivered)
    expect(page.locator("#glance .credit")).to_have_text(re.compile("使用 .* 风格生成.*并未创作或认可此图像。"))


def test_a_delivered_picture_is_told_to_be_unchanged_with_its_signer_and_its_credit(
    visitor: Page, delivered: bytes
) -> None:
    verify(visitor, delivered)
    expect(visitor.locator("#report-title")).to_be_focused()
    expect(visitor.locator("#report-title")).to_contain_text("Unchanged since")
    expect(visitor.locator("#summary")).to_have_attribute("data-state", "trusted")
    expect(visitor.locator("#checked")).to_be_visible()
    expect(visitor.locator("#glance")).to_contain_text("a development certificate")
    expect(visitor.locator("#glance")).to_contain_text("Yes, wholly, its credentials state.")
    expect(visitor.locator("#glance")).to_contain_text("Mira Halvorsen did not make or endorse this image.")
    expect(visitor.locator("#stated-facts")).to_contain_text("a heron")
    expect(visitor.locator("#recorded-facts")).to_contain_text("the file, byte for byte")
    assert result_of(visitor, "manifest.integrity").endswith("Passed")
    assert result_of(visitor, "timestamp").endswith("Not checked")
    expect(visitor.locator('[data-code="signer.trusted"]')).to_contain_text("as its own; nobody else vouches for it")


def test_a_changed_picture_is_told_to_be_changed(visitor: Page, delivered: bytes) -> None:
    verify(visitor, tampering.with_other_pixel(delivered))
    expect(visitor.locator("#summary")).to_have_attribute("data-state", "failed")
    expect(visitor.locator("#report-title")).to_contain_text("changed after they were signed")
    assert result_of(visitor, "manifest.integrity").endswith("Failed")
    expect(visitor.locator("#stated-note")).to_contain_text("do not rely on these statements")
    expect(visitor.locator(".step-who").first).to_contain_text(
        "signed these credentials; the file is not as it was then"
    )


@pytest.mark.parametrize(("locale", "told"), [("en", "These credentials state that"), ("zh-CN", "该签名无效")])
def test_a_history_under_a_broken_signature_says_only_whom_it_states(new_page: NewPage, locale: str, told: str) -> None:
    page = new_page(locale=locale)
    verify(page, tampering.with_broken_signature(foreign_picture()))
    expect(page.locator(".step-who")).to_contain_text(told)


def test_a_picture_whose_credentials_were_removed_is_found_by_its_pixels_and_never_called_false(
    visitor: Page, delivered: bytes
) -> None:
    verify(visitor, tampering.stripped(delivered))
    expect(visitor.locator("#summary")).to_have_attribute("data-state", "no_manifest")
    expect(visitor.locator("#report-title")).to_contain_text("carries no content credentials")
    expect(visitor.locator("#recorded-facts")).to_contain_text("its pixels, exactly")
    expect(visitor.locator("#glance")).to_contain_text("Mira Halvorsen did not make or endorse this image.")
    words = visitor.locator("#report").inner_text().lower()
    assert not [word for word in ("fake", "tampered", "authentic", "original") if word in words]


@pytest.mark.parametrize(("locale", "form"), [("en", "A later form of it"), ("zh-CN", "其后续版本")])
def test_a_copy_of_a_later_form_is_told_as_a_form_of_the_one_image(
    new_page: NewPage, cropped: tuple[str, bytes], locale: str, form: str
) -> None:
    image, file = cropped
    page = new_page(locale=locale)
    verify(page, tampering.stripped(file))
    recorded = page.locator("#recorded-facts")
    expect(recorded.locator("dt", has_text=form)).to_have_count(1)
    expect(recorded).to_contain_text("cropped" if locale == "en" else "裁剪")
    expect(recorded).to_contain_text(image)
    expect(recorded).to_contain_text(sha256_digest(file))


def test_every_field_that_file_and_record_state_can_be_read_side_by_side(visitor: Page, delivered: bytes) -> None:
    verify(visitor, delivered)
    check = visitor.locator('[data-code="record.agrees"]')
    check.locator("summary").click()
    row = check.locator("tr", has_text="Seed")
    values = row.locator("td").all_inner_texts()
    assert values[0] == values[1] != "" and values[2] == "yes"


def test_a_changed_ingredient_is_marked_in_the_history_of_a_picture_that_is_whole_itself(visitor: Page) -> None:
    parent = tampering.with_other_pixel(foreign_picture(number=1))
    verify(visitor, foreign_picture(number=2, inputs=pictures.over(parent)))
    expect(visitor.locator("#history-steps .step")).to_have_count(2)
    expect(visitor.locator("#history-steps .fault")).to_have_text(re.compile("changed before it was used"))
    first = visitor.locator("#checks .check").first
    assert first.get_attribute("data-code") == "ingredient"
    assert result_of(visitor, "manifest.integrity").endswith("Passed")


def test_a_delivered_picture_has_a_permanent_page_that_anyone_may_read(new_page: NewPage, delivered: bytes) -> None:
    digest = sha256_digest(delivered)
    page = new_page(width=390)
    page.goto(f"/provenance/{digest}")
    expect(page.locator("#report-title")).to_contain_text("Unchanged since")
    expect(page.locator("#stated-facts")).to_contain_text("a heron")
    expect(page.locator("#check")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_signer_whom_nobody_vouches_for_is_not_told_as_a_change(visitor: Page) -> None:
    verify(visitor, foreign_picture())
    expect(visitor.locator("#summary")).to_have_attribute("data-state", "untrusted")
    assert result_of(visitor, "signer.trusted").endswith("Not vouched for")
    expect(visitor.locator("#count")).to_contain_text("0 failed")
    expect(visitor.locator("#count")).to_contain_text("signer not vouched for")
    assert visitor.locator(".check.failed").count() == 0


def test_markup_in_a_strangers_manifest_and_file_name_stays_text(visitor: Page) -> None:
    data = foreign_picture(prompt=Prompt.public(MARKUP), title=MARKUP, signer=MARKUP[:60])
    verify(visitor, data, name="<b>bold</b>.png")
    expect(visitor.locator("#stated-facts")).to_contain_text(MARKUP)
    expect(visitor.locator("#checked-name")).to_have_text("<b>bold</b>.png")
    assert visitor.locator('img[src="x"]').count() == 0
    assert visitor.locator("#report b").count() == 0
    assert visitor.title() == "Verify a picture · Colophon"


def test_what_is_no_picture_is_said_to_be_none(visitor: Page) -> None:
    verify(visitor, b"hello", name="letter.txt")
    expect(visitor.locator("#summary")).to_have_attribute("data-state", "unreadable")
    expect(visitor.locator("#checked")).to_be_hidden()


def test_an_empty_file_is_told_without_asking_the_server(visitor: Page) -> None:
    visitor.goto("/verify")
    visitor.locator("#file").set_input_files({"name": "void.png", "mimeType": "image/png", "buffer": b""})
    expect(visitor.locator("#check-fault")).to_have_text("void.png is empty. Get the file again, then choose it.")
    expect(visitor.locator("#report")).to_be_hidden()


def test_a_dropped_picture_is_verified(visitor: Page, delivered: bytes) -> None:
    visitor.goto("/verify")
    drop = """(bytes) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([new Uint8Array(bytes)], "dropped.png", { type: "image/png" }));
        document.querySelector("#check").dispatchEvent(
            new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: transfer }));
    }"""
    visitor.evaluate(drop, list(delivered))
    expect(visitor.locator("#report-title")).to_contain_text("Unchanged since")
    expect(visitor.locator("#checked-name")).to_have_text("dropped.png")


def test_the_report_can_be_saved_as_the_api_gave_it(visitor: Page, delivered: bytes, tmp_path: Path) -> None:
    verify(visitor, delivered)
    visitor.locator(".expert > summary").click()
    with visitor.expect_download() as download:
        visitor.locator("#save").click()
    download.value.save_as(tmp_path / "verdict.json")
    assert json.loads((tmp_path / "verdict.json").read_text())["state"] == "trusted"


def test_ones_own_picture_that_the_address_names_is_fetched_and_named_by_its_type(
    artist: Page, site: Colophon, password: str
) -> None:
    digest = sha256_digest(made(site, password, output_format="jpeg"))
    artist.goto(f"/verify#{digest}")
    expect(artist.locator("#report-title")).to_contain_text("Unchanged since")
    expect(artist.locator("#checked-name")).to_have_text(f"colophon-{digest[7:15]}.jpg")


def test_a_strangers_delivered_picture_is_not_fetched_by_its_digest(visitor: Page, complaints: Complaints) -> None:
    complaints.expected = ("status of 401", "status of 404")
    visitor.goto(f"/verify#{pictures.digest('a')}")
    expect(visitor.locator("#check-fault")).to_contain_text("not yours to fetch")


def test_the_report_fits_a_narrow_screen(new_page: NewPage, delivered: bytes) -> None:
    page = new_page(width=320)
    verify(page, delivered)
    page.locator(".expert > summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_check_that_is_still_being_made_says_so_and_is_shown_once_it_was(new_page: NewPage, delivered: bytes) -> None:
    """Add to the site's own answer what it says where the operator's watermark needs torch."""
    href = "/api/v1/watermark-readings/3f0b2c1e-0000-4000-8000-000000000001"
    asked: list[int] = []
    seen: list[bool] = []
    done_at: list[int] = []
    sentence = {"en": "Still being read.", "zh-Hans": "正在读取。", "subject": ""}
    check = {"code": "record.watermark", "result": "pending", "evidence": {"href": href}, **sentence}
    read = {**check, "result": "not_checked", "en": "No watermark was read.", "zh-Hans": "未读到水印。", "evidence": {}}

    def verdict(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        route.fulfill(response=answer, json={**told, "checks": [*told["checks"], check]})

    def reading(route: Route) -> None:
        asked.append(1)
        is_done = len(asked) > 1 and bool(seen)
        if is_done:
            done_at.append(len(asked))
        state = "done" if is_done else "waiting"
        route.fulfill(json={"id": "x", "state": state, "check": read if is_done else check, "records": []})

    for locale, pending, done in (("en", "Still being checked", "No watermark"), ("zh-CN", "仍在核验", "未读到水印")):
        for heard in (asked, seen, done_at):
            heard.clear()
        page = new_page(locale=locale)
        page.route("**/api/v1/verifications", verdict)
        page.route(f"**{href}", reading)
        verify(page, delivered)
        expect(page.locator('.pending[data-code="record.watermark"] .result')).to_have_text(pending)
        seen.append(True)  # only now may it be done
        expect(page.locator('[data-code="record.watermark"]')).to_contain_text(done)
        assert page.locator(".pending").count() == 0 and done_at == [len(asked)], "nothing is asked once it is done"


def test_a_picture_found_by_a_later_check_is_reported_as_if_it_had_been_found_at_once(
    new_page: NewPage, delivered: bytes
) -> None:
    """What the site itself answers is what the later check finds; at first the picture looks like two others."""
    href, found = "/api/v1/watermark-readings/3f0b2c1e-0000-4000-8000-000000000002", {}
    seen: list[bool] = []
    check = {"code": "record.watermark", "subject": "", "en": "Being read.", "zh-Hans": "正在读取。"}
    pending = {**check, "result": "pending", "evidence": {"href": href}}
    nothing = {"result": "not_checked", "en": "Not known yet.", "zh-Hans": "尚未可知。", "evidence": {}}

    def verdict(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        of_records = [one for one in told["checks"] if one["code"].startswith(("record.", "dispute", "licence."))]
        found.update(state=told["state"], summary=told["summary"], checks=of_records, records=told["records"])
        codes = {one["code"] for one in of_records}
        before = [{**one, **nothing} if one["code"] in codes else one for one in told["checks"]]
        possible = [{**one, "is_possible": True, "layer": "fingerprint"} for one in told["records"] * 2]
        summary = {"en": "Nothing is known of it.", "zh-Hans": "对它一无所知。"}
        early = {**told, "state": "no_manifest", "summary": summary, "records": possible, "manifest": None}
        route.fulfill(response=answer, json={**early, "checks": [*before, pending]})

    def reading(route: Route) -> None:
        if not seen:  # the page may be looked at later than it asks
            route.fulfill(json={"id": "x", "state": "waiting", "check": pending, "records": [], "verdict": None})
            return
        later = {name: found[name] for name in ("state", "summary", "checks")}
        done = {**check, "result": "passed", "evidence": {}}
        route.fulfill(json={"id": "x", "state": "done", "check": done, "records": found["records"], "verdict": later})

    page = new_page(locale="en")
    page.route("**/api/v1/verifications", verdict)
    page.route(f"**{href}", reading)
    verify(page, delivered)
    expect(page.locator("#report-title")).to_have_text("Nothing is known of it.")
    seen.append(True)
    expect(page.locator("#report-title")).to_have_text(found["summary"]["en"])
    assert page.locator("#recorded-facts").get_by_text(found["records"][0]["image"][:12]).count() >= 1
    assert page.locator('[data-code="dispute"]').get_by_text("Not known yet.").count() == 0
    told = json.loads(page.locator("#raw").text_content() or "")
    assert told["records"] == found["records"] and told["state"] == found["state"]


def test_a_check_that_takes_too_long_is_shown_as_not_made_and_is_asked_for_no_more(
    new_page: NewPage, delivered: bytes
) -> None:
    """Let the page's timers run out at once, and its readings never come to an end."""
    href, asked = "/api/v1/watermark-readings/3f0b2c1e-0000-4000-8000-000000000003", []
    sentence = {"en": "Still being read.", "zh-Hans": "正在读取。", "subject": ""}
    check = {"code": "record.watermark", "result": "pending", "evidence": {"href": href}, **sentence}

    def verdict(route: Route) -> None:
        answer = route.fetch()
        told = answer.json()
        route.fulfill(response=answer, json={**told, "checks": [*told["checks"], check]})

    def reading(route: Route) -> None:
        asked.append(1)
        nothing = {"checks": [], "records": [], "verdict": None}
        route.fulfill(json={"id": "x", "state": "waiting", "check": check, **nothing})

    for locale, left, said in (("en", "Not checked", "has stopped asking"), ("zh-CN", "未核验", "已停止查询")):
        asked.clear()
        page = new_page(locale=locale)
        page.add_init_script("const later = setTimeout; window.setTimeout = (task, ms) => later(task, ms / 100);")
        page.route("**/api/v1/verifications", verdict)
        page.route(f"**{href}", reading)
        verify(page, delivered)
        expect(page.locator('[data-code="record.watermark"]')).to_contain_text(said)
        expect(page.locator('[data-code="record.watermark"] .result')).to_have_text(left)
        assert page.locator(".pending").count() == 0 and len(asked) == 60


@pytest.mark.parametrize(("width", "locale", "sure"), [(1280, "en-GB", "How sure"), (320, "zh-CN", "匹配程度")])
def test_how_sure_a_match_is_can_be_read_in_words_at_any_width(
    new_page: NewPage, delivered: bytes, width: int, locale: str, sure: str
) -> None:
    page = new_page(locale=locale, width=width)
    verify(page, lossy(delivered))
    fact = page.locator("#recorded-facts dt", has_text=sure).locator("+ dd")
    expect(fact).to_contain_text(re.compile("at most 1 in [0-9,]+ comes this close|至多每 [0-9,]+ 张中有 1 张"))
    page.evaluate("document.querySelectorAll('#report details').forEach((one) => (one.open = true))")
    evidence = page.locator('[data-code="record.found"] .evidence')
    terms = evidence.locator("dt").all_inner_texts()
    assert terms and not [term for term in terms if re.fullmatch("[a-z_]+", term)]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    widths = [box["width"] for one in evidence.locator("dd").all() if (box := one.bounding_box())]
    assert min(widths) >= 120


def test_a_chinese_report_says_settings_basis_and_training_in_chinese(new_page: NewPage, delivered: bytes) -> None:
    page = new_page(locale="zh-CN")
    verify(page, delivered)
    facts = page.locator("#stated-facts").inner_text()
    assert "64 × 64 像素" in facts and "3 步" in facts and "由文字生成" in facts
    assert "风格：Harbour Prints" in facts and "模型：" in facts
    left = ("style:", "model:", "guidance_scale", "batch_size", "text-to-image", "undisclosed")
    assert not [word for word in left if word in facts]
