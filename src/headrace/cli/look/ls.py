"""``headrace ls``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.cli.console.choice import DEFAULT_CHOICE, Choice
from headrace.cli.console.errors import UsageError
from headrace.cli.console.options import (
    DEFAULT_ACCOUNT,
    DEFAULT_OUTPUT,
    Account,
    Flag,
    Output,
    Query,
)
from headrace.cli.console.result import Form, Result, print_row
from headrace.cli.console.target import connected, find_version
from headrace.cli.console.wording import plural

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from headrace.engine.name_filter import NameFilter
    from headrace.sdk.base.listing import Listing
    from headrace.sdk.client.client import Client
    from headrace.sdk.version.dataset_version import DatasetVersion


_LIMIT = 20
_LABELS = 10


async def ls(
    target: str,
    version: str | None = None,
    /,
    *,
    q: Query = None,
    data: Flag = False,
    limit: int | None = None,
    choice: Choice = DEFAULT_CHOICE,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result | None:
    """List all versions, the labels and files of one, or the files of the datalake.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version. Default: list all versions.
        q: Only the files that fulfil this condition.
        data: List the files of the datalake, in every version or in none.
        limit: Maximum number of files to list, newest first; 0 lists none. Default: 20, but all with --jsonl and
            --quiet.
    """
    chosen = await choice.filter()
    async with connected(target, account) as client:
        if version is None and not data:
            if q is not None or chosen:
                raise UsageError(
                    "-q, --include and the like choose files", hint="name a VERSION, or pass --data"
                )
            return await _all_versions(client)
        one = None if version is None else await find_version(client, version)
        if one is not None and data:
            raise UsageError("--data lists the whole datalake", hint="omit VERSION or --data")
        if output.form in (Form.JSONL, Form.QUIET):
            if limit != 0:
                await _print_files(_chosen(client, one, q, chosen, limit), output.form)
            return None
        most = _LIMIT if limit is None else limit
        if one is None or version is None:
            return await _datalake(client, q, chosen, most)
        return await _one_version(client, one, version, q, chosen, most)


async def _all_versions(client: Client) -> Result:
    versions = [
        await _summary(version)
        async for dataset in client.list_datasets()
        async for version in dataset.list_versions()
    ]
    width = max((len(one["version"]) for one in versions), default=0)
    lines = [
        f"{one['version']:<{width}}  {plural(one['assets'], 'asset')}, {plural(one['shapes'], 'shape')}"
        for one in versions
    ]
    if not lines:
        lines = ["no versions yet"]
    return Result(
        command="ls",
        data={"versions": versions},
        rows="versions",
        lines=lines,
        next=None if versions else "headrace push TARGET DATASET/VERSION IMAGES…",
    )


async def _listing(
    client: Client, version: DatasetVersion | None, q: str | None, limit: int | None
) -> Listing[Any, Any, Any]:
    """Return the listing of the files of a version, or of the datalake."""
    if version is not None:
        return version.list_assets(q=q, limit=limit)
    return (await client.get_datalake()).list_data(q=q, limit=limit)


async def _chosen(
    client: Client,
    version: DatasetVersion | None,
    q: str | None,
    chosen: NameFilter,
    limit: int | None,
) -> AsyncIterator[Any]:
    """Yield the files that are chosen, at most ``limit``."""
    if limit == 0:
        return
    left = limit
    async for each in await _listing(client, version, q, None if chosen else limit):
        if chosen and not chosen.chooses(each.filename):
            continue
        yield each
        if left is not None:
            left -= 1
            if not left:
                return


async def _count(
    client: Client, version: DatasetVersion | None, q: str | None, chosen: NameFilter
) -> int:
    """Return the number of files that are chosen."""
    if not chosen:
        return await (await _listing(client, version, q, None)).count()
    total = 0
    async for _ in _chosen(client, version, q, chosen, None):
        total += 1
    return total


async def _print_files(files: AsyncIterator[Any], form: Form) -> None:
    """Print the files one by one: there may be millions."""
    async for each in files:
        print_row("ls", {"filename": each.filename, "id": str(each.id)}, form)


async def _datalake(client: Client, q: str | None, chosen: NameFilter, limit: int) -> Result:
    count = await _count(client, None, q, chosen)
    files = [each.filename async for each in _chosen(client, None, q, chosen, limit)]
    rest = [f"  … {count - len(files):,} more"] if limit > 0 and count > len(files) else []
    return Result(
        command="ls",
        data={"data": count, "files": files},
        lines=[f"datalake: {plural(count, 'file')}", *(f"  {name}" for name in files), *rest],
    )


async def _one_version(
    client: Client,
    version: DatasetVersion,
    name: str,
    q: str | None,
    choice: NameFilter,
    limit: int,
) -> Result:
    summary = await _summary(version)
    labels = [label.name async for label in version.list_labels()]
    files = [asset.filename async for asset in _chosen(client, version, q, choice, limit)]
    all_chosen = q is None and not choice
    chosen = summary["assets"] if all_chosen else await _count(client, version, q, choice)
    rest = chosen - len(files)
    lines = [
        f"{name}: {plural(summary['assets'], 'asset')}, {plural(summary['shapes'], 'shape')},"
        f" {plural(len(labels), 'label')}" + _some(labels)
    ]
    if not all_chosen:
        lines.append(f"{plural(chosen, 'file')} chosen")
    lines += [f"  {filename}" for filename in files]
    if rest and limit > 0:
        lines.append(f"  … {rest:,} more (--limit {chosen} lists all)")
    shown = {**summary, "labels": labels, "chosen": chosen, "files": files}
    return Result(command="ls", data=shown, lines=lines)


def _some(labels: list[str]) -> str:
    if not labels:
        return ""
    rest = len(labels) - _LABELS
    return f" ({', '.join(labels[:_LABELS])}{f', … {rest:,} more' if rest > 0 else ''})"


async def _summary(version: DatasetVersion) -> dict[str, Any]:
    counted = await version.retrieve_stats()
    return {
        "version": f"{version.name}/{version.version}",
        "id": str(version.id),
        "type": version.type.value,
        "assets": await version.list_assets().count(),
        "annotations": counted.nb_annotations,
        "shapes": counted.nb_objects,
    }
