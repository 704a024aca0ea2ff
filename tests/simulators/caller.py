"""A program that calls the API as its users' programs do: JSON in, JSON out, a bearer token."""

from __future__ import annotations

import json
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from server.accounts.models import Account, make_token


class Caller:
    """Calls on behalf of an account, or of nobody."""

    def __init__(self, account: Account | None = None, **headers: str) -> None:
        self.account = account
        self._client = Client(raise_request_exception=True)
        self._headers = dict(headers)
        if account is not None:
            self._headers["Authorization"] = f"Bearer {make_token(account=account, name='tests')[1]}"

    def get(self, path: str, **headers: str) -> HttpResponse:
        """Read an address."""
        return self._client.get(path, headers={**self._headers, **headers})  # type: ignore[return-value]  # Django's own

    def delete(self, path: str) -> HttpResponse:
        """Delete what is at an address."""
        return self._client.delete(path, headers=self._headers)  # type: ignore[return-value]  # Django's own

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        """Send a JSON body, or bytes as they are."""
        data = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        return self._client.post(  # type: ignore[return-value]  # Django's own
            path, data=data, content_type="application/json", headers={**self._headers, **headers}
        )

    def upload(self, path: str, data: bytes, *, name: str = "picture.png", **fields: Any) -> HttpResponse:
        """Send a file in a form, with what else it holds."""
        file = SimpleUploadedFile(name, data, content_type="image/png")
        return self._client.post(path, data={"file": file, **fields}, headers=self._headers)  # type: ignore[return-value]

    def pages(self, path: str) -> list[dict[str, Any]]:
        """Return the results of every cursor page, in order."""
        found: list[dict[str, Any]] = []
        address: str | None = path
        while address:
            page = self.get(address).json()
            found += page["results"]
            address = page["next"]
        return found


def is_problem(response: HttpResponse, status: int, code: str) -> dict[str, Any]:
    """Return the problem details of an answer, which say their code and a sentence in both languages."""
    assert response.status_code == status, (response.status_code, response.content[:500])
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status and body["code"] == code and body["type"] == f"/problems/{code}", body
    assert body["title"] and body["detail"] in body["said"].values()
    assert body["said"].keys() == {"en", "zh-Hans"} and all(body["said"].values())
    assert body["said"]["en"] != body["said"]["zh-Hans"]
    return body
