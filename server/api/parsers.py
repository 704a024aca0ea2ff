"""What comes in and what goes out: strict UTF-8 JSON, and an answer in the one form that an address has."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser

from provenance.canonical import canonical_json, sha256_digest

LARGEST_BODY = 256 * 1024
MOST_DIGITS = 40


class StrictJSONParser(BaseParser):
    """Parses at most 256 KiB of UTF-8 JSON; refuses what two readers could understand differently."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the parsed body; raise ParseError with one sentence otherwise."""
        data = stream.read(LARGEST_BODY + 1)
        if len(data) > LARGEST_BODY:
            raise ParseError("The body is larger than 256 KiB.")
        try:
            body = json.loads(
                data.decode("utf-8"),
                object_pairs_hook=_once,
                parse_constant=_no_constant,
                parse_int=_integer,
                parse_float=_finite,
            )
            json.dumps(body, ensure_ascii=False).encode("utf-8")  # an escaped half of a character is no text
            return body
        except UnicodeError as error:
            raise ParseError("The body is not valid UTF-8.") from error
        except (ValueError, RecursionError) as error:
            raise ParseError(f"The body is not valid JSON: {error}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key occurs twice")
    return values


def _integer(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"an integer has more than {MOST_DIGITS} digits")
    return int(digits)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


class OneForm(BaseContentNegotiation):
    """Answers as documented whatever is asked for: an EventSource accepts only event streams, also of a 404."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        """Return the first parser that reads the body's media type, or its kind (``image/*``)."""
        sent = request.content_type.partition(";")[0].strip().lower()
        return next((parser for parser in parsers if fnmatchcase(sent, parser.media_type)), None)

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        """Return the address's first renderer."""
        return renderers[0], renderers[0].media_type


def digest_of_body(body: Any) -> str:
    """Return the digest of a body's one canonical form, in which large integers are text."""
    return sha256_digest(canonical_json(_canonical(body)))


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value
