"""Writes all findings of an import to a file, without blocking the event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from anyio import CancelScope

from headrace.formats.findings.collect import Findings
from headrace.formats.findings.jsonl import check_apart, findings_file
from headrace.threads import in_thread


@asynccontextmanager
async def findings_report(
    path: Path | None, findings: Findings, source: Path
) -> AsyncIterator[None]:
    """Write the findings of the block to a file of JSON lines, which appears at its end.

    It appears too where a bad record ends the block. After any other error an earlier file stays. Does nothing without
    a path.

    Args:
        path: The file to write.
        findings: The findings of the import.
        source: What is imported; the report must not be it.

    Raises:
        ConfigurationError: The report is the source.
        FormatError: The path is no report of an earlier run, or another process is writing it.
    """
    if path is None:
        yield
        return
    await in_thread(check_apart, path, source)
    file = findings_file(path, findings)
    publish = await in_thread(file.__enter__)
    try:
        yield
        await in_thread(publish)
    except BaseException as error:
        with CancelScope(shield=True):
            await in_thread(file.__exit__, type(error), error, error.__traceback__)
        raise
    else:
        await in_thread(file.__exit__, None, None, None)
