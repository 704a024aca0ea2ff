"""What no log line says: the words of an exception, which may quote a prompt that its writer keeps private.

A log names an exception by its class and the places it came through, which is what a programmer needs first. Words are
kept of our own faults (their code) and of a database or a machine that is away (their first line).
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from django.db import InterfaceError, OperationalError

from provenance.errors import Fault

WITHHELD = "(words withheld)"
SPEAKING = (OSError, OperationalError, InterfaceError)
"""They tell of connections, files and locks, and quote no row."""
LONGEST = 300
DEEPEST = 10


def without_words(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put class and place where an exception stood, as a structlog processor."""
    error = _error_in(event.pop("exc_info", None))
    event.pop("stack_info", None)
    if error is not None:
        event["exception"] = [line for one in _chain(error) for line in _told(one)]
    return event


class ArgumentFilter(logging.Filter):
    """Names exceptions among a message's arguments by their class; Celery hands over a failed task's words as text."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record, and let it pass."""
        if isinstance(record.args, Mapping):
            words = {name: WITHHELD for name in ("exc", "traceback") if name in record.args}
            record.args = {**record.args, **words}
        elif isinstance(record.args, tuple):
            record.args = tuple(_name(one) if isinstance(one, BaseException) else one for one in record.args)
        return True


def _error_in(exc_info: Any) -> BaseException | None:
    if exc_info is True:
        return sys.exception()
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple) and len(exc_info) == 3 and isinstance(exc_info[1], BaseException):
        return exc_info[1]
    return None


def _chain(error: BaseException) -> list[BaseException]:
    """Return an exception and what it came from, the first cause first."""
    found: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and len(found) < DEEPEST and one not in found:
        found.append(one)
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return found[::-1]


def _told(error: BaseException) -> Iterator[str]:
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"{frame.filename}:{frame.lineno} in {frame.name}"
    yield f"{_name(error)}: {_words(error)}"


def _name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _words(error: BaseException) -> str:
    if isinstance(error, Fault):
        return error.code
    if isinstance(error, SPEAKING):
        return (str(error).splitlines() or [""])[0][:LONGEST]
    return WITHHELD
