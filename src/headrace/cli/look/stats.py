"""``headrace stats``."""

from __future__ import annotations

from headrace.cli.console.label_bars import label_lines
from headrace.cli.console.options import ANYONE, PLAIN, Account, Output
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected, find_version
from headrace.cli.console.wording import many


async def stats(
    target: str,
    version: str,
    /,
    *,
    output: Output = PLAIN,
    account: Account = ANYONE,
) -> Result:
    """Count the assets, annotations and shapes of a version, by label.

    Args:
        target: A lake's folder or a server's URL.
        version: The version, as dataset/version.
    """
    async with connected(target, account) as client:
        found = await find_version(client, version)
        counted = await found.retrieve_stats()
        assets = await found.list_assets().count()
    labels = dict(sorted(counted.label_repartition.items(), key=lambda pair: (-pair[1], pair[0])))
    summary = (
        f"{version}: {many(assets, 'asset')}, {many(counted.nb_annotations, 'annotation')},"
        f" {many(counted.nb_objects, 'shape')}, {many(len(labels), 'label')}"
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
