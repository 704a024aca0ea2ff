"""Both pages in both languages."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visiting import Complaints, NewPage
from tests.simulators.pictures import picture

pytestmark = pytest.mark.browser
ENGLISH = re.compile(r"[A-Za-z]{2,}(?:[ ,'][A-Za-z]+){2,}")
"""Three English words in a row: names of formats, licences and people have fewer."""
NAMES = ("Make pictures that", "Harbour Prints", "Salt Paper", "Mira Halvorsen", "Tomas Okafor", "document.title")


def english_in(page: Page, place: str = "body") -> list[str]:
    text = page.locator(place).inner_text()
    return [found for found in ENGLISH.findall(text) if not any(name in found for name in NAMES)]


def test_the_english_pattern_finds_english() -> None:
    assert ENGLISH.findall("请 Try again later 重试") == ["Try again later"]


def test_a_chinese_reader_is_asked_to_sign_in_in_chinese(new_page: NewPage) -> None:
    page = new_page(locale="zh-CN")
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(page.locator("h1")).to_have_text("登录")
    assert english_in(page) == []


def test_a_picture_is_made_in_chinese(chinese_artist: Page) -> None:
    page = chinese_artist
    page.locator("#more > summary").click()
    for name, value in {"steps": "8", "width": "64", "height": "64"}.items():
        page.locator(f"#{name}").fill(value)
    page.locator("[name=style][value=harbour-prints]").check()
    assert english_in(page, "form.order") == []
    page.locator("#prompt").fill("一只狐狸")
    page.locator("#submit").click()
    expect(page.locator("#download")).to_have_text("下载")
    page.locator(".particulars > summary").click()
    expect(page.locator(".colophon .credit")).to_contain_text("并未创作或认可此图像")
    assert english_in(page, ".colophon") == []


def test_a_refusal_is_read_in_chinese(chinese_artist: Page, complaints: Complaints) -> None:
    complaints.expected = ("status of 403",)
    page = chinese_artist
    page.locator("#prompt").fill("海港")
    page.locator("details.barred > summary").click()
    page.locator("[name=style][value=salt-paper]").check()
    page.locator("#submit").click()
    expect(page.locator(".refused")).to_contain_text("没有开放许可")
    assert english_in(page, "#plate") == []


def test_a_wrong_number_is_told_in_chinese(chinese_artist: Page, complaints: Complaints) -> None:
    complaints.expected = ("status of 422",)
    page = chinese_artist
    page.locator("#prompt").fill("海港")
    page.locator("#more > summary").click()
    page.locator("#width").fill("37")
    page.locator("#submit").click()
    expect(page.locator("#width-fault")).to_have_text(re.compile(r"^必须是 \d+ 的倍数"))


def test_a_report_is_read_in_chinese(new_page: NewPage) -> None:
    page = new_page(locale="zh-CN")
    page.goto("/verify")
    page.locator("#file").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": picture()})
    expect(page.locator("#report-title")).to_contain_text("此图片不带内容凭证")
    assert english_in(page) == []


def test_the_language_is_switched_and_kept(visitor: Page) -> None:
    visitor.goto("/verify")
    visitor.get_by_role("button", name="中文").click()
    expect(visitor.locator("h1")).to_have_text("核验图片")
    visitor.reload()
    expect(visitor.locator("h1")).to_have_text("核验图片")
    visitor.get_by_role("button", name="English").click()
    expect(visitor.locator("h1")).to_have_text("Verify a picture")


def test_a_prompt_that_was_begun_survives_a_change_of_language(artist: Page) -> None:
    artist.locator("#prompt").fill("a half-written")
    artist.get_by_role("button", name="中文").click()
    expect(artist.locator("#prompt")).to_have_value("a half-written")
