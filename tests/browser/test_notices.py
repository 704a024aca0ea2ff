"""The make page tells what the model does not know of a prompt, while the picture comes and beside it."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.browser
LIST = re.compile(r"/api/v1/generations$")
RECORD = re.compile(r"/api/v1/generations/[0-9a-f-]{36}$")
NOTICE = {
    "code": "unknown-words",
    "en": "This model knows nothing of: pupy. Near words that it knows: pupy: puppy.",
    "zh-Hans": "该模型不认识：pupy。它认识的相近词：pupy：puppy。",
    "words": ["pupy"],
    "near": {"pupy": ["puppy"]},
}


def is_sent(route: Route) -> bool:
    return route.request.method == "POST"


def test_an_unknown_word_is_told_at_once_and_stays_beside_the_picture(artist: Page) -> None:
    held = [True]

    def with_notice(route: Route) -> None:
        response = route.fetch()
        record = {**response.json(), "notices": [NOTICE]}
        if held:  # the picture may be there sooner than the page can be looked at
            record["state"] = "queued"
        route.fulfill(response=response, body=json.dumps(record))

    artist.route(RECORD, with_notice)
    artist.route(LIST, lambda route: with_notice(route) if is_sent(route) else route.continue_())
    artist.locator("#prompt").fill("a pupy")
    artist.get_by_role("button", name="Make it").click()
    expect(artist.locator(".progress .notice")).to_have_text(NOTICE["en"])
    held.clear()
    expect(artist.locator("#download")).to_be_visible()
    expect(artist.locator(".colophon .notes")).to_contain_text(NOTICE["en"])
