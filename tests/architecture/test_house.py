"""The house itself: imports point one way, files stay readable, every package and fault says what it is."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import shutil
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import generation
import provenance
import server
from provenance.errors import Fault
from tests.services import REPOSITORY

PACKAGES = ("server", "generation", "provenance")
MOST_LINES_A_FILE = 400
MOST_LINES_A_FUNCTION = 60
NEEDS_TORCH = "generation.pipelines.diffusers"


def sources(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in (REPOSITORY / folder).rglob("*.py")]
    return [path for path in found if "migrations" not in path.parts and "node_modules" not in path.parts]


def test_imports_point_the_way_that_the_design_gives() -> None:
    program = shutil.which("lint-imports") or shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("import-linter is not here: pip install import-linter")
    done = subprocess.run([program, "--no-cache"], cwd=REPOSITORY, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", sorted(REPOSITORY.glob("[sgp]*/**/__init__.py")), ids=lambda path: str(path.parent))
def test_every_package_says_in_a_sentence_what_it_is(path: Path) -> None:
    if {"migrations", "management", "commands"} & set(path.parts):
        assert not path.read_text().strip()
        return
    said = ast.get_docstring(ast.parse(path.read_text()))
    assert said and said.endswith("."), f"{path} has no docstring"


def test_no_package_of_provenance_imports_anything_at_its_top() -> None:
    for path in (REPOSITORY / "provenance").rglob("__init__.py"):
        if "migrations" not in path.parts:
            body = ast.parse(path.read_text()).body
            assert len(body) == 1, f"{path} has more than its docstring"


def test_no_file_grows_beyond_reading() -> None:
    counted = {path: len(path.read_text().splitlines()) for path in sources(*PACKAGES)}
    assert {str(path): lines for path, lines in counted.items() if lines > MOST_LINES_A_FILE} == {}


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{path}:{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


def test_no_function_grows_beyond_reading() -> None:
    every = (found for path in sources(*PACKAGES) for found in functions(path))
    long = {name: lines for name, lines in every if lines > MOST_LINES_A_FUNCTION}
    assert long == {}


def test_no_module_is_named_for_nothing() -> None:
    nameless = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert [path for path in sources(*PACKAGES, "tests") if path.stem in nameless] == []


def test_nothing_is_ever_unpickled() -> None:
    for path in sources(*PACKAGES):
        names = [
            name.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in [*node.names, ast.alias(getattr(node, "module", None) or "")]
        ]
        assert not {"pickle", "dill", "cloudpickle", "joblib"} & set(names), path


def faults() -> list[type[Fault]]:
    """Return every kind of fault in every module that loads without torch."""
    for package in (server, generation, provenance):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if module.name.endswith(".errors"):
                importlib.import_module(module.name)
    for name in ("generation.request", "provenance.actor", "provenance.picture", "provenance.audit_log.entry"):
        importlib.import_module(name)
    importlib.import_module("provenance.credentials.marking")
    importlib.import_module("provenance.credentials.manifest")
    found: list[type[Fault]] = []
    waiting = [Fault]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        found.append(kind)
    return [kind for kind in found if not kind.__name__.startswith("_") and not kind.__module__.startswith("tests")]


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def own(kind: type[Fault], name: str) -> bool:
    return name in vars(kind)


def test_every_fault_has_a_code_of_its_own() -> None:
    concrete = [kind for kind in faults() if own(kind, "en") or own(kind, "code")]
    assert len(concrete) > 40
    for kind in concrete:
        assert own(kind, "code") and own(kind, "en") and own(kind, "zh"), kind
        assert kind.code == kind.code.lower() and " " not in kind.code and "_" not in kind.code, kind
    codes = [kind.code for kind in concrete]
    assert sorted(codes) == sorted(set(codes))


@pytest.mark.parametrize("kind", faults(), ids=lambda kind: kind.__name__)
def test_every_fault_says_the_same_values_in_both_languages(kind: type[Fault]) -> None:
    # Values that end in a language's name carry that language's own words.
    english = {name.removesuffix("_en") for name in fields(kind.en)}
    chinese = {name.removesuffix("_zh") for name in fields(kind.zh)}
    assert english == chinese
    assert kind.en.rstrip().endswith((".", "}")) and kind.zh.rstrip().endswith(("。", "}")), kind
    assert any("\u4e00" <= character <= "\u9fff" for character in kind.zh) or fields(kind.zh), kind
    assert not any("\u4e00" <= character <= "\u9fff" for character in kind.en), kind


def test_every_fault_that_a_caller_can_meet_has_a_status() -> None:
    from server.api.errors import status_of

    met = ("generation.request", "generation.errors", "provenance.works", "provenance.picture")
    unmapped = {
        kind.code
        for kind in faults()
        if kind.__module__.startswith(met) and own(kind, "en") and status_of(kind.__new__(kind)) == 500
    }
    assert unmapped <= {"worker-lost", "worker-stopping", "internal-fault", "lease-lost", "cancelled"}
