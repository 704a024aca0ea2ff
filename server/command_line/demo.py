"""The demonstration: ask our own server for a picture over HTTP, keep what it gives, and check it as an outsider."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

from tqdm import tqdm

from server.command_line.errors import CommandLineError

SECONDS_TO_START = 180
SECONDS_TO_DRAW = 600
ENDED = {"done", "refused", "failed", "cancelled"}


class DemoFailed(CommandLineError):
    """One step of the demonstration did not come out."""

    code = "demo-failed"
    en = "The demonstration stopped at “{step}”: {reason}"
    zh = "演示在“{step}”处中止：{reason}"


class Server:
    """A Colophon of our own on a free port, spoken to over HTTP alone."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._token = ""

    def sign_in(self, *, account: str, password: str) -> None:
        """Exchange an account's password for a token."""
        body = {"name": "demo", "account": account, "password": password, "days": 1}
        self._token = json.loads(self.call("/api/v1/me/tokens", body=body))["secret"]

    def call(self, path: str, *, body: Any = None, timeout: float = 30) -> bytes:
        """Return what the server answers; raise DemoFailed with its sentence for a refusal."""
        with self.opened(path, body=body, timeout=timeout) as answer:
            return bytes(answer.read())

    @contextlib.contextmanager
    def opened(self, path: str, *, body: Any = None, timeout: float = 30) -> Iterator[Any]:
        """Yield an open answer of the server."""
        headers = {"Accept": "*/*", "Idempotency-Key": str(uuid4())}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data=data, headers=headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=timeout) as answer:
                yield answer
        except urllib.error.HTTPError as error:
            with error:
                raise DemoFailed(step=path, reason=_sentence(error.read())) from error
        except OSError as error:
            raise DemoFailed(step=path, reason=str(error)) from error


def _sentence(answer: bytes) -> str:
    with contextlib.suppress(ValueError, TypeError, KeyError):
        return str(json.loads(answer)["detail"])
    return answer[:200].decode(errors="replace")


@contextlib.contextmanager
def served(*, home: Path, root: Path) -> Iterator[Server]:
    """Start Colophon on a data folder, yield it once it is ready, and stop all of it at the end."""
    port = _free_port()
    log = home / "demo-server.log"
    home.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "COLOPHON_HOME": str(home), "COLOPHON_HOST": "127.0.0.1"}
    command = [sys.executable, str(root / "manage.py"), "up", "--port", str(port)]
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_until_ready(process, address=address, log=log)
        yield Server(address)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise DemoFailed(step="stop", reason=f"it did not stop; see {log}") from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(process: subprocess.Popen[bytes], *, address: str, log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + SECONDS_TO_START
    with tqdm(bar_format="{desc} {elapsed}", desc="  starting · 正在启动", leave=False) as bar:
        while time.monotonic() < until:
            if process.poll() is not None:
                raise DemoFailed(step="start", reason=log.read_text(errors="replace").strip()[-600:])
            with contextlib.suppress(OSError), opener.open(f"{address}/health/ready", timeout=2) as answer:
                if answer.status == 200 and b"Ctrl-C" in log.read_bytes():
                    return
            bar.update()
            time.sleep(0.2)
    raise DemoFailed(step="start", reason=f"it was not ready within {SECONDS_TO_START} s; see {log}")


def first_password(home: Path, *, account: str) -> str:
    """Return the password that the first start made for an account."""
    for line in (home / "accounts.txt").read_text().splitlines():
        name, _, password = line.partition(" ")
        if name == account:
            return password.strip()
    raise DemoFailed(step="accounts", reason=f"no account {account} in {home / 'accounts.txt'}")


def make_picture(server: Server, *, body: dict[str, Any]) -> dict[str, Any]:
    """Ask for a picture, show each step as it is drawn, and return the finished record."""
    record = json.loads(server.call("/api/v1/generations", body=body))
    path = f"/api/v1/generations/{record['id']}"
    with (
        tqdm(total=record["steps"], desc="  drawing · 正在绘制", unit="step", leave=False) as bar,
        server.opened(f"{path}/events", timeout=SECONDS_TO_DRAW) as events,
    ):
        for event in _events(events):
            bar.n = event.get("step", bar.n)
            bar.refresh()
            if event["state"] in ENDED:
                break
    finished: dict[str, Any] = json.loads(server.call(path))
    if finished["state"] != "done":
        fault = finished["fault"] or {}
        raise DemoFailed(step=finished["state"], reason=fault.get("en", "no picture came"))
    return finished


def _events(stream: Any) -> Iterator[dict[str, Any]]:
    for line in stream:
        if line.startswith(b"data: "):
            yield json.loads(line.removeprefix(b"data: "))


def keep(server: Server, *, record: dict[str, Any], out: Path) -> Path:
    """Save the picture, its record and the certificate to trust, and check the picture's digest."""
    output = record["outputs"][0]
    data = server.call(output["links"]["file"])
    if f"sha256:{hashlib.sha256(data).hexdigest()}" != output["digest"]:
        raise DemoFailed(step="download", reason="the picture is not the one that the record names")
    picture = out / "picture.png"
    picture.write_bytes(data)
    (out / "record.json").write_text(json.dumps(record, ensure_ascii=False, indent=2) + "\n")
    (out / "trust.pem").write_bytes(server.call("/api/v1/trust.pem"))
    return picture


def verified(picture: Path, *, root: Path, out: Path) -> str:
    """Return the outsider's verdict on a picture for a person, and save it as JSON; a failure ends the demo."""
    command = [
        sys.executable,
        "-m",
        "provenance.verification",
        str(picture),
        "--trust",
        str(out / "trust.pem"),
    ]
    told = subprocess.run(command, cwd=root, capture_output=True, text=True)
    as_json = subprocess.run([*command, "--json"], cwd=root, capture_output=True, text=True)
    (out / "verdict.json").write_text(as_json.stdout)
    if told.returncode != 0 or as_json.returncode != 0:
        raise DemoFailed(step="verify", reason=told.stdout + told.stderr)
    return told.stdout


def story(record: dict[str, Any]) -> str:
    """Return a finished record as a person enjoys reading it."""
    output = record["outputs"][0]
    model = record["model"]
    lines = [
        "  The colophon · 图记",
        "  ───────────────────",
        f"  shows      {record['prompt']}",
        f"  made with  {model['name']} ({model['licence']}; training set {model['training']})",
        f"  seed       {output['seed']}, {record['steps']} steps, {output['width']} × {output['height']}",
        f"  file       {output['digest']}",
        f"  manifest   {output['manifest_id']}",
        f"  log entry  {record['request_leaf']}",
        "",
        "  On what terms · 许可依据",
        "  ────────────────────────",
    ]
    for answer in record["decision"]["references"]:
        lines.append(
            f"  {answer['kind']:9}  {answer['name']}: {answer['basis']} {answer['licence']}".rstrip()
        )
        lines.extend(f"             · {duty['en']} {duty['zh-Hans']}" for duty in answer["duties"])
    for credit in record["credits"]:
        lines += [f"  credit     {credit['en']}", f"             {credit['zh-Hans']}"]
    return "\n".join(lines)
