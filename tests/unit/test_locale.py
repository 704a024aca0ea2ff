"""Every sentence of the pages has its Chinese, and what is compiled is what was written."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils.translation.template import templatize

SERVER = Path(__file__).resolve().parents[2] / "server"
FOLDER = SERVER / "locale" / "zh_Hans" / "LC_MESSAGES"
CALLS = {"_", "gettext", "gettext_lazy", "ngettext", "pgettext"}
ENTRY = re.compile(r'^(msgid|msgid_plural|msgstr(?:\[0\])?) ((?:"(?:[^"\\]|\\.)*"\s*)+)', re.MULTILINE)
PLACE = re.compile(r"%\(\w+\)s|\{\w+\}|</?\w+")
UNTRANSLATED = {"Colophon", "English", "中文", "UTC", "ODRL 2.2 (JSON-LD)", "RSL 1.0 (XML)", "CAWG, PLUS (JSON)"}
"""Names in templates that are the same in every language."""


def written() -> dict[str, str]:
    """Return the catalogue as it is written: the Chinese of each English sentence."""
    found: dict[str, str] = {}
    key = ""
    for kind, quoted in ENTRY.findall((FOLDER / "django.po").read_text()):
        text = "".join(ast.literal_eval(line) for line in re.findall(r'"(?:[^"\\]|\\.)*"', quoted))
        if kind == "msgid":
            key = text
        elif kind.startswith("msgstr"):
            found[key] = text
    found.pop("", None)
    return found


def compiled() -> dict[str, str]:
    """Return the catalogue as Django reads it."""
    with open(FOLDER / "django.mo", "rb") as file:
        catalogue = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]  # the only way to list it
    pairs = {key[0] if isinstance(key, tuple) else key: text for key, text in catalogue.items()}
    pairs.pop("", None)
    return pairs


def said_in_python(source: str) -> Iterator[str]:
    """Yield the sentences that are marked for translation in Python or in a templatized template."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def said_in_template(path: Path) -> Iterator[str]:
    """Yield the sentences that a template marks for translation."""
    for call in re.finditer(r"\b(?:n?gettext)\((u?'(?:[^'\\]|\\.)*'|u?\"(?:[^\"\\]|\\.)*\")", templatized(path)):
        yield ast.literal_eval(call[1])
    for call in re.finditer(r" _\((u?'(?:[^'\\]|\\.)*'|u?\"(?:[^\"\\]|\\.)*\")\)", templatized(path)):
        yield ast.literal_eval(call[1])


def templatized(path: Path) -> str:
    return templatize(path.read_text(), origin=str(path))


def templates() -> list[Path]:
    return sorted((SERVER / "web" / "templates").rglob("*.html"))


def every_sentence() -> set[str]:
    """Return every sentence that the pages and their scripts may say."""
    found = {sentence for path in templates() for sentence in said_in_template(path)}
    sources = [*(SERVER / "web").glob("*.py"), SERVER / "settings.py"]
    return found | {sentence for path in sources for sentence in said_in_python(path.read_text())}


def test_sentences_are_found_in_templates_and_in_python() -> None:
    found = every_sentence()
    assert {"Make a picture", "Verify", "Waiting for its turn…", "This account is closed."} <= found
    assert "Rests on %(works)s listed work." in found


def test_every_sentence_of_the_pages_has_its_chinese() -> None:
    catalogue = written()
    assert sorted(sentence for sentence in every_sentence() if not catalogue.get(sentence)) == []


def test_the_catalogue_holds_nothing_that_no_page_says() -> None:
    assert sorted(set(written()) - every_sentence()) == []


def test_the_compiled_catalogue_is_the_written_one() -> None:
    assert compiled() == written()


def test_a_translation_keeps_every_placeholder_and_tag() -> None:
    pairs = written().items()
    assert [en for en, zh in pairs if sorted(PLACE.findall(zh)) != sorted(PLACE.findall(en))] == []


@pytest.mark.parametrize("path", templates(), ids=lambda path: path.name)
def test_a_template_shows_no_words_that_are_not_marked_for_translation(path: Path) -> None:
    marked = r"{%\s*blocktranslate.*?endblocktranslate\s*%}|{%.*?%}|{{.*?}}"
    text = re.sub(marked, " ", path.read_text(), flags=re.DOTALL)
    shown = re.sub(r"<[^>]*>", "\n", text)
    words = {line.strip(" ·") for line in shown.splitlines()} - UNTRANSLATED - {""}
    assert words == set()


def test_the_scripts_ask_only_for_words_that_their_page_carries() -> None:
    from server.web import words

    scripts = SERVER / "web" / "static" / "web"
    known = {"verify": set(words.VERIFY), "make": set(words.MAKE), "licence": set(words.LICENCE)}
    verify_only = {"verify.js", "report.js", "glance.js", "recorded.js", "evidence.js"}
    shared = {"page.js", "api.js"}
    for path in scripts.glob("*.js"):
        asked = set(re.findall(r'\b(?:word|single)\("(\w+)"', path.read_text()))
        pages = ["verify"] if path.name in verify_only else [*known] if path.name in shared else ["make"]
        pages = ["licence"] if path.name == "licence.js" else pages
        for page in pages:
            assert asked - known[page] == set(), f"{path.name} on the {page} page"
