"""``headrace version delete`` and ``remove``: delete versions and datasets, and remove assets from a version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.cli.console.confirm import confirm
from headrace.cli.console.errors import UsageError
from headrace.cli.console.find import chosen_assets, find_either
from headrace.cli.console.options import (
    DEFAULT_ACCOUNT,
    DEFAULT_OUTPUT,
    Account,
    Flag,
    Output,
    Query,
)
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected, find_version
from headrace.cli.console.wording import counted, plural, size, way_back
from headrace.cli.version.version import content_of

ASSETS_PER_CALL = 50
"""Ids of assets travel in the address of the call that counts their annotations."""

if TYPE_CHECKING:
    from headrace.sdk.asset import MultiAsset
    from headrace.sdk.client.client import Client
    from headrace.sdk.version.dataset_version import DatasetVersion


async def delete(
    target: str,
    version: str,
    /,
    *,
    yes: Flag = False,
    no_undo: Flag = False,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Delete a version with its assets and annotations, or a whole dataset. The files stay in the datalake.

    On a terminal the name must be typed; elsewhere --yes is needed.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version, or the name of a dataset.
        yes: Delete without asking.
        no_undo: Delete for good, so that headrace undo cannot put it back.
        dry_run: Print what would be deleted, and do nothing.
    """
    async with connected(target, account) as client:
        dataset, found = await find_either(client, version)
        versions = [found] if found is not None else []
        if dataset is not None:
            versions = await dataset.list_versions()
        lost = await content_of(versions)
        what = f"{plural(len(versions), 'version')} with " if dataset else ""
        action = f"delete {version}: {what}{counted(lost)}; the files stay in the datalake"
        removal = None
        if not dry_run:
            await confirm(action, version, yes=yes)
            if dataset is not None:
                await dataset.delete(undo=not no_undo)
            if found is not None:
                await found.delete(undo=not no_undo)
            removal = None if no_undo else await _newest_removal(client, version)
    return Result(
        command="version.delete",
        data={"version": version, **lost, "removal": removal, "dry_run": dry_run},
        lines=[_done(action, dry_run=dry_run), *way_back(target, removal)],
    )


async def remove(
    target: str,
    version: str,
    /,
    *files: str,
    q: Query = None,
    annotations: Flag = False,
    data: Flag = False,
    yes: Flag = False,
    no_undo: Flag = False,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Remove assets from a version with their annotations, or only the annotations. The files stay in the datalake.

    On a terminal the name of the version must be typed; elsewhere --yes is needed.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        files: Names of the files to remove. Give these or -q.
        q: Remove the assets that fulfil this condition.
        annotations: Delete the annotations only; the assets stay.
        data: Delete the files too, in the datalake and in every version. This cannot be undone.
        yes: Remove without asking.
        no_undo: Remove without recording, so that headrace undo cannot put it back.
        dry_run: Print what would be removed, and do nothing.
    """
    if not files and q is None:
        raise UsageError(
            "no assets are chosen",
            hint="give names of files, or a condition: -q 'tags.name = \"x\"'",
        )
    if annotations and data:
        raise UsageError("--annotations and --data exclude each other", hint="omit one of them")
    async with connected(target, account) as client:
        found = await find_version(client, version)
        assets = await chosen_assets(found, q, files)
        annotated = await _annotations_of(client, found, assets)
        total = sum(record.data.size or 0 for record in assets.records)
        what = f"{plural(len(assets), 'asset')} with {annotated}"
        if annotations:
            action = f"delete the annotations of {what} from {version}"
        elif data:
            action = f"delete {what}, and {size(total)} of files in all versions, for good"
        else:
            action = f"remove {what} from {version}; {size(total)} of files stay in the datalake"
        removal = None
        if assets and not dry_run:
            await confirm(action, version, yes=yes)
            await _remove(assets, annotations=annotations, data=data, undo=not no_undo)
            if not (no_undo or data):
                removal = await _newest_removal(client, version)
    return Result(
        command="version.remove",
        data={
            "version": version,
            "assets": len(assets),
            "annotations_only": annotations,
            "data": data,
            "bytes": total,
            "removal": removal,
            "dry_run": dry_run,
        },
        lines=[_done(action, dry_run=dry_run), *way_back(target, removal)]
        if assets
        else [f"{version}: no asset is chosen, nothing to do"],
    )


async def _remove(assets: MultiAsset, *, annotations: bool, data: bool, undo: bool) -> None:
    if annotations:
        await assets.delete_annotations(undo=undo)
    elif data:
        await (await assets.as_multidata()).delete()
    else:
        await assets.delete(undo=undo)


async def _annotations_of(client: Client, version: DatasetVersion, assets: MultiAsset) -> str:
    """Return how many annotations assets have; with their shapes where these are all assets of the version."""
    from headrace.engine.paging import batched

    if len(assets) == await version.list_assets().count():
        stats = await version.retrieve_stats()
        return counted({"annotations": stats.nb_annotations, "shapes": stats.nb_objects})
    number = 0
    for ids in batched(assets.ids, ASSETS_PER_CALL):
        number += len(
            (await client.request("annotation_ids", version_id=version.id, asset_ids=ids)).record
        )
    return plural(number, "annotation")


async def _newest_removal(client: Client, name: str) -> str | None:
    """Return the id of the newest removal of a version or dataset; None if none is recorded."""
    removals = await client.list_removals()
    return next((str(each.id) for each in removals if each.version == name), None)


def _done(action: str, *, dry_run: bool) -> str:
    """Return an action as a sentence: ``would delete …``, or ``deleted …``."""
    if dry_run:
        return f"would {action}"
    verb, _, rest = action.partition(" ")
    return f"{verb.removesuffix('e')}ed {rest}"
