"""What a prompt asks for that a model cannot hear: words it was never taught, words cut off, sizes not its own."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

MOST_WORDS = 12
"""Unknown words that are named; of more, their number is told."""
MOST_NEAR = 3
LEAST_LIKE = 0.72
"""Share of letters in order, by Ratcliff and Obershelp, from which two words are called near."""
LONGEST_QUOTE = 300
_LATIN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_CHINESE = re.compile(r"[\u3400-\u9fff]+")
_SILENT = {
    "en": "a an the of in on at to and or with by for from is are it its this that some one like as very no not "
    "picture image photo drawing illustration painting icon emoji sticker draw make show style styled please",
    "zh": "的 一 个 一个 一只 一张 一幅 一辆 一朵 一棵 一条 一匹 一头 一座 一颗 一把 一架 一艘 一片 一杯 一块 和 与 在 "
    "上 下 里 画 画一个 请 图 图片 图像 照片 插图 风格 样式 有 是 了 只 张 幅 条 匹 座 颗",
}
"""Words that say nothing about what is shown."""
_EVERYDAY = "小大头脸红的一色花"
"""Characters that two Chinese words may share without being about the same."""


@dataclass(frozen=True)
class Notice:
    """Something about a request that its sender should know; the picture is made all the same."""

    code: str
    en: str
    zh: str
    words: tuple[str, ...] = ()
    near: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as the API says it."""
        return {
            "code": self.code,
            "en": self.en,
            "zh-Hans": self.zh,
            "words": list(self.words),
            "near": {word: list(others) for word, others in self.near.items()},
        }


@dataclass(frozen=True)
class Known:
    """The words that a model was taught."""

    latin: frozenset[str]
    chinese: frozenset[str]
    things: frozenset[str]
    """Those words of either language that name something to be drawn."""
    hints: Mapping[str, tuple[str, ...]]
    """Words that it was not taught, and what it was taught that they are about."""


def known_words(vocabulary: Mapping[str, Any]) -> Known | None:
    """Return the words of a model's vocabulary; None where it lists none in a shape that is known."""
    rows = vocabulary.get("subjects") if isinstance(vocabulary, Mapping) else None
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) and row.get("en") for row in rows) or not rows:
        return None
    phrases = [str(phrase) for row in rows for phrase in _phrases(row)]
    besides = [str(word) for word in vocabulary.get("styles", ())]
    besides += [str(word) for name in ("colours", "counts") for pair in vocabulary.get(name, ()) for word in pair]
    hints: dict[str, tuple[str, ...]] = {}
    for row in rows:
        for language, words in dict(row.get("hints", {})).items():
            for word in words:
                hints[str(word).lower()] = (*hints.get(str(word).lower(), ()), str(row.get(language, row["en"])))
    for kin in dict(vocabulary.get("kin", {})).values():
        for word, others in kin.items():
            hints.setdefault(str(word).lower(), tuple(map(str, others)))
    everything = [*phrases, *besides, *_SILENT["en"].split(), *_SILENT["zh"].split()]
    things = [*_latin(phrases), *_chinese(phrases)]
    silent = {*_SILENT["en"].split(), *_SILENT["zh"].split(), *_latin(besides)}
    return Known(
        latin=frozenset(_latin(everything)),
        chinese=frozenset(_chinese(everything)),
        things=frozenset(things) - silent,
        hints=hints,
    )


def notices_about(
    prompt: str, *, known: Known | None, size: tuple[int, int], own_size: tuple[int, int], cut: str = ""
) -> list[Notice]:
    """Return what the sender of a prompt should know of what a model makes of it.

    ``cut`` is the end of the prompt that the model does not read. Of a model without a list of its words
    nothing is said about words or sizes.
    """
    found: list[Notice] = []
    if known:
        found += _about_words(prompt, known=known)
        if size != own_size:
            found.append(_about_size(size, own_size=own_size))
    if cut:
        found.append(_about_cut(cut))
    return found


def unknown_words(prompt: str, *, known: Known) -> list[str]:
    """Return the words of a prompt that a model was never taught, each once, in their order."""
    text = prompt.lower()
    unknown: list[tuple[int, str]] = []
    for run in _CHINESE.finditer(text):
        unknown += [(run.start() + at, word) for at, word in _unknown_chinese(run.group(), known.chinese)]
    for match in _LATIN.finditer(_CHINESE.sub(lambda run: " " * len(run.group()), text)):
        if not _is_known(match.group(), known.latin):
            unknown.append((match.start(), match.group()))
    return list(dict.fromkeys(word for _, word in sorted(unknown)))


def near_words(word: str, *, known: Known) -> tuple[str, ...]:
    """Return words that a model knows and that are spelt much like one, or that one is about."""
    spelt = difflib.get_close_matches(word, sorted(known.things), n=MOST_NEAR, cutoff=LEAST_LIKE)
    if _CHINESE.match(word):
        alike = set(word) - set(_EVERYDAY)
        spelt += [other for other in sorted(known.things) if _CHINESE.match(other) and set(other) & alike]
    return tuple(dict.fromkeys([*known.hints.get(word, ()), *spelt]))[:MOST_NEAR]


def words_cut(prompt: str, *, tokenizer: Path) -> str:
    """Return the end of a prompt that a text encoder does not read; empty where all is read or nothing can be said.

    ``tokenizer`` is the folder that holds tokenizer.json and its configuration.
    """
    file, config = tokenizer / "tokenizer.json", tokenizer / "tokenizer_config.json"
    try:
        stamp = (file.stat().st_mtime_ns, config.stat().st_mtime_ns)
        reader, room = _reader(str(file), str(config), stamp)
    except Exception:  # tokenizers raises nothing narrower for a file that it cannot read
        return ""
    if len(prompt.encode()) <= room:
        return ""
    offsets = reader.encode(prompt, add_special_tokens=False).offsets
    return prompt[offsets[room][0] :].strip() if len(offsets) > room else ""


@lru_cache(maxsize=4)
def _reader(file: str, config: str, stamp: tuple[int, int]) -> tuple[Any, int]:
    """Return a tokenizer and how many pieces of a prompt its model reads, besides the two that frame it."""
    from tokenizers import Tokenizer  # a Rust library: neither torch nor transformers come with it

    reader = Tokenizer.from_file(file)
    reader.no_truncation()
    reader.no_padding()
    return reader, int(json.loads(Path(config).read_text(encoding="utf-8"))["model_max_length"]) - 2


def _about_words(prompt: str, *, known: Known) -> list[Notice]:
    unknown = unknown_words(prompt, known=known)
    names_something = any(word in known.things for word in _said_in(prompt, known=known))
    if not unknown and names_something:
        return []
    named = tuple(unknown[:MOST_WORDS])
    near = {word: others for word in named if (others := near_words(word, known=known))}
    said_en = _listed(named, more=len(unknown) - len(named), joined=", ", rest=" and {} more")
    said_zh = _listed(named, more=len(unknown) - len(named), joined="、", rest="等另外 {} 个词")
    hints_en = "; ".join(f"{word}: {', '.join(others)}" for word, others in near.items())
    hints_zh = "；".join(f"{word}：{'、'.join(others)}" for word, others in near.items())
    en, zh = [], []
    if unknown:
        en.append(f"This model knows nothing of: {said_en}.")
        zh.append(f"该模型不认识：{said_zh}。")
    if not names_something:
        en.append("The prompt names nothing that it was taught, so nobody can say what the picture will show.")
        zh.append("提示词中没有它学过的事物，画面内容将难以预料。")
    if near:
        en.append(f"Near words that it knows: {hints_en}.")
        zh.append(f"它认识的相近词：{hints_zh}。")
    code = "unknown-words" if names_something else "nothing-known"
    return [Notice(code, " ".join(en), "".join(zh), named, near)]


def _about_size(size: tuple[int, int], *, own_size: tuple[int, int]) -> Notice:
    asked, own = f"{size[0]} × {size[1]}", f"{own_size[0]} × {own_size[1]}"
    return Notice(
        "size-not-its-own",
        f"This model was taught at {own} pixels. At {asked} it draws, but shapes may repeat or fall apart.",
        f"该模型在 {own} 像素下训练。以 {asked} 绘制时，形状可能重复或破碎。",
    )


def _about_cut(cut: str) -> Notice:
    quoted = cut if len(cut) <= LONGEST_QUOTE else cut[:LONGEST_QUOTE] + "…"
    return Notice(
        "prompt-cut",
        f"The prompt is longer than this model reads; it does not read: “{quoted}”.",
        f"提示词超出该模型的长度上限，以下内容不会被读取：“{quoted}”。",
        tuple(cut.split()[:MOST_WORDS]),
    )


def _listed(words: Sequence[str], *, more: int, joined: str, rest: str) -> str:
    return joined.join(words) + (rest.format(more) if more else "")


def _said_in(prompt: str, *, known: Known) -> list[str]:
    """Return the known words of a prompt, as the vocabulary has them."""
    text = prompt.lower()
    latin = [form for match in _LATIN.finditer(text) for form in _forms(match.group())]
    chinese = [word for run in _CHINESE.finditer(text) for word in _known_chinese(run.group(), known.chinese)]
    return [*latin, *chinese]


def _phrases(row: Mapping[str, Any]) -> list[Any]:
    named = row.get("names", {})
    return [row["en"], row.get("zh", ""), *row.get("synonyms", ()), *(named.values() if named else ())]


def _latin(phrases: Iterable[str]) -> list[str]:
    return [word for phrase in phrases for word in _LATIN.findall(_CHINESE.sub(" ", phrase.lower()))]


def _chinese(phrases: Iterable[str]) -> list[str]:
    return [run for phrase in phrases for run in _CHINESE.findall(phrase)]


def _is_known(word: str, known: frozenset[str]) -> bool:
    return any(form in known for form in _forms(word)) or all(part in known for part in re.split(r"['’-]", word))


def _forms(word: str) -> list[str]:
    """Return a word and what it may be the plural of."""
    forms = [word, word.removesuffix("'s").removesuffix("’s")]
    for ending, instead in (("s", ""), ("es", ""), ("ies", "y"), ("ves", "f")):
        if len(word) > len(ending) + 1 and word.endswith(ending):
            forms.append(word.removesuffix(ending) + instead)
    return forms


def _segments(run: str, known: frozenset[str]) -> list[tuple[int, str, bool]]:
    """Return the pieces of a run of Chinese: the longest known word at each place, or one character alone."""
    longest = max(map(len, known), default=1)
    pieces, at = [], 0
    while at < len(run):
        length = next((n for n in range(min(longest, len(run) - at), 0, -1) if run[at : at + n] in known), 0)
        pieces.append((at, run[at : at + max(length, 1)], bool(length)))
        at += max(length, 1)
    return pieces


def _known_chinese(run: str, known: frozenset[str]) -> list[str]:
    return [word for _, word, is_known in _segments(run, known) if is_known]


def _unknown_chinese(run: str, known: frozenset[str]) -> list[tuple[int, str]]:
    """Return the stretches of a run that no known word covers, each with its place."""
    found: list[tuple[int, str]] = []
    for at, piece, is_known in _segments(run, known):
        if is_known:
            continue
        if found and found[-1][0] + len(found[-1][1]) == at:
            found[-1] = (found[-1][0], found[-1][1] + piece)
        else:
            found.append((at, piece))
    return found
