"""``headrace tag convert``: the tags of assets as classifications."""

from __future__ import annotations

from typing import Literal

from headrace.cli.console.errors import UsageError
from headrace.cli.console.find import pick
from headrace.cli.console.options import DEFAULT_ACCOUNT, DEFAULT_OUTPUT, Account, Flag, Output
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected, find_version
from headrace.cli.console.wording import plural


async def convert(
    target: str,
    version: str,
    /,
    *tags: str,
    on: Literal["assets", "data"] = "assets",
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Classify the assets that carry tags, with labels of the same names. The version must be of type classification or multi.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        tags: Names of the tags.
        on: What carries the tags: assets, or data (the files of the assets).
        dry_run: Print how many assets carry the tags, and do nothing.
    """
    if not tags:
        raise UsageError("TAG is missing", hint="see: headrace tag convert --help")
    async with connected(target, account) as client:
        found = await find_version(client, version)
        if on == "assets":
            known = {tag.name: tag for tag in await found.list_asset_tags()}
            count = await found.list_assets(tags=list(tags)).count()
        else:
            known = {tag.name: tag for tag in await (await client.get_datalake()).list_data_tags()}
            count = await found.list_assets(data_tags=list(tags)).count()
        chosen = [pick(known, f"tag for {on}", name) for name in dict.fromkeys(tags)]
        if not dry_run:
            kind = "ASSET" if on == "assets" else "DATA"
            await found.convert_tags_to_classification(kind, chosen)
    would_be = "would be " if dry_run else ""
    return Result(
        command="tag.convert",
        data={"version": version, "tags": list(tags), "count": count, "dry_run": dry_run},
        lines=[f"{version}: {plural(count, 'asset')} {would_be}classified as {', '.join(tags)}"],
        next=f"headrace label list {target} {version}",
    )
