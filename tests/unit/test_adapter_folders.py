"""Adapter folders: gone after use, and cleared at the next start where a killed process left one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from generation.pipelines import adapter_folders
from generation.pipelines.adapter_folders import PREFIX, adapter_folder, clear_abandoned_folders
from tests.services import REPOSITORY

HOLD = (
    "import sys\nfrom generation.pipelines.adapter_folders import adapter_folder\n"
    "with adapter_folder() as folder:\n    (folder / 'a.safetensors').write_bytes(b'x')\n"
    "    print(folder, flush=True); sys.stdin.readline()\n"
)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lend a temporary folder to this process and its children, in which every folder counts as old."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def aged(folder: Path) -> Path:
    then = time.time() - 10 * adapter_folders.YOUNGEST_SECONDS
    os.utime(folder, (then, then))
    return folder


def holding() -> tuple[subprocess.Popen[str], Path]:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD], cwd=REPOSITORY, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    return child, aged(Path(child.stdout.readline().strip()))


def test_a_folder_is_there_while_it_is_used_and_gone_afterwards(temporary: Path) -> None:
    with adapter_folder() as folder:
        assert folder.is_dir() and folder.parent == temporary
    assert list(temporary.iterdir()) == []


def test_a_killed_process_leaves_its_folder_and_the_next_start_clears_it(temporary: Path) -> None:
    child, folder = holding()
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=30)
    assert folder.is_dir(), "the kill left it"
    assert clear_abandoned_folders() == 1 and list(temporary.iterdir()) == []


def test_a_living_process_keeps_its_folder() -> None:
    child, folder = holding()
    try:
        assert clear_abandoned_folders() == 0 and (folder / "a.safetensors").is_file()
    finally:
        child.communicate("\n", timeout=30)
    assert not folder.exists()


def test_only_old_folders_of_this_name_are_cleared(temporary: Path) -> None:
    young, other = temporary / f"{PREFIX}young", temporary / "others"
    young.mkdir(), other.mkdir()
    link = temporary / f"{PREFIX}link"
    link.symlink_to(aged(other))
    assert clear_abandoned_folders() == 0 and young.is_dir() and other.is_dir() and link.is_symlink()
