"""``headrace stats``."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from headrace.cli.console.choice import (
    DEFAULT_CHOICE,
    Choice,
    not_found_data,
    not_found_lines,
    status_of,
)
from headrace.cli.console.options import (
    DEFAULT_ACCOUNT,
    DEFAULT_OUTPUT,
    Account,
    Output,
    Query,
)
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected, find_version
from headrace.cli.console.wording import by_count, label_lines, plural

if TYPE_CHECKING:
    from headrace.engine.name_filter import NameFilter
    from headrace.model.records import VersionStats
    from headrace.sdk.version.dataset_version import DatasetVersion


async def stats(
    target: str,
    version: str,
    /,
    *,
    q: Query = None,
    choice: Choice = DEFAULT_CHOICE,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Count the assets, annotations and shapes of a version, and the shapes of each label.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        q: Count only the assets that fulfil this condition.
    """
    chosen = await choice.filter()
    everything = q is None and not chosen
    async with connected(target, account) as client:
        found = await find_version(client, version)
        if everything:
            counted = await found.retrieve_stats()
            assets = await found.list_assets().count()
        else:
            counted, assets = await _of_chosen(found, q, chosen)
    labels = by_count(counted.label_repartition)
    summary = (
        f"{version}: {plural(assets, 'asset')}{'' if everything else ' chosen'},"
        f" {plural(counted.nb_annotations, 'annotation')},"
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
            **not_found_data(chosen),
        },
        status=status_of(chosen),
        lines=[summary, *label_lines(labels), *not_found_lines(chosen)],
    )


async def _of_chosen(
    version: DatasetVersion, q: str | None, chosen: NameFilter
) -> tuple[VersionStats, int]:
    """Return the numbers of the chosen assets, and how many they are; hold one page of assets in memory."""
    from headrace.model.records import VersionStats

    labels: Counter[str] = Counter()
    annotations = assets = 0
    async for page in version.list_assets(q=q).pages():
        taken = [asset for asset in page if chosen.chooses(asset.filename)]
        if not taken:
            continue
        counted = await version.retrieve_stats(assets=taken)
        labels.update(counted.label_repartition)
        annotations += counted.nb_annotations
        assets += len(taken)
    total = VersionStats(
        label_repartition=dict(labels), nb_objects=labels.total(), nb_annotations=annotations
    )
    return total, assets
