"""Reaching what TARGET and VERSION name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from headrace.cli.console.errors import UsageError
from headrace.cli.console.options import Account
from headrace.errors import NotFoundError

if TYPE_CHECKING:
    from headrace.sdk.client.client import Client
    from headrace.sdk.version.dataset_version import DatasetVersion


@asynccontextmanager
async def connected(target: str, account: Account) -> AsyncIterator[Client]:
    """A client of the lake or server that ``target`` names."""
    from headrace import connect

    async with connect(
        target, api_token=account.token, organization_name=account.organization
    ) as client:
        yield client


async def find_version(client: Client, name: str) -> DatasetVersion:
    """The version ``dataset/version``; NotFoundError with the names there are where there is none."""
    check_version_name(name)
    try:
        return await client.version(name)
    except NotFoundError:
        dataset_name, _, version_name = name.rpartition("/")
        datasets = {dataset.name: dataset async for dataset in client.list_datasets()}
        if dataset_name not in datasets:
            raise NotFoundError(
                f"no dataset {dataset_name!r}", hint=_candidates(dataset_name, list(datasets))
            ) from None
        versions = [version.version async for version in datasets[dataset_name].list_versions()]
        raise NotFoundError(
            f"no version {version_name!r} in {dataset_name}",
            hint=_candidates(version_name, versions),
        ) from None


def check_version_name(name: str) -> None:
    """UsageError where ``name`` is not of the form ``dataset/version``."""
    dataset, slash, version = name.rpartition("/")
    if not (slash and dataset and version):
        raise UsageError(f"{name!r} names no version", hint="write dataset/version, as in bccd/v1")


def given(**options: Any) -> dict[str, Any]:
    """The options that were given, for calls that have defaults of their own."""
    return {name: value for name, value in options.items() if value is not None}


def _candidates(name: str, known: list[str]) -> str:
    if not known:
        return "there is none yet; push makes them"
    near = get_close_matches(name, known, n=1)
    shown = ", ".join(sorted(known)[:10]) + (", …" if len(known) > 10 else "")
    return (f"did you mean {near[0]!r}? " if near else "") + f"there is {shown}"
