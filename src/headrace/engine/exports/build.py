"""Build annotation files on the client, with the file names and numbers of the platform's own exports.

They go through the same writers as every export, so losses are reported, and the assets stand in the order of the
version's listing, whatever the order of the responses.
"""

from __future__ import annotations

import logging
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Unpack
from uuid import UUID

import anyio
from msgspec import Struct
from msgspec.structs import replace

from headrace.backend.base import Backend
from headrace.engine.exports.pages import Selection
from headrace.engine.exports.run import ExportOptions, ExportReport, export
from headrace.engine.versions.labels import check_known, label_infos
from headrace.errors import BadRequestError
from headrace.folders.lakes import check_no_lake
from headrace.folders.manifest import (
    NAME,
    NEXT,
    Manifest,
    join_manifests,
    save_manifest,
    tidy_manifest,
)
from headrace.folders.replace import first_of, in_the_way_error, merge_into, taken_in
from headrace.folders.state import make_state, state_of
from headrace.formats.base import Writer
from headrace.formats.coco.document import CocoFile
from headrace.formats.coco.document_writer import CocoDocumentWriter
from headrace.formats.options import WriteKeywords
from headrace.formats.yolo.layout.sizes_file import SIZES
from headrace.garbage import collect_kept
from headrace.model.enums import AnnotationExportKey, AnnotationStatus, InferenceType
from headrace.model.records import DatasetVersionRecord
from headrace.model.sample import LabelInfo
from headrace.platform.annotations.samples import YOLO_TASKS
from headrace.threads import in_thread

log = logging.getLogger("headrace.engine")

_IMAGES_FOLDER = re.compile(r'^(train|val): "?images"?$', re.MULTILINE)


class BuildOptions(Struct, kw_only=True):
    """What to build from: the newest annotation of each annotated asset, filtered by status, worker and asset.

    ``key`` is the property of an asset that names it in the file. ``categories`` come first, in their order.
    """

    status: AnnotationStatus | None = None
    worker_id: UUID | None = None
    asset_ids: Sequence[UUID] | None = None
    key: AnnotationExportKey = AnnotationExportKey.FILENAME
    categories: Sequence[str] | None = None


async def build_coco(
    backend: Backend, version: DatasetVersionRecord, options: BuildOptions
) -> CocoFile:
    """Build a COCO file in memory; image and category ids start at 0, annotation ids at 1.

    Raises NotFoundError if a category is not a label of the version.
    """
    collect_kept()
    labels = await _labels(backend, version, options.categories)
    document = CocoFile()
    # With ``about`` the data counts as COCO already, so category ids may start at 0.
    report = await _export(
        backend,
        version,
        Path("coco.json"),
        "coco",
        options,
        labels,
        create=partial(CocoDocumentWriter, document),
        about={},
    )
    await in_thread(_count_from_zero, document)
    document.findings = report.findings
    return document


def _count_from_zero(document: CocoFile) -> None:
    for image in document.images:
        image.id -= 1
    for annotation in document.annotations:
        annotation.image_id -= 1


async def build_voc(
    backend: Backend, version: DatasetVersionRecord, target: Path, options: BuildOptions
) -> ExportReport:
    """Write ``<stem>.xml`` for every annotated asset into the folder ``target``.

    Raises FormatError if a file is in the way that headrace did not write.
    """
    return await _into(backend, version, target, "voc", options, ("Annotations",))


async def build_yolo(
    backend: Backend, version: DatasetVersionRecord, target: Path, options: BuildOptions
) -> ExportReport:
    """Write ``data.yaml``, and ``<stem>.txt`` for every annotated asset, into the folder ``target``.

    Raises BadRequestError for a version of type CLASSIFICATION: YOLO uses folders of images for that, not label files.
    """
    if version.type is InferenceType.CLASSIFICATION:
        raise BadRequestError("YOLO has no label files for classifications", hint="build COCO")
    task = YOLO_TASKS.get(version.type, "detect")
    return await _into(
        backend, version, target, "yolo", options, ("labels", ""), split="", task=task
    )


async def _into(
    backend: Backend,
    version: DatasetVersionRecord,
    target: Path,
    format: str,
    options: BuildOptions,
    parts: Sequence[str],
    **write: Unpack[WriteKeywords],
) -> ExportReport:
    """Export to a temporary folder in ``target``, then move the files of its subfolders ``parts`` to ``target``."""
    labels = await _labels(backend, version, options.categories)
    temporary = await in_thread(_make_temporary_folder, target)
    try:
        exported, built = temporary / "export", temporary / "built"
        report = await _export(backend, version, exported, format, options, labels, **write)
        await in_thread(_flatten, exported, parts, built)
        if format == "yolo":
            await in_thread(_put_images_beside_labels, built)
        await in_thread(_add, built, target)
    finally:
        with anyio.CancelScope(shield=True):
            await in_thread(shutil.rmtree, temporary, True)
    report.target = str(target)
    return report


async def _export(
    backend: Backend,
    version: DatasetVersionRecord,
    target: Path,
    format: str,
    options: BuildOptions,
    labels: list[LabelInfo],
    *,
    create: Callable[..., Writer] | None = None,
    **write: Unpack[WriteKeywords],
) -> ExportReport:
    report = await export(
        backend,
        version,
        target,
        format,
        selection=Selection(
            status=options.status,
            worker_id=options.worker_id,
            asset_ids=options.asset_ids,
            key=options.key,
            annotated_only=True,
        ),
        labels=labels,
        options=ExportOptions(split_by="none", allow_empty=True, temporary=True),
        create=create,
        write=write,
    )
    if report.shapes_dropped:
        log.warning(
            "%d shapes were not written: %s",
            report.shapes_dropped,
            "; ".join(finding.message for finding in report.findings),
        )
    return report


async def _labels(
    backend: Backend, version: DatasetVersionRecord, first: Sequence[str] | None
) -> list[LabelInfo]:
    """Return the labels numbered from 0: those in ``first``, then the others in order of creation."""
    labels = {label.name: label for label in await label_infos(backend, version.id)}
    check_known(first or (), list(labels))
    names = dict.fromkeys([*(first or ()), *labels])
    return [replace(labels[name], id=number) for number, name in enumerate(names)]


def _make_temporary_folder(target: Path) -> Path:
    check_no_lake(target, below=False)
    target.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=".building-", dir=target))


def _flatten(exported: Path, parts: Sequence[str], built: Path) -> None:
    """Move the files of the subfolders ``parts`` to one folder."""
    built.mkdir()
    for part in parts:
        merge_into(built, exported / part)
        if part:
            shutil.rmtree(exported / part)


def _put_images_beside_labels(built: Path) -> None:
    """Say in the files of a YOLO tree that its images belong beside the labels, not in the folder ``images``."""
    description, sizes = built / "data.yaml", built / SIZES
    text = description.read_text(encoding="utf-8")
    description.write_text(_IMAGES_FOLDER.sub(r"\1: .", text), encoding="utf-8")
    moved = built / f"{SIZES}~"
    with sizes.open("rb") as lines, moved.open("xb") as out:
        out.writelines(line.replace(b'["images/', b'["', 1) for line in lines)
    moved.replace(sizes)


def _add(built: Path, target: Path) -> None:
    """Move files to the folder ``target``, in place of those that an earlier call wrote there."""
    with Manifest(state_of(target) / NAME) as own:
        taken = first_of(taken_in(target, built, own))
    if taken:
        raise in_the_way_error(target, taken, "move them, or choose another folder")
    try:
        state = make_state(target)
    except OSError as error:
        log.warning("headrace cannot note what it writes to %s: %s", target, error)
        merge_into(target, built)
        return
    save_manifest(state / NEXT, built)
    join_manifests(state / NAME, state / NEXT)
    merge_into(target, built)
    tidy_manifest(state / NAME, target)
