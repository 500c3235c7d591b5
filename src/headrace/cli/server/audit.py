"""``headrace audit``: print who changed what in a lake, when and from where."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from headrace.cli.console.errors import UsageError
from headrace.cli.console.options import DEFAULT_OUTPUT, Output
from headrace.cli.console.result import Form, print_row
from headrace.cli.console.target import opened_lake
from headrace.cli.console.terminal import printable

if TYPE_CHECKING:
    from headrace.platform.core.audit import AuditEntry


async def audit(
    lake: str,
    /,
    *,
    since: str | None = None,
    until: str | None = None,
    user: str | None = None,
    operation: str | None = None,
    output: Output = DEFAULT_OUTPUT,
) -> None:
    """Print the audit log of a lake, oldest first: time, user, operation, ids and names, origin, program.

    Every call that changed something has a row, and every command on tokens, users, organizations and the lake itself.

    Args:
        lake: The lake's folder, or postgresql://….
        since: Only from this date or time on, such as 2030-01-31 or 2030-01-31T12:00+01:00. Without a zone, UTC.
        until: Only before this date or time.
        user: Only changes of this user of the lake or of the operating system.
        operation: Only this operation, such as delete_assets; * stands for any text, as in 'token.*'.
    """
    from headrace.platform.core.audit import entries

    after = 0 if since is None else _milliseconds(since, "--since")
    before = None if until is None else _milliseconds(until, "--until")
    async with opened_lake(lake) as platform:
        found = entries(platform.context, since=after, until=before, user=user, operation=operation)
        await _print(found, output.form)


async def _print(found: AsyncIterator[AuditEntry], form: Form) -> None:
    """Print the entries one by one: there may be a million."""
    if form is Form.JSON:
        # One object, as of every command, written as it is read.
        sys.stdout.write('{"schema":"headrace.audit/1","entries":[')
        comma = ""
        async for entry in found:
            sys.stdout.write(comma + json.dumps(_data(entry), separators=(",", ":")))
            comma = ","
        sys.stdout.write("]}\n")
    elif form is Form.TEXT:
        shown = printable if sys.stdout.isatty() else str
        async for entry in found:
            print(shown(_line(entry)))
    else:
        async for entry in found:
            print_row("audit", _data(entry) if form is Form.JSONL else str(entry.no), form)
    sys.stdout.flush()


def _data(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": str(entry.no),
        "time": _iso(entry.time),
        "organization": entry.organization,
        "user": entry.user or None,
        "operation": entry.operation,
        "subject": entry.subject,
        "address": entry.address or None,
        "system_user": entry.system_user or None,
        "client": entry.client,
    }


def _line(entry: AuditEntry) -> str:
    origin = entry.address or f"{entry.system_user} on this machine"
    named = " ".join(
        f"{name}={value if isinstance(value, str | int) else json.dumps(value)}"
        for name, value in entry.subject.items()
    )
    who = entry.user or "-"
    return f"{_iso(entry.time)}  {who}  {entry.operation}  {named or '-'}  {origin}  {entry.client}"


def _iso(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds")


def _milliseconds(text: str, option: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} cannot be {text!r}", hint="write a date or a time: 2030-01-31T12:00"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)
