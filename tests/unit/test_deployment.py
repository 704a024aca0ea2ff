"""The files for many machines: nothing unpinned, nothing unwatched, no secret with a default."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.environment import Environment
from tests.services import REPOSITORY

COMPOSE = REPOSITORY / "docker-compose.yml"
SECRETS = ("PASSWORD", "PASS", "SECRET", "ACCESS_KEY", "SECRET_KEY")


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return found


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def example() -> dict[str, str]:
    lines = (REPOSITORY / "deploy" / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"[A-Z]", line))


def test_every_part_of_the_system_has_its_service() -> None:
    assert services().keys() == {
        "postgresql", "rabbitmq", "objects", "prepare", "web", "render", "training", "housekeeping",
        "beat",
    }  # fmt: skip


@pytest.mark.parametrize("name", services())
def test_a_service_is_watched_and_its_image_pinned_to_a_version(name: str) -> None:
    service = services()[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert re.search(r":v?\d+\.\d+[\w.-]*$", service["image"]), service["image"]


def test_no_secret_has_a_default() -> None:
    for name, service in services().items():
        for variable, value in service.get("environment", {}).items():
            if variable.endswith(SECRETS) or "://" in str(value):
                for asked in re.findall(r"\$\{(\w+)(:?[-?]?)", str(value)):
                    assert asked[1] == ":?" or not asked[0].endswith(SECRETS), f"{name}: {variable}"
            if variable.endswith(SECRETS):
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), f"{name}: {variable} is written out"


def test_the_example_names_exactly_what_must_be_given() -> None:
    asked = set(re.findall(r"\$\{(\w+):\?", COMPOSE.read_text()))
    assert example().keys() == asked
    assert not any(example().values())


def test_colophon_runs_without_root_and_cannot_write_its_own_code() -> None:
    for name in ("prepare", "web", "render", "training", "housekeeping", "beat"):
        service = services()[name]
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    dockerfile = (REPOSITORY / "deploy" / "Dockerfile").read_text()
    assert re.findall(r"^USER (\w+)$", dockerfile, re.M) == ["colophon"]
    assert all(re.search(r":\d+\.\d+\.\d+", line) for line in re.findall(r"^FROM (\S+)", dockerfile, re.M))


def test_only_the_site_has_a_port_and_only_on_this_machine_unless_told_otherwise() -> None:
    assert [name for name, service in services().items() if service.get("ports")] == ["web"]
    assert services()["web"]["ports"] == ["${COLOPHON_BIND:-127.0.0.1:8000}:8000"]


@pytest.mark.parametrize("name", ["render", "training"])
def test_a_worker_that_computes_reserves_a_gpu(name: str) -> None:
    (device,) = services()[name]["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]


def test_every_setting_in_the_compose_file_is_one_that_colophon_reads() -> None:
    aliases = {
        alias for field in Environment.model_fields.values() for alias in field.validation_alias.choices  # type: ignore[union-attr]
    }  # fmt: skip
    assert set(services()["web"]["environment"]) <= aliases | {"COLOPHON_SECRET_KEY"}


def test_each_command_of_the_compose_file_is_one_that_the_entry_script_knows() -> None:
    script = (REPOSITORY / "deploy" / "start").read_text()
    known = set(re.findall(r"^  ([a-z]+)\)", script, re.M))
    ours = [service["command"] for service in services().values() if "build" in service]
    assert {command[0] for command in ours} == known


def test_the_entry_script_refuses_an_unknown_process_in_both_languages() -> None:
    done = subprocess.run(["sh", REPOSITORY / "deploy" / "start", "dance"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "housekeeping" in done.stderr and "请指定" in done.stderr


def test_the_dockerfile_copies_only_what_exists() -> None:
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", (REPOSITORY / "deploy" / "Dockerfile").read_text(), re.M):
        for source in sources.split():
            assert (REPOSITORY / source).exists(), source


def test_no_package_registry_is_named_anywhere_in_the_build() -> None:
    files = ["Makefile", "pyproject.toml", "constraints.txt", "deploy/Dockerfile", "docker-compose.yml", ".ci/run"]
    for name in files:
        text = (REPOSITORY / name).read_text()
        assert not re.search(r"index-url|find-links|pypi\.org|https?://[^ ]*/simple", text), name


def test_every_dependency_has_its_exact_version_in_the_constraints() -> None:
    pinned = {
        re.sub(r"[-_.]+", "-", line.split("==")[0]).lower()
        for line in (REPOSITORY / "constraints.txt").read_text().splitlines() if "==" in line
    }  # fmt: skip
    import tomllib

    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(each for extra in extras for each in extra)]
    names = {re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", each)[0]).lower() for each in wanted}
    assert names <= pinned, names - pinned


def test_docker_compose_accepts_the_file_once_every_secret_is_given(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    asked = [docker, "compose", "version"]
    if docker is None or subprocess.run(asked, capture_output=True, check=False).returncode:  # type: ignore[list-item]
        pytest.skip("docker compose is not here: install Docker with its compose plugin")
    secrets = {name: "x1" for name in example()}
    checked = [docker, "compose", "-f", str(COMPOSE), "config", "--quiet"]
    given = subprocess.run(checked, env={**os.environ, **secrets}, capture_output=True, text=True, check=False)
    assert given.returncode == 0, given.stderr
    bare = {name: value for name, value in os.environ.items() if name not in secrets}
    missing = subprocess.run(checked, env=bare, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert missing.returncode != 0
