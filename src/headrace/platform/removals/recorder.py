"""Records what a call removes, within the transaction that removes it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from headrace.errors import RemovalNotRecordedError
from headrace.model.blob.counts import unpack_counts
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.listing import json_text
from headrace.platform.core.scopes import VersionScope
from headrace.platform.removals.frames import (
    Frame,
    Replacement,
    SavedAnnotation,
    SavedAsset,
)
from headrace.platform.removals.kinds import RemovalKind
from headrace.platform.removals.parts import append_frames
from headrace.platform.removals.room import check_room
from headrace.storage.database.base import Row, Transaction

JOINED_MS = 60_000
"""Calls without a common key join the user's last removal of the same kind that is not older than this."""

_ASSETS_A_FRAME = 200
_ANNOTATIONS_A_FRAME = 500
_BYTES_HELD = 8 << 20

_HALF_WAY = "what was removed until now can be put back: headrace undo list; to continue without recording: undo=False"

log = logging.getLogger("headrace.platform")


class RemovalChoice(NamedTuple):
    """What a caller wants to be kept of a removal.

    ``undo`` is True if only what is recorded may be removed, and False if nothing is recorded. None, where the caller did
    not say, records what is possible and removes in any case. ``key`` joins the calls of one action; ``source`` is the
    removal that the call takes back.
    """

    undo: bool | None = None
    key: UUID | None = None
    source: int | None = None


class RemovalRecorder:
    """Writes the removal file of one call. Used inside the transactions that remove."""

    def __init__(
        self, context: Context, access: Access, kind: RemovalKind, choice: RemovalChoice
    ) -> None:
        self._context = context
        self._access = access
        self._kind = kind
        self._choice = choice
        self._no: int | None = None
        self._given_up = False

    @property
    def saves(self) -> bool:
        """Whether what goes is written into the removal file."""
        return self._choice.undo is not False and not self._given_up

    @property
    def records(self) -> bool:
        """Whether a removal has a row, even where its contents are not saved."""
        return self.saves or self._choice.key is not None

    async def check_room(
        self, scope: VersionScope, statement: str, keys: Sequence[int] | None = None
    ) -> None:
        """Check, before anything is removed, that the file may grow by what is to go.

        Args:
            scope: The version.
            statement: The statement that measures it.
            keys: Its keys; None where it has none.

        Raises:
            RemovalNotRecordedError: It would exceed the limit, and the caller demands a record.
        """
        if not self.saves:
            return
        try:
            await check_room(self._context, scope, statement, keys)
        except RemovalNotRecordedError as error:
            self._give_up(error)

    async def save_assets(
        self, tx: Transaction, scope: VersionScope, seqs: Sequence[int], *, horizon: int
    ) -> None:
        """Record assets with their tags and annotations."""
        if not self.saves:
            return
        frames = []
        names = await _label_names(tx, scope)
        for keys in _sliced(seqs, _ASSETS_A_FRAME):
            assets = [SavedAsset(*row) for row in await _fetch(tx, "removals.assets", scope, keys)]
            if not assets:
                continue
            frame = Frame(horizon=horizon, assets=assets)
            by_seq = {asset.seq: asset for asset in assets}
            for seq, tag, name in await _fetch(tx, "removals.tags", scope, keys):
                asset = by_seq[seq]
                asset.tags = [*asset.tags, tag]
                frame.tags[tag] = name
            rows = await _fetch(tx, "removals.annotations_of_assets", scope, keys)
            frames.append(_with_annotations(frame, rows, names))
            if _is_large(frames):
                await self._write(tx, scope, frames)
                frames = []
        await self._write(tx, scope, frames)

    async def save_annotations(
        self,
        tx: Transaction,
        scope: VersionScope,
        numbers: Sequence[int],
        counts: Iterable[bytes],
        *,
        horizon: int,
        replacements: Sequence[Replacement] = (),
    ) -> None:
        """Record annotations by number, and what takes the place of each.

        Args:
            tx: The transaction that removes them.
            scope: Their version.
            numbers: Their numbers.
            counts: The packed counts of each: all that is known of them where their contents are not saved.
            horizon: The number that the version's next annotation gets.
            replacements: What takes their place.
        """
        if not numbers or not self.records or self._given_up:
            return
        if not self.saves:
            no, size = await self._row(tx, scope)
            await self._grow(tx, no, size, annotations=len(numbers), shapes=_shapes(counts))
            return
        frames = []
        names = await _label_names(tx, scope)
        for keys in _sliced(numbers, _ANNOTATIONS_A_FRAME):
            rows = await _fetch(tx, "removals.annotations_of_numbers", scope, keys)
            frame = _with_annotations(Frame(horizon=horizon), rows, names)
            assets = {each.asset for each in frame.annotations}
            frame.replacements = [each for each in replacements if each.asset in assets]
            frames.append(frame)
            if _is_large(frames):
                await self._write(tx, scope, frames)
                frames = []
        await self._write(tx, scope, frames)

    # --- the file -----------------------------------------------------------------------------------------

    async def _write(self, tx: Transaction, scope: VersionScope, frames: list[Frame]) -> None:
        if not frames or self._given_up:
            return
        no, size = await self._row(tx, scope)
        if self.saves:
            try:
                size = await append_frames(self._context, tx, no, size, frames)
            except OSError as error:
                why = (error.strerror or str(error)).lower()
                cause = RemovalNotRecordedError(
                    f"cannot write the removal file: {why}",
                    hint=_HALF_WAY if size else None,
                )
                self._give_up(cause)
                if not size:
                    # Nothing of it is recorded, so it must not be listed.
                    await tx.execute("removals.drop", no=no)
                    self._no = None
                return
        await self._grow(
            tx,
            no,
            size,
            assets=sum(len(frame.assets) for frame in frames),
            annotations=sum(len(frame.annotations) for frame in frames),
            shapes=_shapes(each.counts for frame in frames for each in frame.annotations),
        )

    async def _grow(
        self, tx: Transaction, no: int, size: int, *, assets: int = 0, annotations: int, shapes: int
    ) -> None:
        await tx.execute(
            "removals.grow",
            no=no,
            bytes=size,
            assets=assets,
            annotations=annotations,
            shapes=shapes,
            now=self._context.clock(),
        )

    async def _row(self, tx: Transaction, scope: VersionScope) -> tuple[int, int]:
        """Return the number of the removal and the bytes of its file; begins the removal where there is none."""
        organization, now = self._access.organization, self._context.clock()
        row: Row | None
        if self._no is not None:
            row = await tx.fetch_one("removals.hold", no=self._no)
            if row is not None:
                return int(row[0]), int(row[1])
        row = await self._joined(tx, scope, now)
        if row is not None:
            # Another call may have made it longer, until this one holds its row.
            row = await tx.fetch_one("removals.hold", no=row[0])
        if row is None:
            no = await self._context.database.reserve("removal")
            await tx.execute(
                "removals.add",
                no=no,
                organization=organization,
                account=self._access.account,
                kind=str(self._kind),
                dataset=scope.dataset,
                version=scope.no,
                name=scope.full_name,
                key=self._key,
                source=self._choice.source,
                restorable=int(self.saves),
                now=now,
            )
            row = (no, 0)
        self._no = int(row[0])
        return self._no, int(row[1])

    async def _joined(self, tx: Transaction, scope: VersionScope, now: int) -> Row | None:
        organization = self._access.organization
        if self._choice.key is not None:
            return await tx.fetch_one("removals.by_key", organization=organization, key=self._key)
        if self._choice.source is not None:
            return await tx.fetch_one(
                "removals.of_source",
                version=scope.no,
                organization=organization,
                source=self._choice.source,
            )
        return await tx.fetch_one(
            "removals.recent",
            version=scope.no,
            organization=organization,
            account=self._access.account,
            kind=str(self._kind),
            since=now - JOINED_MS,
        )

    @property
    def _key(self) -> str | None:
        return None if self._choice.key is None else str(self._choice.key)

    def _give_up(self, error: RemovalNotRecordedError) -> None:
        """Stop recording where the caller did not demand it, else raise the error."""
        if self._choice.undo:
            raise error
        self._given_up = True
        log.warning("a removal is not recorded: %s", error.message)


def _with_annotations(frame: Frame, rows: list[Row], names: dict[int, str]) -> Frame:
    frame.annotations = [SavedAnnotation(*row) for row in rows]
    keys = {key for each in frame.annotations for key in unpack_counts(each.counts)}
    frame.labels = {key: names[key] for key in sorted(keys) if key in names}
    return frame


def _shapes(counts: Iterable[bytes]) -> int:
    return sum(sum(unpack_counts(each).values()) for each in counts)


def _is_large(frames: list[Frame]) -> bool:
    """Whether frames should be written before more are read."""
    size = sum(len(each.blob) for frame in frames for each in frame.annotations)
    return size > _BYTES_HELD


async def _fetch(
    tx: Transaction, statement: str, scope: VersionScope, keys: Sequence[int]
) -> list[Row]:
    more: dict[str, Any] = (
        {"dataset": scope.dataset, "dataset_bucket": scope.dataset_bucket}
        if "annotations" in statement
        else {}
    )
    return await tx.fetch(
        statement, keys=json_text(keys), bucket=scope.bucket, version=scope.no, **more
    )


async def _label_names(tx: Transaction, scope: VersionScope) -> dict[int, str]:
    return dict(await tx.fetch("labels.keys", version=scope.no))


def _sliced(keys: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(keys), size):
        yield keys[start : start + size]
