"""``headrace undo``: list removals, show one, and put it back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from headrace.cli.console.errors import FAILED
from headrace.cli.console.options import DEFAULT_ACCOUNT, DEFAULT_OUTPUT, Account, Flag, Output
from headrace.cli.console.result import Result
from headrace.cli.console.target import check_version_name, connected
from headrace.cli.console.wording import by_count, label_lines, plural, size, way_back

if TYPE_CHECKING:
    from headrace.model.records import RemovalRecord, UndoRecord

CONFLICTS_SHOWN = 20
"""Maximum number of printed conflicts; ``--json`` has more."""

_KINDS = {
    "assets": "assets removed",
    "annotations": "annotations deleted",
    "import": "replaced by an import",
    "undo": "taken back by an undo",
    "version": "version deleted",
    "dataset": "dataset deleted",
}


async def list_(
    target: str,
    version: str | None = None,
    /,
    *,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """List what was removed and can be put back, newest first.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version. Default: all versions, also deleted ones.
    """
    if version is not None:
        check_version_name(version)
    async with connected(target, account) as client:
        found = [removal.record for removal in await client.list_removals(version)]
    return Result(
        command="undo.list",
        data={"removals": [_data(each) for each in found]},
        lines=[_line(each) for each in found] or ["nothing was removed that can be put back"],
        bare="id",
        next=f"headrace undo run {target} {found[0].id}" if found else None,
    )


async def show(
    target: str,
    id: str,
    /,
    *,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Show what a removal took away, and until when it can be put back.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        id: The removal's id, as headrace undo list prints it.
    """
    async with connected(target, account) as client:
        details = await (await client.get_removal(id)).details()
    lines = [
        _line(details),
        f"by {details.username}, can be undone until {_time(details.expires_at)}"
        + (f", recorded in {size(details.bytes)}" if details.bytes else ""),
        *([f"undone {_time(details.undone_at)}"] if details.undone_at else []),
        *label_lines(by_count(details.labels)),
        *(f"  {name}" for name in details.files),
    ]
    rest = details.assets - len(details.files)
    if details.files and rest > 0:
        lines.append(f"  … {rest:,} more")
    elif not details.assets and details.annotations > len(details.files) > 0:
        lines.append("  …")
    return Result(
        command="undo.show",
        data={**_data(details), "labels": details.labels, "files": details.files},
        lines=lines,
        next=f"headrace undo run {target} {id}",
    )


async def run(
    target: str,
    id: str,
    /,
    *,
    dry_run: Flag = False,
    no_undo: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Put back what a removal took away.

    What was written since stays as it is: conflicts are listed, and the rest comes back. The same command continues after an interruption; running it again does no harm.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        id: The removal's id, as headrace undo list prints it.
        dry_run: Print what would be done, and do nothing.
        no_undo: Do not record the annotations of an import that give way, so that the undo cannot be undone.
    """
    async with connected(target, account) as client:
        removal = await client.get_removal(id)
        report = await removal.undo(dry_run=dry_run, undo=not no_undo)
    return Result(
        command="undo.run",
        data={"id": id, "dry_run": dry_run, **msgspec.to_builtins(report)},
        lines=_report(removal.kind, report, target, dry_run=dry_run),
        next=f"headrace stats {target} {report.version}" if "/" in report.version else None,
        status=FAILED if report.conflict_count and not dry_run else 0,
    )


def _report(kind: str, report: UndoRecord, target: str, *, dry_run: bool) -> list[str]:
    parts = _counts(report)
    if kind in ("version", "dataset") and not report.conflict_count and not report.present:
        parts = f"the {kind}" + (f" with {parts}" if parts else "")
    verb = "would be put back" if dry_run else "put back"
    lines = [f"{report.version}: {parts or 'nothing'} {verb}"]
    if report.present:
        lines.append(f"{report.present:,} of the removed things are there already")
    if report.replaced:
        gave_way = "would give way" if dry_run else "gave way"
        lines.append(f"{plural(report.replaced, 'newer annotation')} {gave_way}")
        lines += [] if dry_run else way_back(target, report.removal_id)
    lines += report.notes
    if report.conflict_count:
        lines.append(f"{plural(report.conflict_count, 'conflict')}, left as they are:")
        shown = report.conflicts[:CONFLICTS_SHOWN]
        lines += [f"  {each.subject}: {each.why}" for each in shown]
        if report.conflict_count > len(shown):
            lines.append(f"  … {report.conflict_count - len(shown):,} more")
    return lines


def _line(removal: RemovalRecord) -> str:
    parts = _counts(removal) or "empty"
    undone = " (undone)" if removal.undone_at else ""
    return (
        f"{removal.id}  {_time(removal.created_at)}  {removal.version}  "
        f"{_KINDS.get(removal.kind, removal.kind)}: {parts}{undone}"
    )


def _counts(record: RemovalRecord | UndoRecord) -> str:
    nouns = {"asset": record.assets, "annotation": record.annotations, "shape": record.shapes}
    return ", ".join(plural(number, noun) for noun, number in nouns.items() if number)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def _data(removal: RemovalRecord) -> dict[str, Any]:
    fields = msgspec.to_builtins(removal)
    return {name: value for name, value in fields.items() if name not in ("labels", "files")}
