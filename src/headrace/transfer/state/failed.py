"""``.headrace/failed.json``: the files that the last run failed to fetch, for the next run to retry."""

from __future__ import annotations

import json
from pathlib import Path

import aiofiles
import msgspec
from msgspec import Struct

from headrace.errors import ConfigurationError
from headrace.model.names import STATE_FOLDER
from headrace.transfer.report import Failure, TransferReport

_HINT = "omit retry_failed=True; complete files are not fetched again"


class _List(Struct):
    failed: int
    failures: list[Failure]


def write_failures(folder: Path, report: TransferReport) -> None:
    """Write the failures of a run, or delete the list if there are none. Blocks."""
    path = _path(folder)
    if not report.failed:
        path.unlink(missing_ok=True)
        return
    temp = path.with_suffix(".tmp")
    # Not by msgspec: names of files need not be UTF-8.
    temp.write_text(json.dumps(msgspec.to_builtins(_List(report.failed, report.failures))))
    temp.replace(path)


async def read_failures(folder: Path) -> list[Failure]:
    """Read the failures of the last run.

    Raises ConfigurationError if there is no list, or if it is incomplete.
    """
    try:
        async with aiofiles.open(_path(folder), "rb") as file:
            found = msgspec.convert(json.loads(await file.read()), type=_List)
    except FileNotFoundError:
        raise ConfigurationError(
            f"the last run into {folder} left no failures", hint=_HINT
        ) from None
    except ValueError:
        raise ConfigurationError(f"{_path(folder)} cannot be read", hint=_HINT) from None
    if found.failed > len(found.failures):
        raise ConfigurationError(
            f"{found.failed:,} files failed in the last run, more than the list holds", hint=_HINT
        )
    return found.failures


def _path(folder: Path) -> Path:
    return folder / STATE_FOLDER / "failed.json"
