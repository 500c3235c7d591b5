"""The layout of ``--help``: each entry is wrapped at the terminal's width, with continuation lines indented."""

from __future__ import annotations

import inspect
import textwrap
from typing import TYPE_CHECKING, Any

from cyclopts.help import PlainFormatter

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

_HANGING_INDENT = " " * 6


class HelpFormatter(PlainFormatter):
    """Plain text that wraps once. The formatter of cyclopts wraps descriptions before it adds names and indentation."""

    def _print_plain(self, console: Console, text: str) -> None:
        if text.startswith(self.indent):
            text = textwrap.fill(
                " ".join(text.split()),
                console.width,
                initial_indent=self.indent,
                subsequent_indent=_HANGING_INDENT,
                break_long_words=False,
                break_on_hyphens=False,
            )
        console.print(text, highlight=False, markup=False, soft_wrap=True)


def arguments_of(command: Callable[..., Any]) -> str:
    """Return what a usage line lists of a command: its arguments by name, and the options that it demands."""
    words = []
    for parameter in inspect.signature(command).parameters.values():
        word = parameter.name.upper()
        demanded = parameter.default is inspect.Parameter.empty
        match parameter.kind:
            case inspect.Parameter.POSITIONAL_ONLY:
                words.append(word if demanded else f"[{word}]")
            case inspect.Parameter.VAR_POSITIONAL:
                words.append(f"{word}…")
            case _ if demanded:
                words.append(f"--{parameter.name} STR")
    return " ".join(words)
