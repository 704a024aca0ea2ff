"""``python -m provenance.verification FILE``: what is true about a picture, said offline to anyone who asks.

Exit codes: 0 trusted and every ingredient intact; 4 intact, but the signer is not trusted; 1 something fails;
2 no content credentials here; 3 not readable as a picture; 64 the command itself was wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import stat
import sys
from pathlib import Path
from typing import NoReturn

from provenance.credentials.reading import LARGEST_FILE, LARGEST_STORE
from provenance.errors import Fault, ProvenanceError
from provenance.verification.plain_text import plain_text
from provenance.verification.printing import printed
from provenance.verification.trust import NOBODY, Trust, TrustUnreadable, trust_in
from provenance.verification.verify import verify

WRONG_USE = 64
"""EX_USAGE of sysexits.h; 2, argparse's own choice, means "no content credentials" here."""
UNREADABLE = 3
LARGEST_TRUST = 4 * 2**20


class FileUnreadable(ProvenanceError):
    """The file cannot be opened or read at all."""

    code = "file-unreadable"
    en = "{path} cannot be read: {reason}."
    zh = "无法读取 {path}：{reason}。"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(WRONG_USE, f"{self.prog}: {plain_text(message)}\n")


def main(arguments: list[str] | None = None) -> int:
    """Print the verdict on one file and return the exit code."""
    chosen = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        trust = _trust(chosen.trust, chosen.trust_timestamps) if chosen.trust or chosen.trust_timestamps else NOBODY
    except Fault as fault:
        return _refused(fault, chosen.lang, WRONG_USE)
    try:
        # One byte more than is ever read, so that a file too large is told from one just large enough.
        store = _bytes_of(chosen.manifest, LARGEST_STORE + 1) if chosen.manifest else None
        verdict = verify(_bytes_of(chosen.file, LARGEST_FILE + 1), trust=trust, store=store)
    except FileUnreadable as fault:
        return _refused(fault, chosen.lang, UNREADABLE)
    except Fault as fault:
        return _refused(fault, chosen.lang, WRONG_USE)
    if chosen.json:
        print(json.dumps(verdict.as_json(), ensure_ascii=False, indent=2))
    else:
        is_coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        name = Path(chosen.file).name or chosen.file
        print(printed(verdict, name=name, language=chosen.lang, is_coloured=is_coloured), end="")
    return verdict.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m provenance.verification", description="Say what is true about a picture, offline.")
    parser.add_argument("file", metavar="FILE", help="a PNG, JPEG, WebP or AVIF picture; - reads standard input")
    parser.add_argument("--manifest", metavar="C2PA", help="a manifest store that is kept beside the picture")
    parser.add_argument("--json", action="store_true", help="print the whole verdict as JSON")
    parser.add_argument("--trust", metavar="PEM", help="a file with the root certificates of signers that you trust")
    parser.add_argument("--trust-timestamps", metavar="PEM", help="likewise of timestamp authorities that you trust")
    parser.add_argument("--lang", choices=["en", "zh-Hans"], default="en", help="language of the sentences")
    return parser


def _trust(signers: str | None, timestamps: str | None) -> Trust:
    try:
        texts = [_bytes_of(path, LARGEST_TRUST).decode() if path else None for path in (signers, timestamps)]
    except UnicodeDecodeError as error:
        raise TrustUnreadable() from error
    return trust_in(texts[0], timestamps_pem=texts[1])


def _bytes_of(path: str, most: int) -> bytes:
    """Return at most so many bytes of a file or pipe; a pipe that nobody writes to is empty, not a wait."""
    if path == "-":
        return sys.stdin.buffer.read(most)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                raise FileUnreadable(path=plain_text(path), reason="it is a folder")
            os.set_blocking(descriptor, True)
            return file.read(most)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "its name is not valid"
        raise FileUnreadable(path=plain_text(path), reason=reason) from error


def _refused(fault: Fault, language: str, code: int) -> int:
    print(plain_text(fault.said(language)), file=sys.stderr)
    return code


def _run() -> int:
    try:
        code = main()
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The reader had seen enough; what follows at exit must not complain about it either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(_run())
