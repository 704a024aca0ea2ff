"""A real Chromium before a real Colophon, whose pictures take long enough to be watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, expect, sync_playwright

from provenance.canonical import sha256_digest
from tests import services
from tests.browser.reports import made
from tests.browser.visiting import Complaints, NewPage, sign_in
from tests.running import HELD, Colophon, manage

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 120_000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def site(run_folder: object) -> Iterator[Colophon]:
    """Have a Colophon run with slow steps and with styles to choose from."""
    home = services.open_run() / f"browser-{services.worker_name()}" / "data"
    running = Colophon(home, COLOPHON_NOISE_STEP_MS="60", COLOPHON_PIPELINE=HELD, COLOPHON_LEASE_SECONDS="30")
    try:
        running.start()
        done = manage(home, "shell", "-v", "0", "-c", "from tests.browser.seeding import seed; seed()")
        assert done.returncode == 0, done.stdout + done.stderr
        yield running
    finally:
        running.sweep()


@pytest.fixture(scope="session")
def password(site: Colophon) -> str:
    """Return the first artist's password, as a person finds it."""
    lines = (site.home / "accounts.txt").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith("artist "))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Have a headless Chromium, for one file's tests.

    Playwright keeps an event loop running in this thread: left open, it breaks the tests that come after it.
    """
    program = services.require_tool("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def delivered(site: Colophon, password: str) -> bytes:
    """Return a picture that this Colophon has delivered, asked for over its API."""
    return made(site, password)


@pytest.fixture(scope="module")
def cropped(site: Colophon, password: str, delivered: bytes) -> tuple[str, bytes]:
    """Return the digest of the delivered picture and the file of a part of it; another form was made beside it."""
    image = sha256_digest(delivered)
    with httpx.Client(base_url=site.address, timeout=60, trust_env=False) as client:
        token = client.post("/api/v1/me/tokens", json={"account": "artist", "password": password}).json()["secret"]
        client.headers["Authorization"] = f"Bearer {token}"
        client.post(f"/api/v1/images/{image}/renditions", json={"output_format": "webp"})
        box = {"left": 0, "top": 0, "width": 48, "height": 48}
        made = client.post(f"/api/v1/images/{image}/edits", json={"crop": box}).json()
        return image, client.get(made["links"]["file"]).content


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """Collect what the consoles say, and fail the test that made them complain."""
    heard = Complaints()
    yield heard
    assert heard.unexpected() == []


@pytest.fixture(scope="module")
def signed_in(chromium: Browser, site: Colophon, password: str) -> StorageState:
    """Return the cookies of the first artist, signed in once for one file's tests."""
    context = chromium.new_context(base_url=site.address, locale="en-GB")
    context.set_default_timeout(PATIENCE_MS)
    sign_in(context.new_page(), password)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def new_page(chromium: Browser, site: Colophon, complaints: Complaints) -> Iterator[NewPage]:
    """Open pages of a visitor of their own, in a language; their console is listened to."""
    contexts: list[BrowserContext] = []

    def opened(*, locale: str = "en-GB", width: int = 1280, state: StorageState | None = None) -> Page:
        context = chromium.new_context(
            base_url=site.address,
            locale=locale,
            viewport={"width": width, "height": 900},
            reduced_motion="reduce",
            storage_state=state,
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", complaints.hear)
        page.on("pageerror", lambda error: complaints.heard.append(str(error)))
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def let_go(site: Colophon) -> Iterator[Callable[[], None]]:
    """Have pictures stand still in the middle, to be looked at; return a function that lets them go on."""
    with site.holding() as go_on:
        yield go_on


@pytest.fixture
def visitor(new_page: NewPage) -> Page:
    """Return a page of somebody without an account."""
    return new_page()


@pytest.fixture
def artist(new_page: NewPage, signed_in: StorageState) -> Page:
    """Return the page that makes pictures, the first artist signed in."""
    page = new_page(state=signed_in)
    page.goto("/")
    return page


@pytest.fixture
def chinese_artist(new_page: NewPage, signed_in: StorageState) -> Page:
    """Return the page that makes pictures, the first artist signed in and reading Chinese."""
    page = new_page(locale="zh-CN", state=signed_in)
    page.goto("/")
    return page
