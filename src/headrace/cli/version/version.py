"""``headrace version``: list, show, create, fork and rename versions and datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.cli.console.find import chosen_assets, find_either
from headrace.cli.console.options import (
    DEFAULT_ACCOUNT,
    DEFAULT_OUTPUT,
    Account,
    Flag,
    Output,
    Query,
    VersionType,
)
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected, find_version
from headrace.cli.console.wording import counted, plural
from headrace.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.sdk.dataset import Dataset
    from headrace.sdk.version.dataset_version import DatasetVersion


async def list_(
    target: str,
    dataset: str | None = None,
    /,
    *,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """List the versions with their ids and types; datasets without a version too.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        dataset: Only the versions of this dataset. Default: all.
    """
    async with connected(target, account) as client:
        datasets = [await client.get_dataset(dataset)] if dataset else await client.list_datasets()
        rows: list[dict[str, Any]] = []
        for each in datasets:
            found = [_version_data(version) async for version in each.list_versions()]
            rows += found or [{"dataset": each.name, "version": None, "id": str(each.id)}]
    lines = [
        f"{row['version'] or row['dataset'] + ' (no version)'}  {row.get('type', '')}".rstrip()
        for row in rows
    ]
    return Result(
        command="version.list", data={"versions": rows}, lines=lines or ["no versions yet"]
    )


async def show(
    target: str,
    version: str,
    /,
    *,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Show a version or a dataset: description, type, tags, users, counts.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version, or the name of a dataset.
    """
    async with connected(target, account) as client:
        dataset, found = await find_either(client, version)
        handle = dataset or found
        assert handle is not None
        await handle.sync()
        description = handle.record.description
        data: dict[str, Any] = {
            "id": str(handle.id),
            "description": description if isinstance(description, str) else "",
            "tags": [tag.name for tag in await handle.get_tags()],
        }
        if found is not None:
            data |= await _version_details(found)
        elif dataset is not None:
            data |= await _dataset_details(dataset)
    lines = [f"{version}: {data.pop('summary')}"]
    lines += [f"  {name}: {_text(data[name])}" for name in _SHOWN if data.get(name)]
    return Result(command="version.show", data={"name": version, **data}, lines=lines)


async def create(
    target: str,
    version: str,
    /,
    *,
    type: VersionType = "not_configured",
    description: str = "",
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Create an empty version, and its dataset if that is missing.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version; a name without / creates the dataset alone.
        type: Annotation type of the version; it decides which geometry an import keeps.
        description: Description of the version, or of the dataset if there is no version.
        dry_run: Print what would be created, and do nothing.
    """
    dataset_name, slash, version_name = version.rpartition("/")
    dataset_name = dataset_name if slash else version_name
    async with connected(target, account) as client:
        made: list[str] = []
        try:
            dataset = await client.get_dataset(dataset_name)
        except NotFoundError:
            dataset = None
            made.append(dataset_name)
        if dataset is not None and await _exists(dataset, version_name if slash else None):
            raise ConflictError(f"{version} exists already", hint="choose another name")
        if slash:
            made.append(version)
        made_id: str | None = None
        if not dry_run:
            if dataset is None:
                text = "" if slash else description
                dataset = await client.create_dataset(dataset_name, description=text)
            made_id = str(dataset.id)
            if slash:
                new = await dataset.create_version(version_name, description, type)
                made_id = str(new.id)
    would_be = "would be " if dry_run else ""
    return Result(
        command="version.create",
        data={"version": version, "id": made_id, "created": made, "dry_run": dry_run},
        lines=[f"{' and '.join(made)} {would_be}created"],
        next=f"headrace push {target} {version} IMAGES…" if slash else None,
    )


async def fork(
    target: str,
    version: str,
    name: str,
    /,
    *,
    q: Query = None,
    type: VersionType | None = None,
    description: str | None = None,
    no_tags: Flag = False,
    no_labels: Flag = False,
    no_annotations: Flag = False,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Create a version of the same dataset with the content of another; no file is copied.

    With -q it becomes a subset: only the assets that the query chooses.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version to fork, as dataset/version.
        name: Name of the new version, without the dataset.
        q: Only the assets that fulfil this condition. Default: all.
        type: Annotation type of the new version. Default: that of the old one.
        description: Description of the new version.
        no_tags: Leave out the tags of the assets.
        no_labels: Leave out the labels; only with --no-annotations.
        no_annotations: Leave out the annotations.
        dry_run: Print what would be forked, and do nothing.
    """
    new_name = name.removeprefix(f"{version.rpartition('/')[0]}/")
    async with connected(target, account) as client:
        found = await find_version(client, version)
        assets = None if q is None else await chosen_assets(found, q)
        count = await found.list_assets().count() if assets is None else len(assets)
        full_name, fork_id = f"{found.name}/{new_name}", None
        if not dry_run:
            new, _ = await found.fork(
                new_name,
                description,
                assets,
                type or found.type,
                with_tags=not no_tags,
                with_labels=not (no_labels and no_annotations),
                with_annotations=not no_annotations,
            )
            fork_id = str(new.id)
    would_be = "would be " if dry_run else ""
    return Result(
        command="version.fork",
        data={
            "version": full_name,
            "id": fork_id,
            "from": version,
            "assets": count,
            "dry_run": dry_run,
        },
        lines=[f"{full_name}: {plural(count, 'asset')} of {version} {would_be}forked"],
        next=f"headrace stats {target} {full_name}",
    )


async def rename(
    target: str,
    version: str,
    name: str | None = None,
    /,
    *,
    type: VersionType | None = None,
    description: str | None = None,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Rename a version or a dataset, or change its type or description.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version, or the name of a dataset.
        name: The new name, without the dataset. Default: unchanged.
        type: The new annotation type of a version.
        description: The new description.
        dry_run: Print what would be changed, and do nothing.
    """
    async with connected(target, account) as client:
        dataset, found = await find_either(client, version)
        if found is not None and not dry_run:
            await found.update(name, description, type)
        if dataset is not None and not dry_run:
            await dataset.update(name, description=description)
    prefix, slash, _ = version.rpartition("/")
    new = version if name is None else f"{prefix}{slash}{name}"
    would = "would be " if dry_run else ""
    changed = f"{version} {would}renamed to {new}" if name else f"{version} {would}changed"
    data = {"old": version, "version": new, "dry_run": dry_run}
    return Result(command="version.rename", data=data, lines=[changed])


_SHOWN = ("id", "type", "description", "tags", "labels", "campaign", "versions", "users")


async def content_of(versions: Sequence[DatasetVersion]) -> dict[str, int]:
    """Return the numbers of assets, annotations and shapes of versions, in all."""
    content = {"assets": 0, "annotations": 0, "shapes": 0}
    for version in versions:
        stats = await version.retrieve_stats()
        content["assets"] += await version.list_assets().count()
        content["annotations"] += stats.nb_annotations
        content["shapes"] += stats.nb_objects
    return content


async def _exists(dataset: Dataset, version: str | None) -> bool:
    if version is None:
        return True
    try:
        await dataset.get_version(version)
    except NotFoundError:
        return False
    return True


def _version_data(version: DatasetVersion) -> dict[str, Any]:
    return {
        "dataset": version.name,
        "version": f"{version.name}/{version.version}",
        "id": str(version.id),
        "type": version.type.value.lower(),
    }


async def _version_details(version: DatasetVersion) -> dict[str, Any]:
    content = await content_of([version])
    labels = [label.name async for label in version.list_labels()]
    campaign = version.record.annotation_campaign_id
    return {
        "type": version.type.value.lower(),
        **content,
        "labels": labels,
        "locked": version.is_locked,
        "campaign": None if campaign is None else str(campaign),
        "summary": counted(content) + (", locked" if version.is_locked else ""),
    }


async def _dataset_details(dataset: Dataset) -> dict[str, Any]:
    versions = [version.version async for version in dataset.list_versions()]
    users = [user.username for user in await dataset.list_users()]
    return {"versions": versions, "users": users, "summary": plural(len(versions), "version")}


def _text(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
