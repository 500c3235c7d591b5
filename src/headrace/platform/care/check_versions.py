"""Check the versions of a lake: their assets, shapes, counters and marks of labels, and mend what follows from others."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import aclosing
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct, field

from headrace.errors import CorruptionError
from headrace.model.blob.counts import pack_counts, unpack_counts
from headrace.model.blob.layout import VERSION
from headrace.model.blob.unpack import unpack, unpack_page
from headrace.model.columns import Shapes
from headrace.platform.care.check_report import CheckFindings
from headrace.platform.context import Context
from headrace.platform.core import asset_set
from headrace.platform.core.label_marks import BLOCK, mark_range
from headrace.platform.core.scopes import FILLING
from headrace.storage.database.base import Row
from headrace.storage.database.locks import Lock
from headrace.threads import in_thread
from headrace.transfer.progress import Progress

_ROWS = 1_000
_TRIES = 3
_MOST_REPAIRS = 100_000
"""Annotations whose counts one run mends; their keys are kept in memory."""

_attributes = msgspec.json.Decoder(dict[str, Any] | None)

BlockLabel = tuple[int, int]


class VersionKey(NamedTuple):
    """The keys of a version's rows, and its name."""

    no: int
    bucket: int
    dataset: int
    dataset_bucket: int
    name: str

    @property
    def locks(self) -> tuple[Lock, ...]:
        """The locks of a change of its rows."""
        return Lock.dataset(self.dataset, shared=True), Lock.version(self.no)

    @property
    def rows(self) -> dict[str, Any]:
        """The parameters that statements about its rows take."""
        return {"bucket": self.bucket, "version": self.no}


class VersionState(NamedTuple):
    """What a version says of itself. It changes with every change of the version."""

    revision: int
    next_asset: int
    next_annotation: int
    unmarked: int | None
    locked: int
    assets: int
    annotations: int


class Recount(Struct):
    """What the rows of a version add up to.

    ``sets`` are the assets with a label by block and label, as ``label_mark`` stores them. ``wrong_counts`` are the
    counts that follow from the shapes of annotations whose rows say others, by asset and number.
    """

    assets: int = 0
    annotations: int = 0
    last_asset: int = 0
    last_annotation: int = 0
    shapes: Counter[int] = field(default_factory=Counter)
    annotated: Counter[int] = field(default_factory=Counter)
    sets: dict[BlockLabel, bytes] = field(default_factory=dict)
    wrong_counts: dict[tuple[int, int], Counter[int]] = field(default_factory=dict)
    wrong_blocks: set[int] = field(default_factory=set)
    wrong_counters: bool = False
    wrong_numbers: bool = False


async def check_versions(
    context: Context, findings: CheckFindings, progress: Progress, *, repair: bool
) -> None:
    """Check all versions, one after the other."""
    for row in await context.database.fetch("check.versions"):
        version = VersionKey(*row)
        findings.checked["versions"] += 1
        with findings.guard(f"version {version.name}"):
            await _check_version(context, version, findings, progress, repair=repair)


async def _check_version(
    context: Context,
    version: VersionKey,
    findings: CheckFindings,
    progress: Progress,
    *,
    repair: bool,
) -> None:
    for _ in range(_TRIES):
        found = CheckFindings()
        before = await _state(context, version)
        if before is None:
            return  # deleted meanwhile
        try:
            recount = await _VersionReader(context, version, found, progress).read(before)
        except CorruptionError:
            findings.merge(found)
            raise
        # Several statements see one moment only if nothing was written between them.
        if await _state(context, version) == before:
            if repair:
                await _repair(context, version, before, recount, found)
            findings.merge(found)
            return
    findings.note("skipped", version.name, f"it was written to during each of {_TRIES} checks")


async def _state(context: Context, version: VersionKey) -> VersionState | None:
    row = await context.database.fetch_one("check.version", version=version.no)
    return None if row is None else VersionState(*row)


class _VersionReader:
    """Reads all rows of a version once, in the order of its assets."""

    def __init__(
        self, context: Context, version: VersionKey, findings: CheckFindings, progress: Progress
    ) -> None:
        self._context = context
        self._version = version
        self._findings = findings
        self._progress = progress
        self._labels: set[int] = set()
        self._recount = Recount()
        self._block = -1
        self._members: defaultdict[int, set[int]] = defaultdict(set)

    async def read(self, state: VersionState) -> Recount:
        """Read and check everything; returns what the rows add up to."""
        labels = await self._context.database.fetch("labels.keys", version=self._version.no)
        self._labels = {key for key, _ in labels}
        await self._read_assets()
        await self._read_annotations()
        await self._compare_counters(state)
        if state.unmarked is None:
            await self._compare_marks()
        found, recount = self._findings.checked, self._recount
        found["assets"] += recount.assets
        found["annotations"] += recount.annotations
        found["shapes"] += recount.shapes.total()
        return recount

    async def _read_assets(self) -> None:
        recount = self._recount
        rows = self._context.database.stream("check.assets", batch=_ROWS, **self._version.rows)
        async with aclosing(rows) as batches:
            async for batch in batches:
                recount.assets += len(batch)
                recount.last_asset = batch[-1][0]
                for seq, filename, lost in batch:
                    if lost:
                        place = f"{self._version.name} asset {seq} {filename}"
                        self._findings.add("asset", place, "the row of its data is missing")
                self._progress.add(len(batch))

    async def _read_annotations(self) -> None:
        rows = self._context.database.stream(
            "check.annotations",
            batch=_ROWS,
            dataset=self._version.dataset,
            dataset_bucket=self._version.dataset_bucket,
            **self._version.rows,
        )
        async with aclosing(rows) as batches:
            async for batch in batches:
                await in_thread(self._examine, batch)
                self._progress.add(len(batch))
        self._close_block()

    # --- on a thread --------------------------------------------------------------------------------------

    def _examine(self, rows: list[Row]) -> None:
        recount = self._recount
        for row, shapes in zip(rows, self._unpacked(rows), strict=True):
            asset, no, *_, attributes, has_asset, has_account = row
            place = f"{self._version.name} asset {asset} annotation {no}"
            if not has_asset:
                self._findings.add("reference", place, "its asset does not exist")
            if not has_account:
                self._findings.add("reference", place, "the user who made it does not exist")
            self._check_attributes(place, attributes)
            counts = self._counts(place, row, shapes)
            recount.annotations += 1
            recount.last_annotation = max(recount.last_annotation, no)
            if asset // BLOCK != self._block:
                self._close_block()
                self._block = asset // BLOCK
            for label, number in counts.items():
                recount.shapes[label] += number
                recount.annotated[label] += 1
                self._members[label].add(asset % BLOCK)
                if label not in self._labels:
                    self._findings.add("reference", place, f"its label {label} does not exist")

    def _unpacked(self, rows: list[Row]) -> list[Shapes | str]:
        """Return the shapes of each row, or what is wrong with them."""
        blobs = [row[4] for row in rows]
        if None not in blobs:
            try:
                return list(unpack_page(blobs, points="lazy"))
            except CorruptionError:
                pass  # one by one
        unpacked: list[Shapes | str] = []
        for blob in blobs:
            try:
                unpacked.append("its shapes are missing" if blob is None else unpack(blob))
            except CorruptionError as error:
                unpacked.append(error.message)
        return unpacked

    def _counts(self, place: str, row: Row, shapes: Shapes | str) -> dict[int, int]:
        """Return how many shapes of each label an annotation has; its shapes themselves are the truth."""
        asset, no, shapes_n, packed, blob = row[:5]
        try:
            stored = unpack_counts(packed)
        except CorruptionError:
            stored = None
        if isinstance(shapes, str):
            self._findings.add("shapes", place, shapes)
            return stored or {}
        counts = +shapes.label_counts()
        if stored != counts or shapes_n != counts.total():
            self._findings.add(
                "counter", place, "the counts of its row are not those of its shapes"
            )
            # Blobs of earlier formats have no checksum, so they may be what is wrong.
            if blob[0] >> 4 == VERSION and len(self._recount.wrong_counts) < _MOST_REPAIRS:
                self._recount.wrong_counts[asset, no] = counts
        return counts

    def _check_attributes(self, place: str, attributes: str | None) -> None:
        if attributes is None:
            return
        try:
            _attributes.decode(attributes)
        except msgspec.MsgspecError as error:
            self._findings.add("shapes", place, f"its attributes are damaged: {error}")

    def _close_block(self) -> None:
        for label, members in self._members.items():
            self._recount.sets[self._block, label] = asset_set.from_bits(asset_set.bits_of(members))
        self._members.clear()

    # --- comparisons --------------------------------------------------------------------------------------

    async def _compare_counters(self, state: VersionState) -> None:
        recount, name = self._recount, self._version.name
        rows = await self._context.database.fetch("counters.labels", **self._version.rows)
        stored = {label: (shapes, annotations) for label, shapes, annotations, _ in rows}
        actual = {label: (n, recount.annotated[label]) for label, n in recount.shapes.items() if n}
        for label in sorted(stored.keys() | actual.keys()):
            one, other = stored.get(label, (0, 0)), actual.get(label, (0, 0))
            if one != other:
                message = f"says {one[0]:,} shapes in {one[1]:,} annotations, and there are {other[0]:,} in {other[1]:,}"
                self._findings.add("counter", f"{name} label {label}", message)
                recount.wrong_counters = True
        for what, said, there in (
            ("assets", state.assets, recount.assets),
            ("annotations", state.annotations, recount.annotations),
        ):
            if said != there:
                message = f"says {said:,}, and there are {there:,}"
                self._findings.add("counter", f"{name} {what}", message)
                recount.wrong_counters = True
        for what, following, last in (
            ("asset", state.next_asset, recount.last_asset),
            ("annotation", state.next_annotation, recount.last_annotation),
        ):
            # A fork gets its numbers once it is filled; until then nothing else is added to it.
            if following <= last and state.locked != FILLING:
                message = f"the next would get the number {following}, which is taken"
                self._findings.add("counter", f"{name} {what}s", message)
                recount.wrong_numbers = True

    async def _compare_marks(self) -> None:
        expected = dict(self._recount.sets)
        rows = self._context.database.stream("check.marks", batch=_ROWS, **self._version.rows)
        wrong: list[BlockLabel] = []
        async with aclosing(rows) as batches:
            async for batch in batches:
                for block, label, size, stored in batch:
                    actual = expected.pop((block, label), b"")
                    if not _same(stored, size, actual):
                        wrong.append((block, label))
        for block, label in [*wrong, *expected]:
            first = block * BLOCK
            place = f"{self._version.name} label {label} of assets {first} to {first + BLOCK - 1}"
            self._findings.add("mark", place, "not the assets that have the label")
            self._recount.wrong_blocks.add(block)


def _same(stored: bytes, size: int, actual: bytes) -> bool:
    try:
        same = asset_set.to_bits(stored) == asset_set.to_bits(actual)
    except CorruptionError:
        return False
    return same and size == asset_set.size_of(actual)


# --- repair -----------------------------------------------------------------------------------------------


async def _repair(
    context: Context,
    version: VersionKey,
    state: VersionState,
    recount: Recount,
    findings: CheckFindings,
) -> None:
    """Write again what follows from the shapes: counts, counters and marks of labels. Nothing is lost by it."""
    rows = version.rows
    if recount.wrong_counts or recount.wrong_counters or recount.wrong_numbers:
        async with context.database.transaction(*version.locks) as tx:
            row = await tx.fetch_one("check.version", version=version.no)
            if row is None or VersionState(*row) != state:
                findings.note("skipped", version.name, "it was written to before it was mended")
                return
            for (asset, no), counts in recount.wrong_counts.items():
                packed = pack_counts(counts)
                await tx.execute(
                    "check.set_counts",
                    asset=asset,
                    no=no,
                    shapes_n=counts.total(),
                    counts=packed,
                    **rows,
                )
            await tx.execute("counters.drop_label_deltas", **rows)
            await tx.execute("counters.drop_version_deltas", **rows)
            place = (version.bucket, version.no)
            await tx.insert_many(
                "counters.add_label_delta",
                [
                    (*place, label, n, recount.annotated[label])
                    for label, n in recount.shapes.items()
                ],
            )
            totals = (*place, recount.assets, recount.annotations)
            await tx.insert_many("counters.add_version_delta", [totals])
            await tx.execute(
                "check.set_numbers",
                version=version.no,
                next_asset=recount.last_asset + 1,
                next_annotation=recount.last_annotation + 1,
            )
        findings.mend(
            "counter", findings.faults["counter"], f"{version.name}: counters counted again"
        )
    for block in sorted(recount.wrong_blocks):
        async with context.database.transaction(*version.locks) as tx:
            await tx.execute("check.drop_marks", block=block, **rows)
            await mark_range(tx, version.bucket, version.no, block * BLOCK, (block + 1) * BLOCK)
    if recount.wrong_blocks:
        findings.mend(
            "mark", findings.faults["mark"], f"{version.name}: labels of assets marked again"
        )
