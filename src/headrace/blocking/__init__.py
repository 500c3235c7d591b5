"""headrace without ``async``: the same classes, whose methods wait for the answer.

::

    from headrace import blocking

    with blocking.connect("lake/") as client:
        version = client.version("bccd/v1")
        for asset in version.iter_assets():
            print(asset.filename)

It works in scripts, beside a running event loop (where a call blocks the caller's loop while it lasts), from several
threads, and after a fork. Callbacks for progress are called in a thread of headrace.
"""

from __future__ import annotations

import os
from uuid import UUID

from headrace.blocking._generated import (
    Asset,
    Client,
    Data,
    Datalake,
    Dataset,
    DatasetVersion,
    DataSource,
    Job,
    Label,
    LabelGroup,
    MultiAsset,
    MultiData,
    Tag,
)
from headrace.blocking.portal import portal
from headrace.engine.convert import convert_blocking as convert
from headrace.sdk import connect as opening

__all__ = [
    "Asset",
    "Client",
    "Data",
    "DataSource",
    "Datalake",
    "Dataset",
    "DatasetVersion",
    "Job",
    "Label",
    "LabelGroup",
    "MultiAsset",
    "MultiData",
    "Tag",
    "connect",
    "convert",
    "create_lake",
]


def connect(
    target: str | os.PathLike[str],
    *,
    api_token: str | None = None,
    organization_id: str | UUID | None = None,
    organization_name: str | None = None,
    username: str | None = None,
) -> Client:
    """A client of ``target``; see :func:`headrace.connect`.

    It is open at once. Close it, use it with ``with``, or leave it open until the process ends.
    """

    async def opened() -> Client:
        return Client(
            await opening.connect(
                target,
                api_token=api_token,
                organization_id=organization_id,
                organization_name=organization_name,
                username=username,
            )
        )

    client = portal().call(opened)
    portal().keep(client.inner.session)
    return client


def create_lake(path: str | os.PathLike[str]) -> None:
    """Make a new lake in a folder that does not exist yet or is empty; LakeError where it is in use."""
    portal().call(lambda: opening.create_lake(path))
