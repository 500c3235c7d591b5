"""``headrace version add``, ``merge``, ``split``, ``lock`` and ``unlock``: what is in a version, and who may change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.cli.console.errors import UsageError
from headrace.cli.console.find import chosen_assets
from headrace.cli.console.options import (
    DEFAULT_ACCOUNT,
    DEFAULT_OUTPUT,
    Account,
    Flag,
    Output,
    Query,
    Repeatable,
)
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected, find_version
from headrace.cli.console.wording import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.sdk.version.dataset_version import DatasetVersion

PARTS = {2: ("train", "val"), 3: ("train", "val", "test")}
"""Names of the parts of a split, by their number."""


async def add(
    target: str,
    version: str,
    /,
    *files: str,
    q: Query = None,
    tag: Repeatable = None,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Add files of the datalake to a version, as assets; headrace ls --data lists them.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        files: Names of the files. Give these or -q.
        q: Add the files that fulfil this condition.
        tag: A tag for the assets; created if it is missing. Repeatable.
        dry_run: Print what would be added, and do nothing.
    """
    if not files and q is None:
        raise UsageError(
            "no files are chosen", hint="give names of files, or a condition: -q 'width > 640'"
        )
    async with connected(target, account) as client:
        found = await find_version(client, version)
        lake = await client.get_datalake()
        data = await lake.list_data(q=q, filenames=list(files) or None)
        if data and not dry_run:
            await found.add_data(data, tag)
    would_be = "would be " if dry_run else ""
    return Result(
        command="version.add",
        data={"version": version, "data": len(data), "tags": tag or [], "dry_run": dry_run},
        lines=[f"{version}: {plural(len(data), 'file')} of the datalake {would_be}added"],
    )


async def merge(
    target: str,
    version: str,
    into: str,
    /,
    *,
    q: Query = None,
    no_tags: Flag = False,
    no_annotations: Flag = False,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Copy the assets of a version into another version of its dataset; no file is copied.

    Assets that are there already keep their annotations and get the tags. headrace copy copies between datasets.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version to copy from, as dataset/version.
        into: The version that gets the assets.
        q: Only the assets that fulfil this condition. Default: all.
        no_tags: Leave out the tags of the assets.
        no_annotations: Leave out the annotations.
        dry_run: Print what would be copied, and do nothing.
    """
    async with connected(target, account) as client:
        found = await find_version(client, version)
        full_name = into if "/" in into else f"{found.name}/{into}"
        other = await find_version(client, full_name)
        assets = await chosen_assets(found, q)
        added = len(assets)
        if assets and not dry_run:
            before = await other.list_assets().count()
            await found.copy_assets_to(
                other, assets, with_tags=not no_tags, with_annotations=not no_annotations
            )
            added = await other.list_assets().count() - before
    done = "would be copied into it" if dry_run else "copied into it"
    there = f", {len(assets) - added:,} were there already" if added < len(assets) else ""
    return Result(
        command="version.merge",
        data={
            "from": version,
            "version": full_name,
            "assets": len(assets),
            "added": None if dry_run else added,
            "dry_run": dry_run,
        },
        lines=[f"{full_name}: {plural(added, 'asset')} of {version} {done}{there}"],
    )


async def split(
    target: str,
    version: str,
    ratios: str,
    /,
    *,
    name: Repeatable = None,
    seed: str = "0",
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Split the annotated assets at random, and tag each part: train, val, test.

    The same seed gives the same split. Exports write the splits that the tags name; tags of an older split are taken off.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        ratios: Shares of the parts, such as 80/20 or 70/20/10.
        name: Name of a part, in the order of the ratios. Repeatable. Default: train, val and test.
        seed: A number or text.
        dry_run: Print the sizes of the parts, and do nothing.
    """
    shares = _shares(ratios)
    names = name or PARTS.get(len(shares))
    if names is None or len(names) != len(shares):
        raise UsageError(
            f"{ratios} has {len(shares)} parts", hint="name each of them: --name train --name val …"
        )
    async with connected(target, account) as client:
        found = await find_version(client, version)
        parts: list[list[Any]] = [[] for _ in shares]
        async for part, asset in found.iter_split(shares, seed):
            parts[part].append(asset.id)
        if not dry_run:
            for index, part_name in enumerate(names):
                await _tag_part(found, part_name, parts, index)
        older = await _untag_older(found, names, parts, dry_run=dry_run)
    sizes = {part_name: len(ids) for part_name, ids in zip(names, parts, strict=True)}
    shown = ", ".join(f"{number:,} {part_name}" for part_name, number in sizes.items())
    return Result(
        command="version.split",
        data={
            "version": version,
            "parts": sizes,
            "untagged": older,
            "seed": seed,
            "dry_run": dry_run,
        },
        lines=[
            f"{version}: {shown}" + (", not tagged (dry run)" if dry_run else ""),
            *(
                f"the tag {tag} of an older split {'would be ' if dry_run else ''}taken off {plural(count, 'asset')}"
                for tag, count in older.items()
            ),
        ],
        next=f"headrace export {target} {version} DST --to yolo",
    )


async def _tag_part(version: DatasetVersion, name: str, parts: list[list[Any]], index: int) -> None:
    """Attach the tag of a part to its assets, and take it off those of the other parts."""
    tag = await version.get_or_create_asset_tag(name)
    others = {asset for at, ids in enumerate(parts) if at != index for asset in ids}
    wrong = [asset async for asset in version.list_assets(tags=name) if asset.id in others]
    if wrong:
        await tag.detach_from(wrong)
    if parts[index]:
        await tag.attach_on(await version.list_assets(ids=parts[index]))


async def _untag_older(
    version: DatasetVersion, names: Sequence[str], parts: list[list[Any]], *, dry_run: bool
) -> dict[str, int]:
    """Take tags that name other splits off the assets, since an export would follow them; return from how many."""
    from headrace.engine.versions.split_tags import SPLIT_TAGS

    if not any(name.casefold() in SPLIT_TAGS for name in names):
        return {}
    chosen = {asset for ids in parts for asset in ids}
    counts: dict[str, int] = {}
    for tag in await version.list_asset_tags():
        if tag.name in names or tag.name.casefold() not in SPLIT_TAGS:
            continue
        older = [asset async for asset in version.list_assets(tags=tag) if asset.id in chosen]
        if older:
            counts[tag.name] = len(older)
            if not dry_run:
                await tag.detach_from(older)
    return counts


def _shares(ratios: str) -> list[float]:
    try:
        shares = [float(part) for part in ratios.split("/")]
    except ValueError:
        shares = []
    if len(shares) < 2 or min(shares) < 0 or sum(shares) <= 0:
        raise UsageError(f"{ratios!r} is no split", hint="write 80/20 or 70/20/10")
    return shares


async def lock(
    target: str,
    version: str,
    /,
    *,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Lock a version: nothing in it can be changed or deleted until it is unlocked.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        dry_run: Print whether it is locked, and do nothing.
    """
    return await _set_lock(target, version, account, locked=True, dry_run=dry_run)


async def unlock(
    target: str,
    version: str,
    /,
    *,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Unlock a version.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        dry_run: Print whether it is locked, and do nothing.
    """
    return await _set_lock(target, version, account, locked=False, dry_run=dry_run)


async def _set_lock(
    target: str, version: str, account: Account, *, locked: bool, dry_run: bool
) -> Result:
    async with connected(target, account) as client:
        found = await find_version(client, version)
        before = found.is_locked
        if not dry_run:
            await (found.lock() if locked else found.unlock())
    word = "locked" if locked else "unlocked"
    state = f"is {word} already" if before == locked else f"{'would be ' if dry_run else ''}{word}"
    return Result(
        command=f"version.{word.removesuffix('ed')}",
        data={"version": version, "locked": before if dry_run else locked, "dry_run": dry_run},
        lines=[f"{version} {state}"],
    )
