"""The locks of changes, named before the transaction begins: ids hold the numbers of versions and campaigns.

A change of a version locks the version, and its dataset together with the changes of other versions. So what concerns
several versions (label keys, shared content, deletion of the dataset) locks the dataset alone. Campaigns are changed
under the lock of their version.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from headrace.errors import NotFoundError
from headrace.model.ids import InvalidIdError, Kind, decode_shape
from headrace.platform.context import Context
from headrace.platform.core.identifiers import key_of
from headrace.platform.core.label_marks import BLOCK
from headrace.storage.database.locks import Lock

ACCOUNTS = Lock.organization(0)
"""Accounts, members, tokens and signing keys of all organizations."""

STRIPE = BLOCK
"""Assets of one stripe: those whose marks of labels are one row."""

MAX_STRIPES = 16
"""A change of assets in more stripes locks the version alone."""

_CAMPAIGN_PARTS = frozenset({Kind.STEP, Kind.ASSIGNMENT})


async def version_locks(
    context: Context, id: UUID, kind: Kind = Kind.VERSION, *, labels: bool = False
) -> tuple[Lock, ...]:
    """Return the locks of a change of a version.

    Args:
        context: The open lake.
        id: The id of the version, of a part of it, of its campaign or of a part of that.
        kind: The kind of the id.
        labels: Whether labels may be created, or content shared: this concerns all versions of the dataset.

    Raises:
        NotFoundError: The id is not one of this kind.
    """
    key = key_of(id, kind)
    if kind is Kind.CAMPAIGN or kind in _CAMPAIGN_PARTS:
        campaign = key.number if kind is Kind.CAMPAIGN else key.scope
        return await locks_of_campaign(context, campaign)
    number = key.number if kind is Kind.VERSION else key.scope
    return await locks_of_version(context, number, labels=labels)


def beside_locks(
    dataset: int, version: int, assets: Iterable[int], *, alone: bool
) -> tuple[Lock, ...]:
    """Return the locks of a change of some assets of a version.

    Args:
        dataset: The number of its dataset.
        version: The number of the version.
        assets: The numbers of the assets.
        alone: Whether the change excludes those of the other assets.
    """
    stripes = {asset // STRIPE for asset in assets}
    if alone or len(stripes) > MAX_STRIPES:
        return Lock.dataset(dataset, shared=True), Lock.version(version)
    return (
        Lock.dataset(dataset, shared=True),
        Lock.version(version, shared=True),
        *(Lock.stripe(version, stripe) for stripe in sorted(stripes)),
    )


async def shape_locks(context: Context, id: UUID) -> tuple[Lock, ...]:
    """Return the locks of a change of a shape; raises NotFoundError where the id is not that of a shape."""
    try:
        version = decode_shape(id).version
    except InvalidIdError:
        raise NotFoundError(f"there is no shape {id}") from None
    return await locks_of_version(context, version)


async def locks_of_version(
    context: Context, version: int, *, labels: bool = False
) -> tuple[Lock, ...]:
    """Return the locks of a change of the version with a number; see :func:`version_locks`."""
    dataset = await dataset_of(context, version)
    if dataset is None:
        return (Lock.version(version),)
    return Lock.dataset(dataset, shared=not labels), Lock.version(version)


async def locks_of_campaign(context: Context, campaign: int) -> tuple[Lock, ...]:
    """Return the locks of a change of the campaign with a number: those of its version."""
    version = await _remembered(context, context.versions, "campaigns.version", campaign)
    if version is None:
        return (Lock.campaign(campaign),)
    return await locks_of_version(context, version)


async def dataset_of(context: Context, version: int) -> int | None:
    """Return the dataset of a version, which never changes; None where there is no such version."""
    return await _remembered(context, context.datasets, "versions.dataset", version)


async def _remembered(
    context: Context, known: dict[int, int], statement: str, no: int
) -> int | None:
    found = known.get(no)
    if found is None:
        row = await context.database.fetch_one(statement, no=no)
        if row is None:
            return None
        if len(known) >= context.REMEMBERED:
            known.clear()
        found = known[no] = int(row[0])
    return found
