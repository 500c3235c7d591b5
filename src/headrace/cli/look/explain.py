"""``headrace explain``."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from headrace.cli.console.arguments import with_options
from headrace.cli.console.errors import UsageError
from headrace.cli.console.options import DEFAULT_OUTPUT, Output
from headrace.cli.console.result import Result
from headrace.cli.console.terminal import wrapped
from headrace.errors import HeadraceError, did_you_mean, error_classes

if TYPE_CHECKING:
    from headrace.formats.findings.explained import FindingText

_WIDTH = 9
_PARTS = ("rule", "example", "lenient", "strict", "cure")


class Explained(Struct, frozen=True, kw_only=True):
    """What a code means. An error has a rule only: what it is, and what to do about it."""

    code: str
    title: str
    rule: str
    example: str = ""
    lenient: str = ""
    strict: str = ""
    cure: str = ""


# Errors of the command line itself, which no class of the package stands for.
_OWN_ERRORS = {
    "usage": "The command line is wrong: see the help of the command.",
    "os": "The system refused something, such as opening a file: the message says what.",
    "interrupted": "The command was stopped by Ctrl-C or a signal: run it again to continue.",
    "internal": "This is a bug in headrace: please report it, with the output of HEADRACE_DEBUG=1.",
}


async def explain(code: str | None = None, /, *, output: Output = DEFAULT_OUTPUT) -> Result:
    """Explain a finding or an error: the rule, an example, what happens, and what to do. Works offline.

    Args:
        code: The code of a finding or an error, such as V12 or unknown-format. Default: list all codes.
    """
    if code is None:
        everything = [*findings().values(), *errors().values()]
        width = max(len(each.code) for each in everything)
        return Result(
            command="explain",
            data={"codes": [{"code": each.code, "title": each.title} for each in everything]},
            lines=[f"{each.code:<{width}}  {each.title}" for each in everything],
        )
    known = {**findings(), **errors()}
    found = known.get(code.upper()) or known.get(code.lower())
    if found is None:
        hint = f"{did_you_mean(code.upper(), findings())}{did_you_mean(code.lower(), errors())}"
        raise UsageError(f"no finding or error {code!r}", hint=f"{hint}all codes: headrace explain")
    parts = {part: text for part in _PARTS if (text := getattr(found, part))}
    return Result(
        command="explain",
        data={"code": found.code, "title": found.title, **parts},
        lines=[
            f"{found.code}  {found.title}",
            *[_line(part, text) for part, text in parts.items() if text != found.title],
        ],
    )


def _line(part: str, text: str) -> str:
    plain = with_options(text.replace("`", ""))
    return wrapped(f"  {part:<{_WIDTH}}{plain}", sys.stdout, indent=_WIDTH + 2)


def findings() -> Mapping[str, Explained]:
    """Return all findings by code: those of headrace's formats, then those of other packages."""
    from headrace.formats.findings.explained import own_texts
    from headrace.formats.registry import all_formats

    texts: dict[str, FindingText] = dict(own_texts())
    for each in all_formats():
        if each.findings:
            # A code of headrace's own keeps its meaning.
            texts = dict(each.texts()) | texts
    order = [*own_texts(), *sorted(texts.keys() - own_texts().keys())]
    return {
        code: Explained(
            code=code, **{name: getattr(texts[code], name) for name in ("title", *_PARTS)}
        )
        for code in order
    }


def errors() -> Mapping[str, Explained]:
    """Return all errors by code: the text of each is that of its class."""
    found = {each.code: _summary(each) for each in error_classes()}
    return {
        code: Explained(code=code, title=text.split(": ")[0].rstrip("."), rule=text)
        for code, text in (found | _OWN_ERRORS).items()
    }


def _summary(kind: type[HeadraceError]) -> str:
    """Return what the docstring of an error says before its sections, as one line."""
    text = inspect.getdoc(kind) or ""
    for heading in ("\nArgs:", "\nAttributes:"):
        text = text.partition(heading)[0]
    return " ".join(text.replace("``", "`").split())
