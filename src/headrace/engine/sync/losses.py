"""What a planned synchronization would delete: counted, and refused if it is more than the limit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Self
from uuid import UUID

from msgspec import Struct

from headrace.backend.base import Backend
from headrace.engine.sync.plan import Action
from headrace.engine.sync.report import SyncReport
from headrace.engine.versions.load import annotations_of_assets, count_shapes
from headrace.errors import ConfigurationError

DEFAULT_PERCENT = 10
DEFAULT_LEAST = 10
"""Number of deletions that the default allows in any case."""

_FORM = re.compile(r"(\d+)|(\d+(?:\.\d+)?)\s*%")


class DeleteLimit(Struct, frozen=True):
    """The most that one side may lose: ``percent`` of its files, or ``least`` files if that is more."""

    percent: float = DEFAULT_PERCENT
    least: int = DEFAULT_LEAST

    @classmethod
    def parse(cls, limit: int | str | None) -> Self:
        """Return the limit that a number of files, or a percentage such as ``"25%"``, stands for; None is the default.

        Raises ConfigurationError for anything else.
        """
        if limit is None:
            return cls()
        found = _FORM.fullmatch(str(limit).strip())
        percent = float(found[2] or 0) if found else 101
        if found is None or percent > 100:
            raise ConfigurationError(
                f"max_delete={str(limit)!r} is neither a number nor a percentage",
                hint="give a number of files such as 50, or a part of them such as 25%",
            )
        return cls(percent, int(found[1] or 0))

    def most(self, total: int) -> int:
        """Return the number of deletions that is allowed of ``total`` files."""
        return max(int(total * self.percent / 100), self.least)


class Refusal(Struct, frozen=True):
    """Why a synchronization must not run, and how to allow it."""

    why: str
    hint: str


def find_refusal(
    report: SyncReport, limit: DeleteLimit, *, assets: int, files: int
) -> Refusal | None:
    """Return why a plan deletes too much; None if it does not.

    Args:
        report: The plan.
        limit: The limit for each side.
        assets: Number of assets in the version.
        files: Number of images and videos in the folder.
    """
    removed, deleted = report.removed_assets, report.deleted_files
    losses = f"{_count(removed, 'asset')} with {_count(report.removed_shapes, 'shape')}"
    if report.of(Action.DELETE_REMOTE) and not files:
        return Refusal(
            f"the folder holds no images or videos: {losses} would be removed from the version",
            "sync with direction='down' and without delete=True to put the files back into the folder",
        )
    if deleted and not assets:
        return Refusal(
            f"the version has no assets: {_count(deleted, 'file')} would be deleted in the folder",
            "sync with direction='up' and without delete=True to put the files back into the version",
        )
    if removed > limit.most(assets):
        return Refusal(
            f"{losses} would be removed from the version, more than {limit.most(assets):,} of {assets:,}",
            f"if that is meant, give max_delete={removed}",
        )
    if deleted > limit.most(files):
        return Refusal(
            f"{_count(deleted, 'file')} would be deleted in the folder, more than {limit.most(files):,} of {files:,}",
            f"if that is meant, give max_delete={deleted}",
        )
    return None


async def shapes_of_assets(
    backend: Backend, version_id: UUID, asset_ids: Sequence[UUID]
) -> dict[UUID, int]:
    """Return the number of shapes of each asset that has annotations."""
    found: dict[UUID, int] = {}
    if asset_ids:
        async for page in annotations_of_assets(backend, version_id, asset_ids=asset_ids):
            for annotation in page:
                asset = UUID(annotation.asset_id)
                found[asset] = found.get(asset, 0) + count_shapes(annotation)
    return found


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
