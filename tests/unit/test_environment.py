"""Settings from the environment: typed, with working defaults, and one sentence for each that is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from server.environment import LONGEST_SOCKET_FOLDER, Environment
from tests.services import REPOSITORY


def start(**variables: str) -> subprocess.CompletedProcess[str]:
    """Read the environment as every process of Colophon does when it starts."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COLOPHON_", "CELERY_")) and name != "DATABASE_URL"
    }
    code = "from server.environment import environment; print(repr(environment()))"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, env={**kept, **variables}, text=True, capture_output=True,
        check=False,
    )  # fmt: skip


def test_nothing_set_is_enough_to_start() -> None:
    done = start()
    assert done.returncode == 0 and "127.0.0.1" in done.stdout


def test_no_password_in_an_address_is_shown() -> None:
    done = start(
        DATABASE_URL="postgresql://colophon:open-sesame@127.0.0.1/colophon",
        CELERY_BROKER_URL="amqp://colophon:open-sesame@127.0.0.1//",
        COLOPHON_TIMESTAMP_URL="https://colophon:open-sesame@127.0.0.1/",
    )
    assert done.returncode == 0 and "sesame" not in done.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COLOPHON_PORT", "eighty"),
        ("COLOPHON_PORT", "0"),
        ("COLOPHON_PORT", "99999"),
        ("COLOPHON_DEBUG", "perhaps"),
        ("COLOPHON_TRUSTMARK_WEIGHTS", "/nowhere/trustmark"),
        ("COLOPHON_COMPACT_MANIFESTS", "smaller"),
        ("COLOPHON_LOG_LEVEL", "chatty"),
        ("COLOPHON_LEASE_SECONDS", "1"),
        ("COLOPHON_LEASE_SECONDS", "-3"),
        ("COLOPHON_MODEL_MEMORY_BYTES", "8 GB"),
        ("COLOPHON_PROXIES", "-1"),
        ("COLOPHON_WEB_PROCESSES", "0"),
        ("COLOPHON_REQUEST_RATE", "often"),
        ("COLOPHON_REQUEST_RATE", "0/min"),
        ("COLOPHON_VERIFY_RATE", "60"),
        ("COLOPHON_PUBLIC_URL", "colophon.example"),
        ("DATABASE_URL", "postgresql://localhost:port/x?nonsense"),
        ("COLOPHON_SIGNING_KEY", "/nowhere/key.pem"),
        ("COLOPHON_SIGNING_CERTIFICATES", "/nowhere/chain.pem"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_sentence_that_names_it(name: str, value: str) -> None:
    done = start(**{name: value})
    assert done.returncode == 1
    assert name in done.stderr and "设置有误" in done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_a_signing_key_without_its_certificates_is_not_silently_replaced(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text("")
    for name in ("COLOPHON_SIGNING_KEY", "COLOPHON_SIGNING_CERTIFICATES"):
        done = start(**{name: str(key)})
        assert done.returncode == 1 and "Traceback" not in done.stderr
        assert "COLOPHON_SIGNING_KEY" in done.stderr and "COLOPHON_SIGNING_CERTIFICATES" in done.stderr


def test_every_wrong_setting_is_named_at_once() -> None:
    done = start(COLOPHON_PORT="x", COLOPHON_PROXIES="x")
    assert "COLOPHON_PORT" in done.stderr and "COLOPHON_PROXIES" in done.stderr


def test_secrets_show_neither_in_a_fault_nor_in_the_settings() -> None:
    secret = "hunter2secret"
    done = start(COLOPHON_BUCKET_SECRET_KEY=secret, COLOPHON_SIGNING_KEY_PASSWORD=secret)
    assert done.returncode == 0 and secret not in done.stdout
    done = start(DATABASE_URL=f"postgresql://me:{secret}@localhost:port/x?nonsense")
    assert done.returncode == 1 and secret not in done.stderr


def test_a_variable_set_to_nothing_counts_as_not_set() -> None:
    names = ("DATABASE_URL", "CELERY_BROKER_URL", "COLOPHON_PORT", "COLOPHON_SIGNING_KEY", "COLOPHON_PUBLIC_URL")
    done = start(**dict.fromkeys(names, ""))
    assert done.returncode == 0, done.stderr
    assert done.stdout == start().stdout


def test_allowed_hosts_are_a_list_with_commas() -> None:
    done = start(COLOPHON_ALLOWED_HOSTS="colophon.example, www.colophon.example")
    assert done.returncode == 0, done.stderr
    assert "('colophon.example', 'www.colophon.example')" in done.stdout


def test_the_address_has_no_slash_at_its_end_and_names_a_log_that_has_not_begun(tmp_path: Path) -> None:
    environment = Environment(home=tmp_path, public_url="https://colophon.example/")
    assert environment.address == "https://colophon.example"
    assert environment.log_origin == "colophon.example/log"
    (tmp_path / "log.vkey").write_text("elsewhere.example/log+00000000+key")
    assert environment.log_origin == "elsewhere.example/log"


def test_without_an_own_database_colophon_starts_one() -> None:
    assert Environment(database_url=None).is_database_embedded
    assert not Environment(database_url="postgresql://db/colophon").is_database_embedded


def test_a_very_long_data_folder_still_has_a_socket_folder_that_fits(tmp_path: Path) -> None:
    short, long = Environment(home=Path("/x")), Environment(home=tmp_path / ("deep/" * 30))
    assert short.socket_folder == short.run_folder
    assert len(os.fsencode(long.socket_folder)) <= LONGEST_SOCKET_FOLDER
    assert long.socket_folder == Environment(home=tmp_path / ("deep/" * 30)).socket_folder


def test_everything_is_kept_under_one_folder(tmp_path: Path) -> None:
    environment = Environment(home=tmp_path)
    folders = ("database_folder", "files_folder", "keys_folder", "logs_folder", "run_folder")
    assert all(getattr(environment, name).parent == tmp_path for name in folders)
