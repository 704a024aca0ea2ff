"""Visitors of the pages: how they sign in, and what their consoles say."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import ConsoleMessage, Page

NewPage = Callable[..., Page]
"""Opens a page of a visitor of their own; takes ``locale``, ``width`` and the ``state`` of somebody signed in."""


class Complaints:
    """What a page's console complained of; a test names beforehand what it means to provoke."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.expected: tuple[str, ...] = ()

    def hear(self, message: ConsoleMessage) -> None:
        """Keep an error or a warning, among them every violation of the content security policy."""
        if message.type in {"error", "warning"}:
            self.heard.append(f"{message.text} ({message.location.get('url', '')})")

    def unexpected(self) -> list[str]:
        """Return the complaints that no test asked for."""
        return [one for one in self.heard if not any(words in one for words in self.expected)]


def sign_in(page: Page, password: str) -> Page:
    """Sign the first artist in; return the page, now the one that makes pictures."""
    page.goto("/")
    page.locator("[name=username]").fill("artist")
    page.locator("[name=password]").fill(password)
    page.locator("form.stack button").click()
    page.wait_for_url(re.compile(r"//[^/]+/$"))  # and not /sign-in?next=/, which ends in a slash too
    return page
