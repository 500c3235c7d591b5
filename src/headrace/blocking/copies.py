"""Copying versions, without ``async``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from headrace.blocking.client import Client
from headrace.blocking.portal import portal

if TYPE_CHECKING:
    from headrace.engine.copy.report import CopyReport
    from headrace.engine.name_filter import NameFilter
    from headrace.formats.label_map import LabelMap
    from headrace.sdk.client import client as async_client
    from headrace.transfer.progress import OnProgress


class CopyKeywords(TypedDict, total=False):
    """The options of :func:`copy_version`; ``headrace.copy_version`` describes them."""

    q: str | None
    include: str | Iterable[str] | NameFilter
    exclude: str | Iterable[str]
    names: Iterable[str] | None
    labels_map: str | Path | LabelMap | None
    expected_digest: str | None
    verify: bool
    dry_run: bool
    from_profile: str | None
    to_profile: str | None
    spool_bytes: int | None
    max_workers: int | None
    progress: OnProgress | None


def copy_version(
    source: Client | str | os.PathLike[str],
    version: str,
    target: Client | str | os.PathLike[str],
    new_name: str | None = None,
    *,
    confirm: Callable[[CopyReport], bool] | None = None,
    **options: Unpack[CopyKeywords],
) -> CopyReport:
    """Copy a version with everything that is in it from one lake, server or platform to another.

    Args:
        source: A client, or the folder of a lake, or the URL of a server.
        version: The version to copy, as ``"dataset/version"``.
        target: Where to copy it, in the same forms.
        new_name: The version there, as ``"dataset/version"``. Default: the same name.
        confirm: Called before anything is written, with the report as of a dry run; if it returns False, nothing is
            written. It is called in a thread of headrace.
        **options: The other arguments of ``headrace.copy_version``, such as ``q`` and ``dry_run``.

    Returns:
        What was copied, and what the target could not hold.

    Raises:
        PartialTransferError: If something could not be copied, or differs at the end; its report says what. The same
            call continues.
    """
    # Imported late: it needs the database of the journal.
    from headrace.sdk.client import copies

    async def confirmed(planned: CopyReport) -> bool:
        return confirm is None or confirm(planned)

    return portal().call(
        lambda: copies.copy_version(
            _inner(source),
            version,
            _inner(target),
            new_name,
            confirm=None if confirm is None else confirmed,
            **options,
        )
    )


def _inner(
    target: Client | str | os.PathLike[str],
) -> async_client.Client | str | os.PathLike[str]:
    return target.inner if isinstance(target, Client) else target
