"""``headrace tag``: the tags of assets, of data, of versions and of datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from headrace.cli.console.confirm import confirm
from headrace.cli.console.errors import UsageError
from headrace.cli.console.find import chosen_assets, find_either, pick
from headrace.cli.console.options import (
    DEFAULT_ACCOUNT,
    DEFAULT_OUTPUT,
    Account,
    Flag,
    Output,
    Query,
)
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected
from headrace.cli.console.wording import plural

if TYPE_CHECKING:
    from headrace.sdk.client.client import Client
    from headrace.sdk.tag import Tag, Taggable
    from headrace.sdk.version.dataset_version import DatasetVersion

Kind = Literal["assets", "data", "version", "dataset"]
"""What carries a tag."""


async def list_(
    target: str,
    version: str | None = None,
    /,
    *,
    on: Kind | None = None,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """List tags: those of a version's assets, or of data, versions and datasets.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version. Default: all tags that belong to no version.
        on: Only the tags for this kind of object.
    """
    async with connected(target, account) as client:
        kinds: list[Kind] = ["assets"] if version else ["data", "version", "dataset"]
        found = {
            kind: sorted([tag.name for tag in await _tags(client, version, kind)])
            for kind in ([on] if on else kinds)
        }
    lines = [f"{kind}: {', '.join(names) or '-'}" for kind, names in found.items()]
    return Result(command="tag.list", data={"version": version, "tags": found}, lines=lines)


async def create(
    target: str,
    version: str,
    /,
    *tags: str,
    on: Kind = "assets",
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Create tags without attaching them to anything; headrace tag add does both.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version; for other tags than those of assets, any name.
        tags: Names of the tags.
        on: Kind of object that the tags are for: assets, data, version or dataset.
        dry_run: Print what would be created, and do nothing.
    """
    _given(tags, "create")
    async with connected(target, account) as client:
        known = {tag.name for tag in await _tags(client, version, on)}
        new = [name for name in dict.fromkeys(tags) if name not in known]
        if not dry_run:
            for name in new:
                await _made(client, version, on, name)
    would_be = "would be " if dry_run else ""
    data = {"version": version, "on": on, "created": new, "dry_run": dry_run}
    line = f"{plural(len(new), 'tag')} for {on} {would_be}created"
    return Result(command="tag.create", data=data, lines=[line])


async def add(
    target: str,
    version: str,
    /,
    *tags: str,
    q: Query = None,
    on: Kind = "assets",
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Tag the assets of a version, those that -q chooses; or their data, the version itself, or its dataset.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version; for --on dataset also the name of a dataset.
        tags: Names of the tags; created if missing.
        q: Only the assets that fulfil this condition. Default: all assets of the version.
        on: What to tag: assets, data (the files of the assets, in every version), version or dataset.
        dry_run: Print what would be tagged, and do nothing.
    """
    _given(tags, "add")
    async with connected(target, account) as client:
        objects = await _objects(client, version, on, q)
        if not dry_run:
            for name in dict.fromkeys(tags):
                await (await _made(client, version, on, name)).attach_on(objects)
    return _touched("add", version, tags, on, len(objects.ids), dry_run=dry_run)


async def remove(
    target: str,
    version: str,
    /,
    *tags: str,
    q: Query = None,
    on: Kind = "assets",
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Take tags off the assets of a version, those that -q chooses; or off their data, the version, or its dataset.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version; for --on dataset also the name of a dataset.
        tags: Names of the tags.
        q: Only the assets that fulfil this condition. Default: all assets of the version.
        on: What to take the tags off: assets, data (the files of the assets), version or dataset.
        dry_run: Print what would be done, and do nothing.
    """
    _given(tags, "remove")
    async with connected(target, account) as client:
        found = [await _find(client, version, on, name) for name in dict.fromkeys(tags)]
        objects = await _objects(client, version, on, q)
        if not dry_run:
            for tag in found:
                await tag.detach_from(objects)
    return _touched("remove", version, tags, on, len(objects.ids), dry_run=dry_run)


async def rename(
    target: str,
    version: str,
    tag: str,
    name: str,
    /,
    *,
    on: Kind = "assets",
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Rename a tag on everything that carries it.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version; for other tags than those of assets, any name.
        tag: Name of the tag.
        name: The new name.
        on: Kind of object that the tag is for: assets, data, version or dataset.
        dry_run: Print what would be renamed, and do nothing.
    """
    async with connected(target, account) as client:
        found = await _find(client, version, on, tag)
        if not dry_run:
            await found.update(name)
    would_be = "would be " if dry_run else ""
    return Result(
        command="tag.rename",
        data={"version": version, "on": on, "old": tag, "tag": name, "dry_run": dry_run},
        lines=[f"{tag} {would_be}renamed to {name}"],
    )


async def delete(
    target: str,
    version: str,
    tag: str,
    /,
    *,
    on: Kind = "assets",
    yes: Flag = False,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Delete a tag, and take it off everything that carries it. This cannot be undone.

    On a terminal the name of the tag must be typed; elsewhere --yes is needed.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version; for other tags than those of assets, any name.
        tag: Name of the tag.
        on: Kind of object that the tag is for: assets, data, version or dataset.
        yes: Delete without asking.
        dry_run: Print what would be deleted, and do nothing.
    """
    async with connected(target, account) as client:
        found = await _find(client, version, on, tag)
        count = await _count(client, version, on, tag)
        where = on if count is None else plural(count, on.removesuffix("s"))
        action = f"delete the tag {tag}, on {where}, for good"
        if not dry_run:
            await confirm(action, tag, yes=yes)
            await found.delete()
    return Result(
        command="tag.delete",
        data={"version": version, "on": on, "tag": tag, "count": count, "dry_run": dry_run},
        lines=[f"would {action}" if dry_run else action.replace("delete", "deleted", 1)],
    )


def _given(tags: tuple[str, ...], command: str) -> None:
    if not tags:
        raise UsageError("TAG is missing", hint=f"see: headrace tag {command} --help")


def _touched(
    verb: str, version: str, tags: tuple[str, ...], on: Kind, count: int, *, dry_run: bool
) -> Result:
    done = {"add": "tagged with", "remove": "without"}[verb]
    would_be = "would be " if dry_run else ""
    noun = {"assets": "asset", "data": "file"}.get(on, on)
    return Result(
        command=f"tag.{verb}",
        data={"version": version, "tags": list(tags), "on": on, "count": count, "dry_run": dry_run},
        lines=[f"{version}: {plural(count, noun)} {would_be}{done} {', '.join(tags)}"],
    )


async def _version(client: Client, name: str | None) -> DatasetVersion:
    _, found = await find_either(client, name or "")
    if found is None:
        raise UsageError(f"{name!r} is a dataset", hint="write dataset/version, or --on dataset")
    return found


async def _objects(client: Client, version: str, on: Kind, query: str | None) -> Taggable:
    """Return the objects to tag."""
    if on == "dataset":
        dataset, found = await find_either(client, version)
        return dataset or await client.get_dataset(found.name if found else version)
    if on == "version":
        return await _version(client, version)
    assets = await chosen_assets(await _version(client, version), query)
    return assets if on == "assets" else await assets.as_multidata()


async def _tags(client: Client, version: str | None, on: Kind) -> list[Tag]:
    if on == "assets":
        return await (await _version(client, version)).list_asset_tags()
    if on == "data":
        return await (await client.get_datalake()).list_data_tags()
    return await client.list_tags("dataset_version" if on == "version" else "dataset")


async def _made(client: Client, version: str, on: Kind, name: str) -> Tag:
    """Find a tag by name, or create it."""
    if on == "assets":
        return await (await _version(client, version)).get_or_create_asset_tag(name)
    if on == "data":
        return await (await client.get_datalake()).get_or_create_data_tag(name)
    return await client.get_or_create_tag(name, "dataset_version" if on == "version" else "dataset")


async def _find(client: Client, version: str, on: Kind, name: str) -> Tag:
    tags = {tag.name: tag for tag in await _tags(client, version, on)}
    return pick(tags, f"tag for {on}", name)


async def _count(client: Client, version: str, on: Kind, name: str) -> int | None:
    """Return how many objects carry a tag; None for versions and datasets, which no call counts."""
    if on == "assets":
        return await (await _version(client, version)).list_assets(tags=name).count()
    if on == "data":
        return await (await client.get_datalake()).list_data(tags=name).count()
    return None
