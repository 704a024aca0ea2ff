"""Pictures to report on, and reports to read."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from uuid import uuid4

import httpx
from PIL import Image
from playwright.sync_api import Page, expect

from provenance.credentials.signing import pem_chain
from tests.running import Colophon, wait_until
from tests.simulators import certificates, pictures


def made(site: Colophon, password: str, **asked: object) -> bytes:
    """Ask for a picture over the API as the first artist, and return its file once it is delivered."""
    with httpx.Client(base_url=site.address, timeout=60, trust_env=False) as client:
        token = client.post("/api/v1/me/tokens", json={"account": "artist", "password": password}).json()["secret"]
        client.headers["Authorization"] = f"Bearer {token}"
        body = {
            "prompt": "a heron", "steps": 3, "width": 64, "height": 64, "references": [{"style": "harbour-prints"}],
            **asked,
        }  # fmt: skip
        begun = client.post("/api/v1/generations", json=body, headers={"Idempotency-Key": str(uuid4())}).json()
        address = f"/api/v1/generations/{begun['id']}"
        outputs = wait_until(lambda: client.get(address).json()["outputs"], what="the picture")
        return client.get(outputs[0]["links"]["file"]).content


def verify(page: Page, data: bytes, *, name: str = "picture.png") -> None:
    """Hand a file to the page that verifies, and wait for its report."""
    page.goto("/verify")
    page.locator("#file").set_input_files({"name": name, "mimeType": "image/png", "buffer": data})
    expect(page.locator("#report")).to_be_visible()


def result_of(page: Page, code: str) -> str:
    """Return what the report says came of a check."""
    return page.locator(f'[data-code="{code}"] .result').text_content() or ""  # folded away or not


def foreign_picture(**changes: object) -> bytes:
    """Return a picture signed by a stranger; changes go into what its manifest says."""
    now = datetime.now(UTC)
    chain = certificates.chain(now=now, name=str(changes.pop("signer", "Atelier signer")))
    key = pem_chain(chain_pem=chain.pem, key_pem=chain.key_pem(), root_pem=chain.root_pem, now=now)
    return pictures.signed(key, **changes).data


def lossy(data: bytes) -> bytes:
    """Return a picture as JPEG makes it, without its credentials: found by what it looks like alone."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(data)).convert("RGB").save(buffer, "JPEG", quality=60)
    return buffer.getvalue()
