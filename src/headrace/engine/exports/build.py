"""Annotation files made here rather than by the platform, with the names and numbers that the platform gives them.

They go through the same writers as every export, so what a format cannot say is told and nothing depends on the order
in which answers arrive: assets stand as the version lists them.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio
from anyio import to_thread
from msgspec import Struct
from msgspec.structs import replace

from headrace.backend.base import Backend
from headrace.engine.exports.run import ExportReport, export
from headrace.engine.versions.labels import check_known, label_infos
from headrace.errors import BadRequestError
from headrace.formats.coco.document import CocoFile, read_document
from headrace.model.enums import AnnotationExportKey, AnnotationStatus, InferenceType
from headrace.model.records import DatasetVersionRecord
from headrace.model.sample import LabelInfo
from headrace.platform.annotations.samples import YOLO_TASKS

log = logging.getLogger("headrace.engine")


class BuildOptions(Struct, kw_only=True):
    """What of a version is written: the newest annotation of each asset that has one, of ``status`` and worker where given."""

    status: AnnotationStatus | None = None
    worker_id: UUID | None = None
    asset_ids: Sequence[UUID] | None = None
    key: AnnotationExportKey = AnnotationExportKey.FILENAME
    categories: Sequence[str] | None = None


async def build_coco(
    backend: Backend, version: DatasetVersionRecord, chosen: BuildOptions
) -> CocoFile:
    """A COCO file in memory: images and categories counted from 0, annotations from 1.

    ``categories`` come first, in their order; NotFoundError names one that is no label of the version.
    """
    labels = await _labels(backend, version, chosen.categories)
    folder = await to_thread.run_sync(tempfile.mkdtemp)
    try:
        target = Path(folder, "coco.json")
        # Said to be of COCO already, so that its categories may be counted from 0.
        report = await _export(backend, version, target, "coco", chosen, labels, about={})
        document = await to_thread.run_sync(read_document, target)
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(shutil.rmtree, folder, True)
    for image in document.images:
        image.id -= 1
    for annotation in document.annotations:
        annotation.image_id -= 1
    document.findings = report.findings
    return document


async def build_voc(
    backend: Backend, version: DatasetVersionRecord, target: Path, chosen: BuildOptions
) -> ExportReport:
    """``<stem>.xml`` for every asset, in the folder ``target``."""
    return await _into(backend, version, target, "voc", chosen, ("Annotations",))


async def build_yolo(
    backend: Backend, version: DatasetVersionRecord, target: Path, chosen: BuildOptions
) -> ExportReport:
    """``data.yaml`` and ``<stem>.txt`` for every asset, in the folder ``target``.

    BadRequestError for a version of type CLASSIFICATION: YOLO has folders of images for that, and no label files.
    """
    if version.type is InferenceType.CLASSIFICATION:
        raise BadRequestError("YOLO has no label files for classifications", hint="build COCO")
    task = YOLO_TASKS.get(version.type, "detect")
    return await _into(
        backend, version, target, "yolo", chosen, ("labels", ""), split="", task=task
    )


async def _into(
    backend: Backend,
    version: DatasetVersionRecord,
    target: Path,
    format: str,
    chosen: BuildOptions,
    parts: Sequence[str],
    **write: Any,
) -> ExportReport:
    """Write a format's folder beside ``target``, then move the files of some ``parts`` of it there."""
    labels = await _labels(backend, version, chosen.categories)
    workshop = await to_thread.run_sync(_open_workshop, target)
    try:
        made = workshop / "made"
        report = await _export(backend, version, made, format, chosen, labels, **write)
        await to_thread.run_sync(_move, made, parts, target)
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(shutil.rmtree, workshop, True)
    report.target = str(target)
    return report


async def _export(
    backend: Backend,
    version: DatasetVersionRecord,
    target: Path,
    format: str,
    chosen: BuildOptions,
    labels: list[LabelInfo],
    **write: Any,
) -> ExportReport:
    report = await export(
        backend,
        version,
        target,
        format,
        status=chosen.status,
        worker_id=chosen.worker_id,
        asset_ids=chosen.asset_ids,
        key=chosen.key,
        annotated_only=True,
        labels=labels,
        write=write,
    )
    if report.shapes_dropped:
        log.warning(
            "%d shapes are not in the file: %s",
            report.shapes_dropped,
            "; ".join(finding.message for finding in report.findings),
        )
    return report


async def _labels(
    backend: Backend, version: DatasetVersionRecord, first: Sequence[str] | None
) -> list[LabelInfo]:
    """The labels counted from 0: those that are named, then the others in order of creation."""
    labels = {label.name: label for label in await label_infos(backend, version.id)}
    check_known(first or (), list(labels))
    names = dict.fromkeys([*(first or ()), *labels])
    return [replace(labels[name], id=number) for number, name in enumerate(names)]


def _open_workshop(target: Path) -> Path:
    target.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=".building-", dir=target))


def _move(made: Path, parts: Sequence[str], target: Path) -> None:
    for part in parts:
        for folder, _, files in os.walk(made / part):
            into = target / Path(folder).relative_to(made / part)
            into.mkdir(parents=True, exist_ok=True)
            for file in files:
                Path(folder, file).replace(into / file)
