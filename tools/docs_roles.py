"""A griffe extension: the Sphinx roles of docstrings become links, and links that lead nowhere fail the build.

``:meth:`list_assets``` becomes ``[`list_assets`][list_assets]``. mkdocstrings looks the name up in the scope of the
docstring, or, where it is dotted, among all documented objects.
"""

from __future__ import annotations

import builtins
import re
from typing import Any

from griffe import Extension, Object

ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):`(~?)([\w.]+)`")


class Roles(Extension):  # type: ignore[misc]
    """Rewrites the docstring of every object that griffe loads."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Replace the roles in one docstring."""
        if obj.docstring is not None:
            obj.docstring.value = ROLE.sub(_link, obj.docstring.value)


def _link(role: re.Match[str]) -> str:
    short, name = role.groups()
    shown = f"`{name.rpartition('.')[2] if short else name}`"
    # Python's own objects have no page here.
    return shown if hasattr(builtins, name) else f"[{shown}][{name}]"
