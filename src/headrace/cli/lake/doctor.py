"""``headrace doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from headrace.cli.console.options import DEFAULT_OUTPUT, Output
from headrace.cli.console.result import Result
from headrace.cli.console.target import full_place
from headrace.cli.console.terminal import one_line
from headrace.cli.console.wording import plural

if TYPE_CHECKING:
    from headrace.platform.care.facts import Fact


async def doctor(
    lake: str | None = None,
    /,
    *,
    objects: str | None = None,
    output: Output = DEFAULT_OUTPUT,
) -> Result:
    """Show what this machine, this installation and a lake are like: what is unsafe, and what would be slow.

    Tokens and keys are never shown; of variables, only the names.

    Args:
        lake: The lake's folder, or postgresql://…. Default: only the machine and the installation.
        objects: Where a platform in a database keeps its files. Default: HEADRACE_OBJECTS.
    """
    from headrace.platform.care.doctor import examine

    facts = await examine(lake, objects=objects)
    worse = [each for each in facts if each.level != "ok"]
    summary = f"{plural(len(worse), 'thing')} to look at" if worse else "nothing to look at"
    return Result(
        command="doctor",
        data={
            "lake": None if lake is None else full_place(lake),
            "facts": [msgspec.to_builtins(each) for each in facts],
        },
        lines=[*(line for each in facts for line in _lines(each)), summary],
        rows="facts",
    )


def _lines(fact: Fact) -> list[str]:
    level = "" if fact.level == "ok" else f"  [{fact.level}]"
    line = f"{fact.name}: {one_line(fact.value)}{level}"
    return [line, *([f"    {one_line(fact.advice)}"] if fact.advice else [])]
