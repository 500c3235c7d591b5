"""The digest of a version, from one pass over its assets and annotations; see ``docs/how-to/freeze-a-release.md``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from headrace.backend.base import Backend
from headrace.engine.digest.canonical import asset_digest, head_of
from headrace.engine.digest.file_digest import sha256_of
from headrace.engine.digest.sorted_digests import SortedDigests
from headrace.engine.paging import CursorListing, batched
from headrace.engine.versions.load import Loaded, count_shapes, load_page
from headrace.errors import ConfigurationError, DigestMismatchError
from headrace.model.records import AssetRecord, DatasetVersionRecord
from headrace.protocol.operations.assets import LIST_ASSETS, ListAssets
from headrace.protocol.operations.labels import LIST_LABELS, ListLabels
from headrace.tasks import map_bounded
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress, Progress

PREFIX = "sha256:"
PIECE_ASSETS, PIECES = 100, 4
"""Assets whose annotations are loaded together, and how many such pieces are in memory."""

_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.IGNORECASE)


class VersionDigest(Struct, frozen=True, kw_only=True):
    """The digest of the content of a version. Its text form is ``sha256:`` and the hexadecimal digits.

    Attributes:
        sha256: The digest in hexadecimal.
        assets: Number of assets.
        annotations: Number of annotations.
        shapes: Number of shapes.
        labels: Number of labels.
        fetched: Files that were fetched to hash them, because the platform does not tell their digests.
        identity: A digest that has the ids of the files in place of their content: it changes where ``sha256`` may
            have changed. It holds on one platform only.
    """

    sha256: str
    assets: int
    annotations: int
    shapes: int
    labels: int
    fetched: int = 0
    identity: str = ""

    def __str__(self) -> str:
        return PREFIX + self.sha256


def parse_digest(text: str) -> str:
    """Return the hexadecimal digits of ``sha256:…``; raises ConfigurationError for anything else."""
    found = _DIGEST.fullmatch(text.strip())
    if found is None:
        raise ConfigurationError(
            f"{text!r} is not a digest", hint="give sha256: and 64 hexadecimal digits"
        )
    return found[1].lower()


async def version_digest(
    backend: Backend,
    version_id: UUID,
    *,
    fetch: bool = True,
    progress: OnProgress | None = None,
) -> VersionDigest:
    """Compute the digest of a version.

    Args:
        backend: Backend of the version.
        version_id: The version.
        fetch: Without it only ``identity`` is computed, which needs no files.
        progress: Called with a progress event from time to time.
    """
    listed = CursorListing(backend, LIST_ASSETS, ListAssets(version_id=version_id))
    found = (await backend.call(LIST_LABELS, ListLabels(version_id=version_id))).items
    with (
        SortedDigests() as content,
        SortedDigests() as identity,
        Progress(
            "digest", "assets", progress, total=await listed.count(), phase="read"
        ) as counting,
    ):
        run = _DigestRun(backend, version_id, content, identity, counting, fetch=fetch)
        async for page in listed.pages():
            await map_bounded(run.add, list(batched(page, PIECE_ASSETS)), concurrency=PIECES)
        head = head_of(label.name for label in found)
        return VersionDigest(
            sha256=await in_thread(content.sha256, head) if fetch else "",
            assets=identity.count,
            annotations=run.annotations,
            shapes=run.shapes,
            labels=len(found),
            fetched=run.fetched,
            identity=await in_thread(identity.sha256, head),
        )


class _DigestRun:
    """Adds pieces of a version's assets to its digests."""

    def __init__(
        self,
        backend: Backend,
        version_id: UUID,
        content: SortedDigests,
        identity: SortedDigests,
        progress: Progress,
        *,
        fetch: bool,
    ) -> None:
        self._backend = backend
        self._version_id = version_id
        self._content = content
        self._identity = identity
        self._progress = progress
        self._fetch = fetch
        self.annotations = self.shapes = self.fetched = 0

    async def add(self, assets: list[AssetRecord]) -> None:
        ids = [asset.id for asset in assets]
        loaded = await load_page(self._backend, self._version_id, ids)
        digests: list[str] = []
        if self._fetch:
            digests = await map_bounded(
                self._sha256, assets, concurrency=self._backend.limits.concurrency
            )
        added = await in_thread(_digests_of, assets, digests, loaded)
        for content, identity in added:
            if content:
                self._content.add(content)
            self._identity.add(identity)
        self.annotations += len(loaded)
        self.shapes += sum(map(count_shapes, loaded))
        self._progress.add(len(assets))

    async def _sha256(self, asset: AssetRecord) -> str:
        if asset.data.sha256 is None:
            self.fetched += 1
            self._progress.enter("fetch")
        return await sha256_of(self._backend, asset.data)


def _digests_of(
    assets: Sequence[AssetRecord], digests: Sequence[str], loaded: Loaded
) -> list[tuple[bytes, bytes]]:
    """Return for each asset the digest with the content of its file (empty without it), and with the id of its data."""
    by_asset: dict[str, Loaded] = {}
    for annotation in loaded:
        by_asset.setdefault(annotation.asset_id, []).append(annotation)
    pairs = []
    for index, asset in enumerate(assets):
        own, data = by_asset.get(str(asset.id), []), asset.data
        content = asset_digest(data.filename, digests[index], own, data.meta) if digests else b""
        identity = asset_digest(data.filename, f"{data.id} {data.object_name}", own, data.meta)
        pairs.append((content, identity))
    return pairs


# --- what a caller expects -------------------------------------------------------------------------------


async def check_digest(
    backend: Backend,
    version: DatasetVersionRecord,
    expected: str,
    *,
    progress: OnProgress | None = None,
) -> VersionDigest:
    """Compute the digest of a version and compare it with the expected one.

    Raises:
        ConfigurationError: ``expected`` is not a digest.
        DigestMismatchError: The version has another content.
    """
    wanted = parse_digest(expected)
    found = await version_digest(backend, version.id, progress=progress)
    if found.sha256 != wanted:
        raise DigestMismatchError(
            f"{_name(version)} is not {PREFIX}{wanted}: it has the digest {found}",
            hint="the version has changed, or another one is meant; a locked version does not change",
            expected=wanted,
            found=found.sha256,
        )
    return found


async def expect_digest(
    backend: Backend,
    version: DatasetVersionRecord,
    expected: str | None,
    *,
    progress: OnProgress | None = None,
) -> VersionDigest | None:
    """:func:`check_digest` where a digest is expected; None where none is."""
    if expected is None:
        return None
    return await check_digest(backend, version, expected, progress=progress)


async def check_unchanged(
    backend: Backend, version: DatasetVersionRecord, before: VersionDigest
) -> None:
    """Raise DigestMismatchError if the version changed since its digest was computed. No file is read."""
    now = await version_digest(backend, version.id, fetch=False)
    if now.identity != before.identity:
        raise DigestMismatchError(
            f"{_name(version)} changed meanwhile: it is no longer {before}",
            hint="run it again; a locked version does not change",
            expected=before.sha256,
            found="",
        )


def _name(version: DatasetVersionRecord) -> str:
    return f"{version.origin_name}/{version.version}"
