"""The layout of ``--help``: each entry is wrapped at the terminal's width, with continuation lines indented."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from cyclopts.help import PlainFormatter

if TYPE_CHECKING:
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
