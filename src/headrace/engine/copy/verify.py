"""Compare the target with what was copied: every file by its SHA-256, every annotation by its value.

The target is read once more. A platform that does not tell the SHA-256 of its files has them fetched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import anyio

from headrace.engine.copy.fit import Fitting
from headrace.engine.copy.journal import Journal
from headrace.engine.copy.journal_rows import Row
from headrace.engine.copy.report import CopyReport
from headrace.engine.copy.sides import CopySide
from headrace.engine.digest.canonical import asset_digest, head_of
from headrace.engine.digest.file_digest import sha256_of
from headrace.engine.digest.run import PREFIX
from headrace.engine.digest.sorted_digests import SortedDigests
from headrace.engine.paging import CursorListing, batched
from headrace.engine.versions.load import Loaded, load_page
from headrace.model.records import AssetRecord
from headrace.protocol.operations.assets import LIST_ASSETS, ListAssets
from headrace.protocol.operations.labels import LIST_LABELS, ListLabels
from headrace.tasks import map_bounded
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress, Progress

PIECE_ASSETS, PIECES = 100, 4


async def verify(
    target: CopySide,
    journal: Journal,
    fitting: Fitting,
    report: CopyReport,
    progress: OnProgress | None,
    *,
    fetch: bool,
) -> None:
    """Compare all that was copied, in this run and before; differences are in the report, and the target's digest.

    Args:
        target: The target.
        journal: Says what was copied.
        fitting: Gives the keys of annotations.
        report: Gets what is found.
        progress: Called with a progress event from time to time.
        fetch: Whether files are fetched whose SHA-256 the target does not tell.
    """
    await in_thread(journal.begin_check)
    listed = CursorListing(target.backend, LIST_ASSETS, ListAssets(version_id=target.version.id))
    found = (await target.backend.call(LIST_LABELS, ListLabels(version_id=target.version.id))).items
    with (
        SortedDigests() as content,
        Progress("verify", "assets", progress, total=await listed.count()) as counting,
    ):
        run = _Verification(target, journal, fitting, report, content, counting, fetch=fetch)
        async for page in listed.pages():
            await map_bounded(run.check, list(batched(page, PIECE_ASSETS)), concurrency=PIECES)
        await in_thread(run.count_unchecked)
        head = head_of(label.name for label in found)
        if run.knows_all:
            report.target_digest = PREFIX + await in_thread(content.sha256, head)


async def source_digest(journal: Journal, labels: Iterable[str]) -> str:
    """Return the digest of the source as it was read; empty if the content of an asset is not known."""
    head = head_of(labels)

    def compute() -> str:
        with SortedDigests() as content:
            for each in journal.contents():
                if each is None:
                    return ""
                content.add(each)
            return PREFIX + content.sha256(head)

    return await in_thread(compute)


class _Verification:
    """Checks pieces of the target's assets."""

    def __init__(
        self,
        target: CopySide,
        journal: Journal,
        fitting: Fitting,
        report: CopyReport,
        content: SortedDigests,
        progress: Progress,
        *,
        fetch: bool,
    ) -> None:
        self._fetch = fetch
        self.knows_all = True
        self._target = target
        self._journal = journal
        self._fitting = fitting
        self._report = report
        self._content = content
        self._progress = progress
        self._comparing = anyio.Lock()

    def count_unchecked(self) -> None:
        """Count what was not found at the target."""
        for name in self._journal.unchecked():
            self._report.differ(name)

    async def check(self, assets: list[AssetRecord]) -> None:
        backend = self._target.backend
        loaded = await load_page(backend, self._target.version.id, [asset.id for asset in assets])
        digests = await map_bounded(self._sha256, assets, concurrency=backend.limits.concurrency)
        async with self._comparing:
            await in_thread(self._compare, assets, digests, loaded)
        self._progress.add(len(assets))

    async def _sha256(self, asset: AssetRecord) -> str | None:
        if asset.data.sha256 is None and not self._fetch:
            self.knows_all = False
            return None
        return await sha256_of(self._target.backend, asset.data)

    def _compare(
        self, assets: Sequence[AssetRecord], digests: Sequence[str | None], loaded: Loaded
    ) -> None:
        by_asset: dict[str, Loaded] = {}
        for annotation in loaded:
            by_asset.setdefault(annotation.asset_id, []).append(annotation)
        rows = [self._journal.of_target(asset.id) for asset in assets]
        keys = self._journal.keys_of([row.no for row in rows if row is not None])
        checked = []
        for asset, digest, row in zip(assets, digests, rows, strict=True):
            own, data = by_asset.get(str(asset.id), []), asset.data
            self._content.add(asset_digest(data.filename, digest or "", own, data.meta))
            if row is None:
                self._report.extra += 1
                continue
            checked.append(row.no)
            self._report.verified += 1
            if not self._is_same(row, data.filename, digest, own, keys.get(row.no, {})):
                self._report.differ(row.name)
        self._journal.set_checked(checked)

    def _is_same(
        self, row: Row, name: str, digest: str | None, own: Loaded, keys: dict[str, bytes]
    ) -> bool:
        known = row.sha256 is not None and digest is not None
        if name != row.name or (known and row.sha256 != bytes.fromhex(digest or "")):
            return False
        if row.annotations is None:
            return True  # they were changed on both sides, which the report says already
        have = Counter(self._fitting.key(each, row.height) for each in own)
        return not Counter(keys.values()) - have
