"""``headrace check``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.cli.console.errors import DONE, FAILED
from headrace.cli.console.options import DEFAULT_OUTPUT, Flag, Output
from headrace.cli.console.result import Result
from headrace.cli.console.target import full_place, shown, shown_place
from headrace.cli.console.terminal import one_line
from headrace.cli.console.wording import plural, size

if TYPE_CHECKING:
    from headrace.platform.care.check_report import CheckReport


async def check(
    lake: str,
    /,
    *,
    objects: str | None = None,
    read_data: Flag = False,
    repair: Flag = False,
    output: Output = DEFAULT_OUTPUT,
) -> Result:
    """Check a lake: its database, the files that the data name, removals that can be undone, and jobs.

    The exit status is 1 if something is wrong. A server may use the lake meanwhile. --repair mends what loses nothing: counters, marks of labels, indexes, half-written files, jobs that stand still, page checksums where there are none, and with --read-data the SHA-256 of files where it is not recorded.

    Args:
        lake: The lake's folder, or postgresql://….
        objects: Where a platform in a database keeps its files. Default: HEADRACE_OBJECTS.
        read_data: Read all files, and compare their SHA-256.
        repair: Mend what can be mended without a loss, and say what was done.
    """
    from headrace import check_lake

    report = await check_lake(
        lake, objects=objects, read_data=read_data, repair=repair, progress=output.reporter
    )
    return Result(
        command="check",
        data=_data(lake, report),
        lines=_lines(lake, report),
        next=None if report.ok or repair else f"headrace check {shown(lake)} --repair",
        status=DONE if report.ok else FAILED,
        rows="examples",
    )


def _data(lake: str, report: CheckReport) -> dict[str, Any]:
    return {
        "lake": full_place(lake),
        "ok": report.ok,
        "checksums": report.checksums,
        "checked": report.checked,
        "faults": report.faults,
        "notes": report.notes,
        "examples": [
            {"kind": each.kind, "place": each.place, "message": each.message}
            for each in report.examples
        ],
        "repaired": report.repaired,
        "left": report.left,
    }


def _lines(lake: str, report: CheckReport) -> list[str]:
    from headrace.platform.care.check_report import KINDS, NOTES

    counts = {name: number for name, number in report.checked.items() if name != "bytes"}
    checked = ", ".join(plural(number, name.removesuffix("s")) for name, number in counts.items())
    read = report.checked.get("bytes")
    lines = [f"checked {shown_place(lake)}: {checked}" + (f" ({size(read)} read)" if read else "")]
    for kind, number in (report.faults | report.notes).items():
        what = KINDS.get(kind) or NOTES[kind]
        lines.append(f"  {number:,}  {what}")
        shown = [each for each in report.examples if each.kind == kind]
        lines += [one_line(f"      {each.place}: {each.message}") for each in shown]
        if number > len(shown):
            lines.append(f"      … and {number - len(shown):,} more")
    lines += [one_line(f"repaired: {what}") for what in report.repaired]
    if report.ok:
        return [*lines, "all is well" if not report.faults else "all is mended"]
    return [*lines, f"{plural(report.left, 'fault')} left"]
