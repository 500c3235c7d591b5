"""A griffe extension for docstrings: Sphinx roles become links, literal blocks become code blocks.

``:meth:`list_assets``` becomes ``[`list_assets`][list_assets]``. mkdocstrings looks the name up in the scope of the
docstring, or, where it is dotted, among all documented objects; a name that is not there fails the build.
"""

from __future__ import annotations

import builtins
import re
from typing import Any

from griffe import Extension, Object

ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):`(~?)([\w.]+)`")

LITERAL_BLOCK = re.compile(r"(?m)(\S?)::$")


class Roles(Extension):  # type: ignore[misc]
    """Rewrites the docstring of every object that griffe loads to Markdown."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite one docstring."""
        if obj.docstring is not None:
            text = LITERAL_BLOCK.sub(lambda mark: mark[1] and f"{mark[1]}:", obj.docstring.value)
            obj.docstring.value = ROLE.sub(_link, text)


def _link(role: re.Match[str]) -> str:
    short, name = role.groups()
    shown = f"`{name.rpartition('.')[2] if short else name}`"
    # Python's own objects have no page here.
    return shown if hasattr(builtins, name) else f"[{shown}][{name}]"
