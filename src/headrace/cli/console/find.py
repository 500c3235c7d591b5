"""Finding by name what a command works on; an unknown name gets the nearest one and those that exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.cli.console.target import find_version
from headrace.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.sdk.asset import MultiAsset
    from headrace.sdk.client.client import Client
    from headrace.sdk.dataset import Dataset
    from headrace.sdk.version.dataset_version import DatasetVersion


async def find_either(client: Client, name: str) -> tuple[Dataset | None, DatasetVersion | None]:
    """Return what a name means: ``dataset/version`` a version, a name without ``/`` a dataset; the other is None."""
    if "/" in name:
        return None, await find_version(client, name)
    return await client.get_dataset(name), None


async def chosen_assets(
    version: DatasetVersion, query: str | None, files: Sequence[str] = ()
) -> MultiAsset:
    """Return the assets that a query chooses, of those with the given file names; all without either.

    Raises:
        NotFoundError: A file name belongs to no asset; the hint has near names.
    """
    assets = await version.list_assets(q=query, filenames=list(files) or None)
    if files and not query:
        found = {asset.filename for asset in assets}
        missing = [name for name in files if name not in found]
        if missing:
            raise NotFoundError(
                f"no asset {missing[0]!r} in {version.name}/{version.version}",
                hint="headrace ls lists the files; -q chooses by a condition",
            )
    return assets
