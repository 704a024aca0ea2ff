"""What keeps strangers' text from becoming our script, and the pages from needing any other host."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from server.web.security import ContentSecurityPolicy

WEB = Path(__file__).resolve().parents[2] / "server" / "web"
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
FILES = sorted((WEB / "static").rglob("*.*"))


def policy_of(response: HttpResponse) -> dict[str, str]:
    answered = ContentSecurityPolicy(lambda request: response)(RequestFactory().get("/"))
    parts = (part.strip().partition(" ") for part in answered.headers["Content-Security-Policy"].split(";"))
    return {name: sources for name, _, sources in parts}


def test_only_our_own_scripts_and_styles_run() -> None:
    policy = policy_of(HttpResponse())
    assert policy["default-src"] == policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["object-src"] == policy["frame-ancestors"] == "'none'"


def test_a_stricter_policy_of_a_response_is_kept() -> None:
    response = HttpResponse(headers={"Content-Security-Policy": "sandbox"})
    assert list(policy_of(response)) == ["sandbox"]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_inline_script_style_or_handler(path: Path) -> None:
    text = path.read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", text) == []
    assert "|safe" not in text
    assert "autoescape off" not in text


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix == ".js"], ids=lambda path: path.name)
def test_a_script_never_turns_text_into_markup(path: Path) -> None:
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function|setHTML"
    assert re.findall(forbidden, path.read_text()) == []


@pytest.mark.parametrize("path", [*TEMPLATES, *FILES], ids=lambda path: path.name)
def test_a_page_needs_no_other_host(path: Path) -> None:
    addresses = re.findall(r"[\"'(`=]\s*((?:https?:)?//[\w.-]+\.[a-z]{2,})", path.read_text())
    assert [one for one in addresses if one != "http://www.w3.org"] == []
