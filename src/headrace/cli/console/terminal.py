"""A terminal: colour, line width, and questions to the person at it."""

from __future__ import annotations

import os
import re
import sys
from typing import Literal, TextIO

import anyio

from headrace.escapes import one_line as one_line
from headrace.escapes import printable as printable

ERROR = "1;31"
"""Bold red."""

WARNING = "1;33"
"""Bold yellow."""

STRONG = "1"
"""Bold."""

_MIN_WIDTH = 20
_DEFAULT_WIDTH = 80
_YES = ("y", "yes")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


Color = Literal["auto", "always", "never"]
"""When messages are coloured."""

COLOR_VARIABLE = "HEADRACE_COLOR"


class _Chosen:
    color: Color = "auto"


def choose_color(color: Color) -> None:
    """Set when messages of this process are coloured."""
    _Chosen.color = color


def has_colour(stream: TextIO) -> bool:
    """Whether to colour text on a stream: on a terminal, unless NO_COLOR is set or TERM is dumb.

    FORCE_COLOR colours text on any stream; NO_COLOR takes precedence. Empty variables do not count. What was chosen with
    :func:`choose_color` takes precedence over all.
    """
    if _Chosen.color != "auto":
        return _Chosen.color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def coloured(text: str, colour: str) -> str:
    """Return text with the control sequences of a colour, one of the constants of this module."""
    return f"\x1b[{colour}m{text}\x1b[0m"


def wrapped(text: str, stream: TextIO, *, indent: int) -> str:
    """Break a line at the width of the terminal, with continuation lines indented by ``indent`` columns.

    Text for anything other than a terminal stays on one line, so that programs can search it line by line.
    """
    if not stream.isatty():
        return text
    width = max(_columns(stream), _MIN_WIDTH)
    indent = indent if width >= indent + _MIN_WIDTH else 2
    lines: list[str] = []
    for line in text.split("\n"):
        leading = len(line) - len(line.lstrip(" "))
        lines += _lines(line, width, max(indent, leading + 4) if leading and lines else indent)
    return "\n".join(lines)


def _columns(stream: TextIO) -> int:
    """Return the width of a terminal. COLUMNS takes precedence, as in :func:`shutil.get_terminal_size`."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return int(columns)
    try:
        return os.get_terminal_size(stream.fileno()).columns or _DEFAULT_WIDTH
    except OSError:
        return _DEFAULT_WIDTH


def _lines(text: str, width: int, indent: int) -> list[str]:
    """Break text at spaces. A word longer than a line stays whole: it may be a path to copy."""
    from rich.cells import cell_len

    lines: list[str] = []
    line, used = "", 0
    for gap, word in re.findall(r"( *)([^ ]+)", text):
        cells = cell_len(_COLOUR.sub("", word))
        if line and used + len(gap) + cells > width:
            lines.append(line)
            line, used = " " * indent + word, indent + cells
        else:
            line, used = line + gap + word, used + len(gap) + cells
    return [*lines, line]


def can_ask() -> bool:
    """Whether a person sees the question and can answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


async def ask(question: str) -> bool:
    """Ask for a yes or no on stderr, and read the answer. Everything but yes means no, also the end of the input."""
    return (await read_answer(f"{question} [y/N] ")).lower() in _YES


async def read_answer(question: str) -> str:
    """Print a question on stderr, and return the line that is typed; empty at the end of the input."""
    print(question, end="", file=sys.stderr, flush=True)
    if sys.platform != "win32":
        # Reading would block the event loop, and Ctrl-C with it.
        await anyio.wait_readable(sys.stdin)
    return sys.stdin.readline().strip()


async def ask_secret(question: str) -> str:
    """Ask on stderr and read one line, which the terminal does not show."""
    if sys.platform == "win32":
        from getpass import getpass

        return getpass(question)
    import termios

    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    silent = [*before]
    silent[3] &= ~termios.ECHO
    try:
        # What was typed ahead is discarded: it was shown.
        termios.tcsetattr(fd, termios.TCSAFLUSH, silent)
        print(question, end="", file=sys.stderr, flush=True)
        await anyio.wait_readable(sys.stdin)
        return sys.stdin.readline().strip()
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
        print(file=sys.stderr, flush=True)
