"""Signing in: the right password, the wrong one, and too many tries."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client, RequestFactory
from pytest_django import Settings

from server.accounts.models import Account
from server.web.sign_in import MOST_TRIES_A_MINUTE
from server.web.tries import address_of

PASSWORD = "a long password"


@pytest.fixture(autouse=True)
def static_files(tmp_path: Path, settings: Settings) -> None:
    settings.STATIC_ROOT = tmp_path  # the server's own start collects them; WhiteNoise warns where there are none


@pytest.fixture(autouse=True)
def quick_hashes(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def tried(client: Client, name: str, password: str) -> int:
    return client.post("/sign-in", {"username": name, "password": password}).status_code


@pytest.mark.django_db
def test_the_right_password_opens_the_page_that_was_asked_for() -> None:
    Account.objects.create_user("ana", PASSWORD)
    client = Client()
    assert client.get("/").headers["Location"] == "/sign-in?next=/"
    assert tried(client, "ana", PASSWORD) == 302
    assert client.get("/").status_code == 200


@pytest.mark.django_db
def test_nobody_is_sent_to_another_site_after_signing_in() -> None:
    Account.objects.create_user("ana", PASSWORD)
    answer = Client().post("/sign-in", {"username": "ana", "password": PASSWORD, "next": "https://elsewhere.example/"})
    assert answer.headers["Location"] == "/"


@pytest.mark.django_db
def test_an_unknown_name_and_a_wrong_password_are_answered_alike() -> None:
    Account.objects.create_user("ana", PASSWORD)
    pages = [
        Client().post("/sign-in", {"username": name, "password": "wrong"}).content.decode() for name in ("ana", "bob")
    ]
    assert all("No account has this name with this password." in page for page in pages)


@pytest.mark.django_db
def test_even_the_right_password_has_to_wait_after_too_many_tries_for_one_name() -> None:
    Account.objects.create_user("ana", PASSWORD)
    statuses = [
        Client(REMOTE_ADDR=f"192.0.2.{number}").post("/sign-in", {"username": "ana", "password": "wrong"}).status_code
        for number in range(MOST_TRIES_A_MINUTE)
    ]
    refused = Client(REMOTE_ADDR="192.0.2.250").post("/sign-in", {"username": "Ana", "password": PASSWORD})
    assert set(statuses) == {200}
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "60"
    assert "Wait a minute" in refused.content.decode()


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (2, "6.6.6.6, 198.51.100.1, 203.0.113.9", "198.51.100.1"),
    ],
)
def test_an_address_is_seen_through_the_named_proxies_only(
    settings: Settings, proxies: int, forwarded: str, address: str
) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": proxies}
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    assert address_of(RequestFactory().post("/sign-in", headers=headers)) == address
