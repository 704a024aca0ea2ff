"""The auditor on a running Colophon: its own workers reconcile and replay, and a dispute stops the next request."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from server.command_line.demo import DemoFailed, Server, first_password
from tests.factories.pictures import a_png
from tests.running import Colophon, wait_until

pytestmark = [pytest.mark.journey]


def signed_in(colophon: Colophon, account: str) -> Server:
    server = Server(colophon.address)
    server.sign_in(account=account, password=first_password(colophon.home, account=account))
    return server


def asked(server: Server, **more: Any) -> dict[str, Any]:
    body = {"prompt": "a red apple", "seeds": ["7"], "steps": 2, **more}
    return dict(json.loads(server.call("/api/v1/generations", body=body)))


def ended(server: Server, path: str, *states: str) -> dict[str, Any]:
    """Return what an address answers once its state is one of some."""
    return wait_until(
        lambda: next((one for one in [json.loads(server.call(path))] if one["state"] in states), None), what=path
    )


def test_the_housekeeping_worker_reconciles_what_a_running_system_holds(colophon: Colophon) -> None:
    artist, auditor = signed_in(colophon, "artist"), signed_in(colophon, "auditor")
    ended(artist, f"/api/v1/generations/{asked(artist)['id']}", "done")
    run = json.loads(auditor.call("/api/v1/audit/reconciliations", body={}))
    done = ended(auditor, f"/api/v1/audit/reconciliations/{run['id']}", "done", "failed")
    report = auditor.call(f"/api/v1/audit/reconciliations/{run['id']}/report").decode()
    assert (done["state"], done["differences"]) == ("done", 0), report


def test_the_render_worker_replays_a_picture_to_the_bit(colophon: Colophon) -> None:
    artist = signed_in(colophon, "artist")
    path = f"/api/v1/generations/{asked(artist)['id']}"
    ended(artist, path, "done")
    artist.call(f"{path}/replay", body={})
    told = wait_until(
        lambda: next(
            (one for one in json.loads(artist.call(f"{path}/replay"))["results"] if one["state"] in {"done", "failed"}),
            None,
        ),
        what="the replay",
    )
    assert (told["state"], told["result"]) == ("done", "exact"), told


def test_a_dispute_over_a_work_stops_the_next_request_and_lets_it_go_on_when_it_ends(colophon: Colophon) -> None:
    artist, auditor = signed_in(colophon, "artist"), signed_in(colophon, "auditor")
    work = _listed(artist)
    inputs = [{"role": "image", "work": work}]
    notice = {
        "subject_kind": "work", "subject": work, "ground": "mine", "name": "Zed", "contact": "z@example.org",
        "text": "I painted this.", "good_faith": True, "accurate": True,
    }  # fmt: skip
    given = json.loads(Server(colophon.address).call("/api/v1/disputes", body=notice))
    path = f"/api/v1/disputes/{given['id']}"
    ended(artist, f"/api/v1/generations/{asked(artist, inputs=inputs)['id']}", "done")
    auditor.call(f"{path}/assessment", body={"complete": True, "reason": "All is said."})
    with pytest.raises(DemoFailed, match="in dispute"):
        asked(artist, inputs=inputs)
    auditor.call(f"{path}/resolution", body={"upheld": False, "reason": "Not theirs."})
    ended(artist, f"/api/v1/generations/{asked(artist, inputs=inputs)['id']}", "done")


def _listed(artist: Server) -> str:
    """List a picture as the artist's own work, and return its id."""
    boundary = "a-boundary-of-our-own"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in (("title", "Wave"), ("rights_evidence", "painted by hand"))
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="wave.png"\r\n\r\n'.encode()
    data = b"".join([*parts, head, a_png(seed=31), f"\r\n--{boundary}--\r\n".encode()])
    headers = {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Authorization": f"Bearer {artist._token}",
    }
    request = urllib.request.Request(f"{artist.address}/api/v1/works", data=data, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(json.loads(answer.read())["id"])
