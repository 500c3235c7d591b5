"""``headrace stats``."""

from __future__ import annotations

from headrace.cli.console.options import DEFAULT_ACCOUNT, DEFAULT_OUTPUT, Account, Output
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected, find_version
from headrace.cli.console.wording import by_count, label_lines, plural


async def stats(
    target: str,
    version: str,
    /,
    *,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Count the assets, annotations and shapes of a version, and the shapes of each label.

    Args:
        target: A lake's folder or a server's URL.
        version: The version, as dataset/version.
    """
    async with connected(target, account) as client:
        found = await find_version(client, version)
        counted = await found.retrieve_stats()
        assets = await found.list_assets().count()
    labels = by_count(counted.label_repartition)
    summary = (
        f"{version}: {plural(assets, 'asset')}, {plural(counted.nb_annotations, 'annotation')},"
        f" {plural(counted.nb_objects, 'shape')}, {plural(len(labels), 'label')}"
    )
    return Result(
        command="stats",
        data={
            "version": version,
            "assets": assets,
            "annotations": counted.nb_annotations,
            "shapes": counted.nb_objects,
            "labels": labels,
        },
        lines=[summary, *label_lines(labels)],
    )
