"""``headrace ls``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.cli.console.options import DEFAULT_ACCOUNT, DEFAULT_OUTPUT, Account, Output
from headrace.cli.console.result import Form, Result, print_row
from headrace.cli.console.target import connected, find_version
from headrace.cli.console.wording import plural

if TYPE_CHECKING:
    from headrace.sdk.client.client import Client
    from headrace.sdk.version.dataset_version import DatasetVersion


_LIMIT = 20


async def ls(
    target: str,
    version: str | None = None,
    /,
    *,
    limit: int | None = None,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result | None:
    """List all versions, or the labels and files of one.

    Args:
        target: A lake's folder or a server's URL.
        version: The version, as dataset/version. Default: list all versions.
        limit: Maximum number of files to list, newest first; 0 lists none. Default: 20, but all with --jsonl and
            --quiet.
    """
    async with connected(target, account) as client:
        if version is None:
            return await _all_versions(client)
        found = await find_version(client, version)
        if output.form in (Form.JSONL, Form.QUIET):
            await _print_files(found, limit, output.form)
            return None
        return await _one_version(found, version, _LIMIT if limit is None else limit)


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


async def _print_files(version: DatasetVersion, limit: int | None, form: Form) -> None:
    """Print the files one by one: there may be millions."""
    if limit == 0:
        return
    async for asset in version.list_assets(limit=limit):
        row = {"filename": asset.filename, "id": str(asset.id)}
        print_row("ls", row, form)


async def _one_version(version: DatasetVersion, name: str, limit: int) -> Result:
    summary = await _summary(version)
    labels = [label.name async for label in version.list_labels()]
    files: list[str] = []
    if limit > 0:
        files = [asset.filename async for asset in version.list_assets(limit=limit)]
    rest = summary["assets"] - len(files)
    lines = [
        f"{name}: {plural(summary['assets'], 'asset')}, {plural(summary['shapes'], 'shape')},"
        f" {plural(len(labels), 'label')}" + (f" ({', '.join(labels[:10])})" if labels else "")
    ]
    lines += [f"  {filename}" for filename in files]
    if rest and limit > 0:
        lines.append(f"  … {rest:,} more (--limit {summary['assets']} lists all)")
    return Result(command="ls", data={**summary, "labels": labels, "files": files}, lines=lines)


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
