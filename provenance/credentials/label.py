"""The visible label that a picture is generated: where it stands and what it says.

GB 45438-2025, 4.2: at an edge or corner, and the words say both "AI" (人工智能) and "generated" (生成).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Position = Literal["top-left", "top", "top-right", "bottom-left", "bottom", "bottom-right"]
LabelLanguage = Literal["en", "zh", "both"]

POSITIONS: tuple[Position, ...] = get_args(Position)
LINES: dict[LabelLanguage, tuple[str, ...]] = {
    "en": ("AI-generated",),
    "zh": ("人工智能生成",),
    "both": ("AI-generated", "人工智能生成"),
}


@dataclass(frozen=True)
class VisibleLabel:
    """Where the label stands and what it says."""

    position: Position = "bottom-right"
    language: LabelLanguage = "both"

    @property
    def text(self) -> str:
        """Return the label's words in one line."""
        return " ".join(LINES[self.language])

    def as_json(self) -> dict[str, str]:
        """Return the label as a request's record keeps it."""
        return {"position": self.position, "language": self.language}

    @classmethod
    def parse(cls, text: str) -> VisibleLabel:
        """Return the label that an operator wrote as ``position/language``; raise ValueError for another text."""
        position, _, language = text.partition("/")
        if position not in POSITIONS or language not in LINES:
            raise ValueError(f"a label is a position ({', '.join(POSITIONS)}), a slash, and en, zh or both")
        return cls(position, language)
