"""Finding by name what a command works on; an unknown name gets the nearest one and those that exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from headrace.cli.console.target import find_version
from headrace.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.sdk.asset import MultiAsset
    from headrace.sdk.campaign.campaign import AnnotationCampaign
    from headrace.sdk.campaign.step import AnnotationCampaignStep
    from headrace.sdk.client.client import Client
    from headrace.sdk.dataset import Dataset
    from headrace.sdk.user import User
    from headrace.sdk.version.dataset_version import DatasetVersion

T = TypeVar("T")


async def find_either(client: Client, name: str) -> tuple[Dataset | None, DatasetVersion | None]:
    """Return what a name means: ``dataset/version`` a version, a name without ``/`` a dataset; the other is None."""
    if "/" in name:
        return None, await find_version(client, name)
    return await client.get_dataset(name), None


async def find_step(campaign: AnnotationCampaign, name: str) -> AnnotationCampaignStep:
    """Return a step of a campaign by name; NotFoundError lists those that exist."""
    return pick({step.name: step for step in await campaign.list_steps()}, "step", name)


async def find_user(client: Client, name: str) -> User:
    """Return a user of the organization by name; NotFoundError lists those that exist."""
    return pick({user.username: user for user in await client.list_users()}, "user", name)


def pick(named: Mapping[str, T], what: str, name: str) -> T:
    """Return one of several objects by name; NotFoundError has the nearest name and the first ten that exist."""
    if name in named:
        return named[name]
    from headrace.sdk.base.names import existing

    hint = existing(name, list(named)) if named else "none exists yet"
    raise NotFoundError(f"no {what} {name!r}", hint=hint)


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
