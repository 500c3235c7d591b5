"""The options that several commands share, and how their values are read."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from cyclopts import Group, Parameter, Token
from cyclopts.validators import Number

from headrace.cli.console.errors import UsageError
from headrace.cli.console.logs import LogFormat
from headrace.cli.console.progress import Mode, Reporter
from headrace.cli.console.result import Form
from headrace.cli.console.terminal import COLOR_VARIABLE, Color
from headrace.errors import ConfigurationError, FormatPackageError, ParseError, UnknownFormatError
from headrace.plugins import format_names

Flag = Annotated[bool, Parameter(negative="", show_default=False)]
"""An option without a value."""

Repeatable = Annotated[list[str] | None, Parameter(negative="")]
"""An option that may be given several times."""

Query = Annotated[str | None, Parameter(name="-q", alias=["--query"])]
"""A condition that chooses assets or data, in the query language."""

Workers = Annotated[int | None, Parameter(validator=Number(gte=1))]
"""A number of workers."""

Status = Literal["pending", "accepted", "refused", "skipped"]
OnError = Literal["raise", "skip", "collect"]
VocOrigin = Literal["zero", "one_inclusive"]
VersionType = Literal[
    "not_configured",
    "classification",
    "object_detection",
    "segmentation",
    "point",
    "keypoint",
    "line",
    "mask",
    "multi",
]

# Those of other packages too, whose names are known without importing them. Help shows the choices of a Literal.
FORMAT_NAMES = format_names()
if TYPE_CHECKING:
    FormatName = str
else:
    FormatName = Literal[FORMAT_NAMES]

CLASS_ORDERS = ("source", "name")

OUTPUT_GROUP = Group("Output", sort_key=8)
SERVER_GROUP = Group("Server", sort_key=9)


@Parameter(name="*", group=OUTPUT_GROUP)
@dataclass
class Output:
    """The options that say how a command reports."""

    json: Flag = False
    """Print one JSON object on stdout, also for an error."""

    jsonl: Flag = False
    """Print one JSON object a line: what is listed, or the findings."""

    quiet: Flag = False
    """Print only bare names or paths on stdout, and no progress."""

    color: Annotated[Color, Parameter(show_default=False)] = "auto"
    """Colour messages: auto is on a terminal only, unless NO_COLOR or TERM=dumb is set. [env: HEADRACE_COLOR]"""

    progress: Mode = "auto"
    """How progress is shown on stderr: a line that redraws itself (bar), lines from time to time (plain), events
    (json), or not at all. Default: bar on a terminal, else plain. --no-progress means none.
    [env: HEADRACE_PROGRESS]"""

    progress_file: Path | None = None
    """Append the events of --progress json to this file, and show progress as usual."""

    verbose: Annotated[
        int, Parameter(name="-v", alias=["--verbose"], count=True, show_default=False)
    ] = 0
    """Write the log to stderr; -vv writes more of it. [env: HEADRACE_LOG=debug]"""

    log_file: Path | None = None
    """Append the log to this file instead."""

    log_format: LogFormat = "text"
    """Lines of the log: text or json."""

    @property
    def form(self) -> Form:
        """The form of the result. Raises UsageError if several are asked for."""
        chosen = [form for form in ("json", "jsonl", "quiet") if getattr(self, form)]
        if len(chosen) > 1:
            raise UsageError(
                f"--{chosen[0]} and --{chosen[1]} exclude each other", hint="give one of them"
            )
        return Form(chosen[0]) if chosen else Form.TEXT

    @cached_property
    def reporter(self) -> Reporter:
        """The callback for progress events."""
        mode = "none" if self.quiet and self.progress == "auto" else self.progress
        return Reporter(mode, self.progress_file)


def wanted_color(arguments: Sequence[str]) -> Color:
    """Return when a command line asks for colour; the variable counts where it has no option.

    It is read before the command line is parsed, so that errors in it are coloured too. Raises UsageError.
    """
    color, origin = os.environ.get(COLOR_VARIABLE, "") or "auto", COLOR_VARIABLE
    for option, value in zip(arguments, [*arguments[1:], ""], strict=False):
        if option.startswith("--color="):
            color, origin = option.partition("=")[2], "--color"
        elif option == "--color":
            color, origin = value, "--color"
    choices: tuple[Color, ...] = get_args(Color)
    for choice in choices:
        if choice == color:
            return choice
    raise UsageError(f"{origin} cannot be {color!r}", hint=f"choices: {', '.join(choices)}")


def _only_stdin(_: Any, tokens: Sequence[Token]) -> str:
    """Refuse a token on the command line, since other users can read it."""
    if tokens[0].value != "-":
        raise UsageError(
            "--token takes only -, since other users of this machine can read a command line",
            hint="set HEADRACE_TOKEN, run headrace login, or write the token to standard input: --token -",
        )
    return tokens[0].value


TokenOption = Annotated[str | None, Parameter(converter=_only_stdin, allow_leading_hyphen=True)]
"""A token that is read from standard input."""


@Parameter(name="*", group=SERVER_GROUP)
@dataclass(frozen=True)
class Account:
    """The options that identify the caller to a server; a lake's folder needs none."""

    token: TokenOption = None
    """Read the server's token from standard input, with -. Default: HEADRACE_TOKEN, then what login stored."""

    profile: str | None = None
    """The stored token to use, as named at login. [env: HEADRACE_PROFILE]"""

    organization: str | None = None
    """The organization's name, if the token is valid for several. [env: HEADRACE_ORGANIZATION]"""

    @cached_property
    def api_token(self) -> str | None:
        """The token on standard input, if the option asks for it."""
        if self.token is None:
            return None
        token = sys.stdin.read().strip()
        if not token:
            raise UsageError("--token -: standard input is empty", hint="write the token to it")
        return token


DEFAULT_OUTPUT = Output()
DEFAULT_ACCOUNT = Account()


def given(**options: Any) -> dict[str, Any]:
    """Return the options that were given, without those that are None."""
    return {name: value for name, value in options.items() if value is not None}


# --- formats ---------------------------------------------------------------------------------------------


def _known_format(_: Any, tokens: Sequence[Token]) -> str:
    """Return the name of the format; raise UsageError with the nearest name for an unknown one."""
    from headrace.formats.registry import get

    try:
        return get(tokens[0].value).info.name
    except (UnknownFormatError, FormatPackageError) as error:
        raise UsageError(error.message, hint=error.hint, code=error.code) from None


FormatOption = Annotated[FormatName, Parameter(converter=_known_format)]
"""A required option that names a format."""

OptionalFormat = Annotated[FormatName | None, Parameter(converter=_known_format)]
"""An optional one."""


# --- class order -----------------------------------------------------------------------------------------


def parse_class_order(text: str) -> str | tuple[str, ...]:
    """Return the class order that ``source``, ``name``, ``NAME,NAME…`` or ``@FILE`` stands for.

    A file has one name a line; blank lines are ignored.

    Raises:
        UsageError: The file cannot be read, a name is empty or repeated, or the word is a near miss of the two.
    """
    from headrace.formats.class_order import checked_order

    try:
        return checked_order(_order_or_names(text))
    except ConfigurationError as error:
        raise UsageError(error.message, hint=error.hint, code=error.code) from None


def _order_or_names(text: str) -> str | list[str]:
    if text in CLASS_ORDERS:
        return text
    if text.startswith("@"):
        return _names_in(Path(text[1:]))
    names = [name.strip() for name in text.split(",")]
    near = get_close_matches(text.lower(), CLASS_ORDERS, n=1, cutoff=0.75)
    if near:
        raise UsageError(
            f"unknown class order {text!r}",
            hint=f"did you mean {near[0]!r}? To give a class of that name, use a file: @FILE",
        )
    return names


def _names_in(path: Path) -> list[str]:
    from headrace.formats.yolo.classes import read_name_list

    try:
        return [name for name in read_name_list(path).values() if name]
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UsageError(
            f"{path}: {why}", hint="@ is followed by a text file with one class name a line"
        ) from None
    except ParseError as error:
        where = "" if error.offset is None else f" at byte {error.offset}"
        raise UsageError(
            f"{path}{where}: {error.message}", hint="it must be UTF-8, one class name a line"
        ) from None
