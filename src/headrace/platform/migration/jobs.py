"""Refuse a migration while jobs run."""

from __future__ import annotations

from headrace.errors import LakeBusyError
from headrace.platform.core.listing import json_text
from headrace.platform.platform import JOB_KINDS
from headrace.storage.database.base import Statements


async def check_no_job(statements: Statements, name: str) -> None:
    """Check that no job is under way, nor waits to be resumed. Imports that clients keep are no obstacle: they go on.

    Args:
        statements: The catalog.
        name: What it is called in messages.

    Raises:
        LakeBusyError: There is one.
    """
    rows = await statements.fetch("jobs.open", kinds=json_text(list(JOB_KINDS)), limit=1)
    if rows:
        raise LakeBusyError(
            f"a job of {name} has not ended",
            hint=f"wait until it has, or cancel it: headrace job list {name}",
        )
