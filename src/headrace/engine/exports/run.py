"""Export a version: assets and annotations page by page, as samples, to a writer in a thread.

The target appears complete or not at all. While a page is written, the next one is loaded, and the images of the pages
before are put in place.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import chain
from pathlib import Path
from types import TracebackType

import anyio
from msgspec import Struct, field, structs

from headrace import formats
from headrace.backend.base import Backend
from headrace.engine.digest.run import check_unchanged, expect_digest
from headrace.engine.exports.media import MediaPlacer, PlacedImage, checked_media
from headrace.engine.exports.pages import AssetPage, ExportedAsset, PageReader, Selection
from headrace.engine.exports.splits import AssetSplits, split_rule
from headrace.engine.threads import in_own_task
from headrace.engine.versions.labels import label_infos
from headrace.errors import LossyWriteError
from headrace.formats.base import Writer
from headrace.formats.findings.collect import Finding, Findings, Pass
from headrace.formats.geometry.box_table import labels_in
from headrace.formats.label_map import LabelMap, LabelMapping
from headrace.formats.options import WriteKeywords, WriteOptions, write_options
from headrace.formats.registry import Format
from headrace.garbage import collector_paused
from headrace.model.enums import InferenceType
from headrace.model.records import DatasetVersionRecord
from headrace.model.sample import LabelInfo, Sample
from headrace.platform.annotations.exports.names import ExportNames
from headrace.tasks import first_error
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress, Progress

PAGES_AHEAD = 1

_TASKS = {
    InferenceType.CLASSIFICATION: "classify",
    InferenceType.KEYPOINT: "pose",
    InferenceType.OBJECT_DETECTION: "detect",
}
"""The task of a version whose type says it. For all other types the shapes decide."""


class ExportReport(Struct, kw_only=True):
    """The outcome of an export.

    Attributes:
        version: The exported version, as ``dataset/version``.
        target: Path of the file or folder that was written.
        format: Name of the format.
        task: The task that was written, where the format has tasks.
        images: Images written.
        shapes: Shapes written.
        shapes_dropped: Shapes that the format cannot represent.
        labels: Number of shapes written by label.
        splits: Number of images by split; without those that have none.
        media: Number of image files put in place.
        findings: What the format could not represent.
        seconds: Duration in seconds.
        dry_run: True if nothing was written.
        replaced: Where the folder is that was at the target before, if ``force`` renamed it.
    """

    version: str
    target: str
    format: str
    task: str | None = None
    images: int = 0
    shapes: int = 0
    shapes_dropped: int = 0
    labels: dict[str, int] = field(default_factory=dict)
    splits: dict[str, int] = field(default_factory=dict)
    media: int = 0
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0
    dry_run: bool = False
    replaced: str | None = None


class ExportOptions(Struct, frozen=True, kw_only=True):
    """How to export.

    Attributes:
        media: How to place the images: ``none``, ``copy``, ``hardlink`` or ``symlink``. Default: ``copy`` for a
            classification dataset, which consists of its images, else ``none``.
        split_by: ``tag``, ``none``, or a ratio; see :func:`.split_rule`.
        split_seed: Seed of a ratio.
        dry_run: Do everything except place the images and publish the target.
        allow_empty: Publish the target even if every shape is lost.
        strict: Raise if the format cannot represent something.
        temporary: The target is in a temporary folder of headrace's own.
        expected_digest: The digest that the version must have, before the export and at its end.
        labels_map: New names of labels, or labels to leave out.
    """

    media: str | None = None
    split_by: str = "tag"
    split_seed: int = 0
    dry_run: bool = False
    allow_empty: bool = False
    strict: bool = False
    temporary: bool = False
    expected_digest: str | None = None
    labels_map: LabelMap | None = None


async def export(
    backend: Backend,
    version: DatasetVersionRecord,
    target: Path,
    format: str,
    *,
    selection: Selection | None = None,
    labels: Sequence[LabelInfo] | None = None,
    options: ExportOptions | None = None,
    create: Callable[..., Writer] | None = None,
    write: WriteKeywords | None = None,
    progress: OnProgress | None = None,
) -> ExportReport:
    """Write a version's annotations to a file or folder, each asset with its newest annotation.

    Args:
        backend: Backend of the version.
        version: Version to export.
        target: File or folder to write.
        format: Name of the format.
        selection: What of the version to export. Default: everything.
        labels: Labels with the numbers and the order for the file. Default: the version's labels.
        options: How to export.
        create: Makes the writer. Default: that of the format.
        write: Keyword options of the writer.
        progress: Called with a progress event from time to time.

    Returns:
        What was written, and what the format could not represent.

    Raises:
        FormatError: The target exists and must not be replaced.
        LakeError: The target is a lake, or lies in one or contains one.
        LossyWriteError: With ``strict``, the format cannot represent something; without ``allow_empty``, it can
            represent none of the shapes.
        ConfigurationError: An option is not valid, or the images cannot be placed like this.
        DigestMismatchError: The version has another digest than the expected one.
        PartialTransferError: Images could not be copied.
        NoDataError: The names choose no asset.
    """
    selection, options = selection or Selection(), options or ExportOptions()
    target_format = formats.get(format)
    writing = _write_options(target_format, version, write or {})
    rule = split_rule(options.split_by, options.split_seed)
    findings = Findings(strict=options.strict)
    findings.suggests_skip = False
    report = ExportReport(
        version=f"{version.origin_name}/{version.version}",
        target=str(target),
        format=target_format.info.name,
        dry_run=options.dry_run,
    )
    before = await expect_digest(backend, version, options.expected_digest, progress=progress)

    async def check_again() -> None:
        if before is not None:
            await check_unchanged(backend, version, before)

    if labels is None:
        labels = await label_infos(backend, version.id)
    mapping = None
    if options.labels_map is not None:
        mapping = _MappedLabels(options.labels_map, labels, findings.begin("labels"))
        labels = options.labels_map.labels(labels)
    report.labels = dict.fromkeys([label.name for label in labels], 0)
    assets = selection.assets(backend, version.id)
    create = create or target_format.create
    writer = create(target, labels, options=writing, findings=findings)
    if options.temporary:
        writer.use_temporary()
    classified = writing.task == "classify" and writing.images is None
    media = checked_media(options.media or ("copy" if classified else "none"))
    placer = None if media == "none" else MediaPlacer(backend, media, writer)
    names = ExportNames(writer)
    splits = await AssetSplits.open(rule, backend, version.id, writer.found)
    numbers = writer.takes_numbers
    pages = PageReader(backend, version.id, assets, selection, splits, names, numbers)
    total = None if selection.chosen else await assets.count()
    with Progress("export", "images", progress, total=total, phase="write") as counting:
        run = _Export(writer, pages, placer, counting, report, options, mapping, check_again)
        await in_own_task(run.run)
        report.seconds = counting.seconds
    written = writer.found
    report.task = writer.task
    report.images, report.shapes = written.images_out, written.shapes_out
    report.shapes_dropped = written.shapes_dropped + (0 if mapping is None else mapping.dropped)
    report.findings = list(findings)
    report.replaced = None if writer.replaced is None else str(writer.replaced)
    return report


class _MappedLabels:
    """Applies a label map to the samples of an export. Raises ParseError for a name that no label has."""

    def __init__(self, label_map: LabelMap, labels: Sequence[LabelInfo], found: Pass) -> None:
        label_map.check_known([label.name for label in labels], found)
        self._mapping = LabelMapping(label_map)
        self._found = found

    def apply(self, samples: Sequence[Sample]) -> None:
        self._found.shapes_in += self._mapping.apply(samples, self._found)

    @property
    def dropped(self) -> int:
        return self._found.shapes_dropped


class _Export:
    """One run: pages go from the reader to the writer, and their images to the placer."""

    def __init__(
        self,
        writer: Writer,
        pages: PageReader,
        placer: MediaPlacer | None,
        progress: Progress,
        report: ExportReport,
        options: ExportOptions,
        mapping: _MappedLabels | None,
        before_publishing: Callable[[], Awaitable[None]],
    ) -> None:
        self._before_publishing = before_publishing
        self._mapping = mapping
        self._writer = writer
        self._pages = pages
        self._placer = placer
        self._progress = progress
        self._report = report
        self._options = options
        # Assets whose paths the writer has not reported yet, since it may hold back images.
        self._waiting: deque[ExportedAsset] = deque()

    async def run(self) -> None:
        """Write everything and publish the target."""
        try:
            async with _ThreadedWriter(self._pages.names):
                await self._write_all()
                self._count_labels()
                await self._before_publishing()
                if self._options.dry_run:
                    await in_thread(self._writer.check_target)
                    raise _NotPublished
        except _NotPublished:
            pass
        finally:
            if self._placer is not None:
                self._placer.discard()

    async def _write_all(self) -> None:
        send, receive = anyio.create_memory_object_stream[AssetPage](PAGES_AHEAD)
        places = self._placer is not None and not self._options.dry_run
        try:
            async with anyio.create_task_group() as group, receive:
                group.start_soon(self._pages.read, send)
                if places and self._placer is not None:
                    group.start_soon(self._placer.run)
                async for page in receive:
                    await in_thread(self._write, page)
                    await self._place(places)
                    self._progress.add(len(page.assets))
                await in_thread(self._writer.finish)
                self._check_not_empty()
                await self._place(places)
                if self._placer is not None:
                    self._placer.close()
        except BaseExceptionGroup as errors:
            raise first_error(errors) from None

    def _write(self, page: AssetPage) -> None:
        labels, splits = self._report.labels, self._report.splits
        if self._placer is not None:
            self._waiting += page.assets
        with collector_paused(kept=self._writer.keeps):
            for samples in self._pages.samples(page):
                if self._mapping is not None:
                    self._mapping.apply(samples)
                for label, count in Counter(chain.from_iterable(labels_in(samples))).items():
                    labels[label] = labels.get(label, 0) + count
                for sample in samples:
                    if sample.split is not None:
                        splits[sample.split] = splits.get(sample.split, 0) + 1
                self._pages.names.write(samples)

    async def _place(self, places: bool) -> None:
        """Pass on the images whose paths the writer has reported."""
        paths = self._writer.image_paths
        if not paths or self._placer is None:
            return
        reported = [(self._waiting.popleft(), path) for path in paths]
        paths.clear()
        images = [PlacedImage(each.asset.data, path) for each, path in reported if path is not None]
        if places:
            await self._placer.place(images)
            self._report.media += len(images)

    def _count_labels(self) -> None:
        for label, lost in self._writer.shapes_lost.items():
            self._report.labels[label] -= lost

    def _check_not_empty(self) -> None:
        written = self._writer.found
        self._pages.selection.chosen.check_any(written.images_in, self._report.version)
        if written.shapes_in and not written.shapes_out and not self._options.allow_empty:
            task = f" for the task {self._writer.task}" if self._writer.task else ""
            raise LossyWriteError(
                f"{self._writer.info.title}{task} cannot represent any of the"
                f" {written.shapes_in:,} shapes; nothing was written",
                hint="choose another format or task=, or accept it with allow_empty=True",
            )


class _NotPublished(Exception):  # noqa: N818  not an error: it ends a dry run
    """Leaves a writer without publishing what it wrote."""


def _write_options(
    target_format: Format, version: DatasetVersionRecord, write: WriteKeywords
) -> WriteOptions:
    """Return the writer's options, with the task that follows from the type of the version."""
    options = write_options(write)
    task = _TASKS.get(version.type)
    if (
        options.task is None
        and task in target_format.info.tasks
        and target_format.info.name == "yolo"
    ):
        options = structs.replace(options, task=task)
    return options


class _ThreadedWriter:
    """Enters and leaves a writer in a worker thread."""

    def __init__(self, writer: ExportNames) -> None:
        self._writer = writer

    async def __aenter__(self) -> None:
        # Shielded: a cancellation here would leave a writer entered for ever.
        with anyio.CancelScope(shield=True):
            await in_thread(self._writer.__enter__)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with anyio.CancelScope(shield=True):
            await in_thread(self._writer.__exit__, kind, error, trace)
