"""What no log line says: the words of an exception, which may quote a prompt that its writer keeps private.

A log names an exception by its class and the places it came through, which is what a programmer needs first. Words are
kept of our own faults (their code) and of a database or a machine that is away (their first line). What Python itself
prints, of a thread that broke or a line that could not be written, is held to the same.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from types import TracebackType
from typing import Any

from django.db import InterfaceError, OperationalError

from provenance.errors import Fault

WITHHELD = "(words withheld)"
SPEAKING = (OSError, OperationalError, InterfaceError)
"""They tell of connections, files and locks, and quote no row."""
LONGEST = 300
SHORTEST = 3
"""A longer text than this is an exception's words where a message has it; a shorter one may be anything's."""
DEEPEST = 10
_ASYNCIOS_DETAILS = re.compile(r"[\n(<]")
_log = logging.getLogger(__name__)


def without_words(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put class and place where an exception stood, as a structlog processor."""
    error = _error_in(event.pop("exc_info", None))
    event.pop("stack_info", None)
    if error is not None:
        event["exception"] = [line for one in _chain(error) for line in _told(one)]
        event["event"] = _unquoted(str(event.get("event", "")), error)
    return event


class ArgumentFilter(logging.Filter):
    """Names exceptions among a message's arguments by class; leaves out what asyncio and Celery add of them as text."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record, and let it pass."""
        if isinstance(record.args, Mapping):
            words = {name: WITHHELD for name in ("exc", "traceback") if name in record.args}
            record.args = {**record.args, **words}
        elif isinstance(record.args, tuple):
            record.args = tuple(_name(one) if isinstance(one, BaseException) else one for one in record.args)
        if record.name == "asyncio" and "\n" in str(record.msg):  # of a task that broke it shows result and arguments
            record.msg = _ASYNCIOS_DETAILS.split(str(record.msg), maxsplit=1)[0].rstrip()
        return True


class Handler(logging.StreamHandler[Any]):
    """Writes log lines; of one that cannot be written it names the place, where Python would print its arguments."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Say whose line is missing, and why by class."""
        told = {"event": "a log line could not be written", "level": "error", "logger": record.name}
        told |= {"exception": _name(sys.exception() or LookupError()), "at": f"{record.pathname}:{record.lineno}"}
        with suppress(OSError, ValueError):  # nobody reads any more
            self.stream.write(json.dumps(told) + self.terminator)


def log_what_python_would_print() -> None:
    """Have what this process or a thread of it ends by logged as the rest is; hooks that others have set stay."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _process_ended
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _thread_ended
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _left_over


def take_over_loguru() -> None:
    """Have what packages log by loguru logged as the rest is; its own way shows the variables behind an exception."""
    if find_spec("loguru") is not None:
        loguru = import_module("loguru").logger
        loguru.remove()
        loguru.add(_passed_on, level=0, format="{message}", backtrace=False, diagnose=False)


def _passed_on(message: Any) -> None:
    record = message.record
    found = record["exception"]
    error = None if found is None else (found.type, found.value, found.traceback)
    logging.getLogger(record["name"]).log(record["level"].no, "%s", record["message"], exc_info=error)


def _process_ended(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        _log.critical("the process ends by an exception", exc_info=(kind, error, trace))


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    if not issubclass(ended.exc_type, SystemExit):
        _log.error("a thread ended by an exception", exc_info=ended.exc_value or ended.exc_type())


def _left_over(left: sys.UnraisableHookArgs) -> None:
    _log.error("an exception was ignored", exc_info=left.exc_value or left.exc_type())


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


def _unquoted(said: str, error: BaseException) -> str:
    """Return what was said without the words of the exceptions that it quotes."""
    words = {str(one) for one in _chain(error) if not isinstance(one, (Fault, *SPEAKING))}
    for quoted in sorted(words, key=len, reverse=True):  # an exception may quote its cause
        said = said.replace(quoted, WITHHELD) if len(quoted) > SHORTEST else said
    return said


def _name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _words(error: BaseException) -> str:
    if isinstance(error, Fault):
        return error.code
    if isinstance(error, SPEAKING):
        return (str(error).splitlines() or [""])[0][:LONGEST]
    return WITHHELD
