"""``headrace pull --verify``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from headrace.cli.console.choice import not_found_data, not_found_lines
from headrace.cli.console.errors import DONE, FAILED, UsageError
from headrace.cli.console.options import Output
from headrace.cli.console.result import Result
from headrace.cli.console.streams import STREAM
from headrace.cli.console.wording import absolute, plural, size

if TYPE_CHECKING:
    from headrace.engine.name_filter import NameFilter
    from headrace.sdk.version.dataset_version import DatasetVersion

_SHOWN = 20
_SYMBOLS = frozenset("=*+-!")


async def verified(
    version: DatasetVersion,
    dir: Path,
    combined: Path | None,
    chosen: NameFilter,
    output: Output,
    **options: Any,
) -> Result:
    """Compare a folder with a version, and write a line for each file if that is asked for."""
    with _lines_to(combined) as on_line:
        report = await version.verify(
            dir, include=chosen, on_line=on_line, progress=output.reporter, **options
        )
    counts = {
        "different": report.different,
        "missing": report.missing,
        "only in the folder": report.extra,
        "unreadable": report.errors,
    }
    differences = [f"{count:,} {word}" for word, count in counts.items() if count]
    summary = ", ".join([f"{plural(report.same, 'file')} the same", *differences])
    lines = [f"{dir}: {summary} ({size(report.bytes)} read)"]
    lines += [f"  {symbol} {name}" for symbol, name in report.examples[:_SHOWN]]
    if len(report.examples) > _SHOWN:
        lines.append("  … (--combined FILE lists all)")
    if report.unknown:
        lines.append(f"{plural(report.unknown, 'file')} compared by size: no digest is known")
    if report.different or report.missing:
        lines.append("To repair: the same command without --verify; --force replaces changed files")
    return Result(
        command="pull",
        data={
            "version": f"{version.name}/{version.version}",
            "dir": absolute(dir),
            "verify": True,
            "equal": report.equal,
            "same": report.same,
            "different": report.different,
            "missing": report.missing,
            "extra": report.extra,
            "errors": report.errors,
            "unknown": report.unknown,
            "examples": [{"symbol": each[0], "name": each[1]} for each in report.examples],
            "bytes": report.bytes,
            "seconds": round(report.seconds, 3),
            **not_found_data(chosen),
        },
        lines=[*lines, *not_found_lines(chosen)],
        status=DONE if report.equal and not chosen.not_found_count else FAILED,
    )


@contextmanager
def _lines_to(path: Path | None) -> Iterator[Callable[[str, str], None] | None]:
    """Yield a function that writes a line for each file; None if no lines are asked for."""
    if path is None:
        yield None
        return
    out: IO[str]
    if path == STREAM:
        out, sys.stdout = sys.stdout, sys.stderr
        yield _writer(out)
        out.flush()
        return
    _check_replaceable(path)
    with path.open("w", encoding="utf-8", errors="backslashreplace") as out:
        yield _writer(out)


def _writer(out: IO[str]) -> Callable[[str, str], None]:
    def write(symbol: str, name: str) -> None:
        shown = name.replace("\n", "\\n").replace("\r", "\\r")
        out.write(f"{symbol} {shown}\n")

    return write


def _check_replaceable(path: Path) -> None:
    """Raise UsageError for a file that is not the list of an earlier run."""
    if not path.exists():
        return
    start = ""
    if path.is_file():
        with path.open("rb") as file:
            start = file.read(2).decode("ascii", "replace")
        if not start or (start[0] in _SYMBOLS and start[1:] == " "):
            return
    raise UsageError(f"{path} exists, and is no list of --combined", hint="choose another file")
