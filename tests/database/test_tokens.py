"""Tokens: shown once, hashed at rest, refused once they are revoked or over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from server.accounts.models import Account, Token, account_with, make_token
from tests.factories.records import PASSWORD, an_artist, an_auditor
from tests.simulators.caller import Caller, is_problem

pytestmark = pytest.mark.django_db


def test_a_secret_is_nowhere_in_the_database() -> None:
    _, secret = make_token(account=an_artist(), name="laptop")
    with connection.cursor() as cursor:
        cursor.execute("SELECT token::text FROM accounts_token AS token")
        row = cursor.fetchone()[0]
    assert secret not in row and secret.removeprefix("colophon_") not in row
    assert Token.objects.get().digest == Token.digest_of(secret)


def test_every_secret_is_its_own_and_says_what_it_is() -> None:
    artist = an_artist()
    secrets = {make_token(account=artist, name="laptop")[1] for _ in range(3)}
    assert len(secrets) == 3 and all(secret.startswith("colophon_") and len(secret) > 50 for secret in secrets)


def test_a_secret_finds_its_account() -> None:
    artist = an_artist()
    _, secret = make_token(account=artist, name="laptop")
    assert account_with(secret) == artist
    assert Caller(artist).get("/api/v1/me").json() == {"id": str(artist.pk), "name": "mara", "roles": ["artist"]}


@pytest.mark.parametrize("secret", ["", "colophon_", "colophon_x", "\udc80"])
def test_another_secret_finds_nobody(secret: str) -> None:
    make_token(account=an_artist(), name="laptop")
    assert account_with(secret.encode("utf-8", "replace").decode()) is None


def test_an_expired_token_is_refused() -> None:
    artist = an_artist()
    _, secret = make_token(account=artist, name="old", expires_at=timezone.now() - timedelta(seconds=1))
    is_problem(Caller(Authorization=f"Bearer {secret}").get("/api/v1/me"), 401, "not-signed-in")


def test_a_token_of_a_closed_account_is_refused() -> None:
    artist = an_artist()
    caller = Caller(artist)
    Account.objects.update(is_active=False)
    is_problem(caller.get("/api/v1/me"), 401, "not-signed-in")


def test_a_revoked_token_is_refused_at_once() -> None:
    caller = Caller(an_artist())
    token = Token.objects.get()
    assert caller.delete(f"/api/v1/me/tokens/{token.pk}").status_code == 204
    is_problem(caller.get("/api/v1/me"), 401, "not-signed-in")


def test_nobody_revokes_another_accounts_token() -> None:
    victim = Caller(an_artist())
    token = Token.objects.get()
    is_problem(Caller(an_auditor()).delete(f"/api/v1/me/tokens/{token.pk}"), 404, "not-found")
    assert victim.get("/api/v1/me").status_code == 200


def test_a_token_is_made_with_name_and_password_and_shown_once() -> None:
    Account.objects.create_user("mara", PASSWORD)
    answer = Caller().post("/api/v1/me/tokens", {"account": "mara", "password": PASSWORD, "name": "laptop"})
    assert answer.status_code == 201
    caller = Caller(Authorization=f"Bearer {answer.json()['secret']}")
    (listed,) = caller.get("/api/v1/me/tokens").json()
    assert listed["name"] == "laptop" and "secret" not in listed and "digest" not in listed


@pytest.mark.parametrize(
    "body", [{"account": "mara", "password": "wrong"}, {"account": "nobody", "password": PASSWORD}, {}]
)
def test_without_the_right_password_no_token_is_made(body: dict[str, str]) -> None:
    Account.objects.create_user("mara", PASSWORD)
    is_problem(Caller().post("/api/v1/me/tokens", body), 401, "not-signed-in")
    assert not Token.objects.exists()


def test_a_wrong_name_and_a_wrong_password_are_told_the_same() -> None:
    Account.objects.create_user("mara", PASSWORD)
    answers = [
        Caller().post("/api/v1/me/tokens", {"account": name, "password": "wrong"}).content for name in ("mara", "x")
    ]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("scheme", ["Basic", "Token", "Bearerx", ""])
def test_another_scheme_is_no_sign_in(scheme: str) -> None:
    _, secret = make_token(account=an_artist(), name="laptop")
    answer = Caller(Authorization=f"{scheme} {secret}").get("/api/v1/me")
    is_problem(answer, 401, "not-signed-in")
    assert answer["WWW-Authenticate"] == "Bearer"
