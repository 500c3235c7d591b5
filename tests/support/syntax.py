"""The syntax of source files, parsed once for all tests of a process that read it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Return every node of a file, as ``ast.walk`` yields them; they are shared, so no test changes one."""
    return tuple(ast.walk(ast.parse(path.read_bytes())))
