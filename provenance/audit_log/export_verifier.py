"""The verifier that goes into an export bundle: the offline check's parts, put together into one script.

The parts import nothing but the standard library and each other; what they import from each other is left out, since
in one file it is there already. A test runs the script with nothing else on Python's path.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

PARTS = ("findings", "ed25519", "notes", "openings", "comparing", "files", "command")
"""In the order in which they need each other."""
FIRST_LINES = '#!/usr/bin/env python3\n"""Checks an exported audit log offline; run it with --help."""\n'
GUARD = """import sys

if sys.version_info < (3, 11):
    sys.stderr.write("verify.py needs Python 3.11 or newer. verify.py 需要 Python 3.11 或更高版本。\\n")
    sys.exit(2)
"""
_OWN = "provenance.audit_log.offline"


def verifier() -> bytes:
    """Return the script as it stands in bundles as ``verify.py``."""
    folder = Path(__file__).with_name("offline")
    sources = [(folder / f"{part}.py").read_text("utf-8") for part in PARTS]
    script = FIRST_LINES + "from __future__ import annotations\n\n" + GUARD + "\n\n".join(map(_part, sources))
    return re.sub(r"\n{3,}", "\n\n\n", script).encode()


def _part(source: str) -> str:
    """Return a part without its imports from other parts."""
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and (node.module == "__future__" or (node.module or "").startswith(_OWN)):
            for at in range(node.lineno - 1, node.end_lineno or node.lineno):
                lines[at] = ""
    return "\n".join(lines) + "\n"
