"""Export annotation files: COCO as JSON, YOLO and VOC as a zip, stored as an object.

One snapshot of the version is streamed through the writer of the format into a temporary folder in the lake; the object
appears when it is complete. Memory does not grow with the version.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import aclosing
from pathlib import Path
from typing import Any
from uuid import uuid5

import msgspec
from msgspec import Struct

from headrace import formats
from headrace.errors import BadRequestError, DiskFullError, StorageError
from headrace.formats.base import Writer
from headrace.formats.yolo.layout.sizes_file import SIZES
from headrace.model.enums import (
    AnnotationExportKey,
    AnnotationFileType,
    AnnotationStatus,
    InferenceType,
)
from headrace.model.ids import IdScope, Kind
from headrace.model.names import STATE_FOLDER, id_name
from headrace.model.records import ExportRecord, Meta
from headrace.model.sample import LabelInfo, Sample
from headrace.platform.accounts.users import worker_account
from headrace.platform.annotations.exports.names import NAMES_FILE, ExportNames
from headrace.platform.annotations.exports.zip_stream import ZipStream
from headrace.platform.annotations.load import without_shapes
from headrace.platform.annotations.samples import YOLO_TASKS, AssetImage, packed_samples
from headrace.platform.assets.assets import without_data
from headrace.platform.assets.selectors import present_seqs
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.listing import json_text
from headrace.platform.core.scopes import VersionScope, version_scope
from headrace.platform.datalake.data_records import data_id
from headrace.platform.dispatch import handles
from headrace.platform.labels.group_paths import group_paths
from headrace.platform.labels.groups import list_label_groups
from headrace.platform.labels.labels import list_labels
from headrace.platform.labels.skeletons import list_skeletons
from headrace.protocol.operations.annotations import (
    EXPORT_ANNOTATIONS,
    ExportAnnotations,
    PackedAnnotation,
)
from headrace.protocol.operations.label_details import SkeletonRecord
from headrace.protocol.operations.labels import ListLabels
from headrace.storage.database.base import Row
from headrace.threads import in_thread

EXPORTS_FOLDER = ".exports"
_STALE_SECONDS = 24 * 3600.0
_BATCH = 256
_NO_SPACE = 28
_STEM_BYTES = 180
"""Maximum bytes of a stem: in the zip, the id of the version and a suffix are added to it."""

_FORMATS = {
    AnnotationFileType.COCO: "coco",
    AnnotationFileType.YOLO: "yolo",
    AnnotationFileType.PASCAL_VOC: "voc",
}
_TARGETS = {
    AnnotationFileType.COCO: "out.json",
    AnnotationFileType.YOLO: "out",
    AnnotationFileType.PASCAL_VOC: "out",
}


VIDEO = "coco-video"


class ExportContext(Struct, frozen=True):
    """What the export needs to convert rows: the names of assets, and the labels by their keys."""

    scope: VersionScope
    key: AnnotationExportKey
    labels: dict[int, str]
    assets: IdScope
    annotations: IdScope
    names: ExportNames


@handles(EXPORT_ANNOTATIONS)
async def export_annotations(
    context: Context, access: Access, request: ExportAnnotations
) -> ExportRecord:
    """Export the annotations of a version into one file; return its object name and a URL."""
    if request.export_video and request.type is not AnnotationFileType.COCO:
        raise BadRequestError(
            f"{request.type.value} has no tracks of videos", hint="export as COCO"
        )
    scope = await version_scope(context.database, access, request.version_id)
    if request.type is AnnotationFileType.YOLO and scope.type is InferenceType.CLASSIFICATION:
        raise BadRequestError("YOLO has no label files for classifications", hint="export as COCO")
    assets = None
    if request.asset_ids is not None:
        assets = await present_seqs(context.database, scope, request.asset_ids)
    account = await worker_account(context.database, access, request.worker_id)
    labels = await _labels(context, access, request)
    rows = await context.database.fetch("labels.keys", version=scope.no)
    folder = await in_thread(_make_temporary_folder, context.path / EXPORTS_FOLDER)
    try:
        target = folder / _TARGETS[request.type]
        writer = _writer(request, scope, target, labels)
        writer.use_temporary()
        export = ExportContext(
            scope=scope,
            key=request.export_key,
            labels=dict(rows),
            assets=scope.ids(Kind.ASSET),
            annotations=scope.ids(Kind.ANNOTATION),
            names=ExportNames(writer, stem_bytes=_STEM_BYTES),
        )
        await _write(context, export, request, assets, account)
        packed = await in_thread(_pack, request.type, scope, target)
        name = _object_name(access, scope, request)
        await context.objects.put_file(name, packed, move=True)
    finally:
        await in_thread(shutil.rmtree, folder, ignore_errors=True)
    return ExportRecord(
        object_name=name,
        presigned_url=access.urls.download(access.organization, name),
        images=writer.found.images_out,
        shapes=writer.found.shapes_out,
        shapes_dropped=writer.found.shapes_dropped,
    )


async def _labels(context: Context, access: Access, request: ExportAnnotations) -> list[LabelInfo]:
    """Return the labels in order of creation, numbered from 0."""
    query = ListLabels(version_id=request.version_id)
    groups = group_paths((await list_label_groups(context, access, query)).items)
    skeletons = (await list_skeletons(context, access, query)).items
    labels = (await list_labels(context, access, query)).items
    no_skeleton = SkeletonRecord(vertices=[], edges=[])
    return [
        LabelInfo(
            name=label.name,
            id=number,
            supercategory=groups.get(label.group_id) if label.group_id else None,
            keypoints=skeletons.get(str(label.id), no_skeleton).vertices,
            skeleton=skeletons.get(str(label.id), no_skeleton).edges,
        )
        for number, label in enumerate(labels)
    ]


def _writer(
    request: ExportAnnotations, scope: VersionScope, target: Path, labels: list[LabelInfo]
) -> Writer:
    kind = request.type
    options: dict[str, Any] = {}
    if kind is AnnotationFileType.COCO:
        options["about"] = {}  # allows categories to be numbered from 0
    if kind is AnnotationFileType.YOLO:
        options |= {"split": "", "task": YOLO_TASKS.get(scope.type, "detect")}
    findings = formats.Findings(strict=False)
    findings.suggests_skip = False
    return formats.get(VIDEO if request.export_video else _FORMATS[kind]).create(
        target, labels, options=formats.WriteOptions(**options), findings=findings
    )


# --- writing ---------------------------------------------------------------------------------------------


async def _write(
    context: Context,
    export: ExportContext,
    request: ExportAnnotations,
    assets: list[int] | None,
    account: int | None,
) -> None:
    scope, writer = export.scope, export.names
    selection: dict[str, Any] = {} if assets is None else {"assets": json_text(assets)}
    rows = context.database.stream(
        "annotations.export_all" if assets is None else "annotations.export_chosen",
        batch=_BATCH,
        bucket=scope.bucket,
        version=scope.no,
        dataset=scope.dataset,
        dataset_bucket=scope.dataset_bucket,
        status=None if request.status is None else str(request.status),
        account=account,
        **selection,
    )
    opened: list[ExportNames] = []
    try:
        # A cancellation is raised after the thread has ended: the writer may be open by then.
        await in_thread(_map_os_errors, lambda: opened.append(writer.__enter__()))
        async with aclosing(rows) as batches:
            async for batch in batches:
                await in_thread(_map_os_errors, lambda b=batch: writer.write(_samples(export, b)))
    except BaseException as error:
        # After any error the writer removes what it wrote.
        if opened:
            await in_thread(writer.__exit__, type(error), error, error.__traceback__)
        raise
    await in_thread(_map_os_errors, lambda: writer.__exit__(None, None, None))


def _map_os_errors(function: Any) -> None:
    try:
        function()
    except OSError as error:
        kind = DiskFullError if error.errno == _NO_SPACE else StorageError
        raise kind(f"the export cannot be written: {error.strerror}") from error


def _samples(export: ExportContext, rows: list[Row]) -> list[Sample]:
    images = []
    for row in rows:
        seq, *_, width, height, no, status, duration, shapes, attributes = row
        if row[3] is None or row[1] is None:
            raise without_data(export.scope, seq)
        if shapes is None:
            raise without_shapes(export.scope, no)
        annotation = PackedAnnotation(
            id=export.annotations.text(no),
            asset_id=export.assets.text(seq),
            status=AnnotationStatus(status),
            worker_id=None,
            duration=duration,
            attributes=attributes,
            height=height or 1,
            shapes=shapes,
        )
        meta = None if width is None else Meta(width, height)
        images.append(AssetImage(_name(export, row), meta, annotation))
    return packed_samples(images, export.labels)


def _name(export: ExportContext, row: Row) -> str:
    seq, lake_bucket, lake_created, data, filename, object_name = row[:6]
    match export.key:
        case AnnotationExportKey.ASSET_ID:
            return id_name(export.assets.id(seq), filename)
        case AnnotationExportKey.DATA_ID:
            return id_name(data_id(lake_created, lake_bucket, data), filename)
        case AnnotationExportKey.OBJECT_NAME:
            return export.names.name(export.assets.id(seq), str(object_name))
        case AnnotationExportKey.FILENAME:
            return export.names.name(export.assets.id(seq), str(filename))


# --- packing ---------------------------------------------------------------------------------------------


def _make_temporary_folder(root: Path) -> Path:
    """Make a temporary folder for one export, and delete old ones that crashes left behind."""
    root.mkdir(mode=0o700, exist_ok=True)
    for entry in os.scandir(root):
        if entry.stat(follow_symlinks=False).st_mtime < time.time() - _STALE_SECONDS:
            shutil.rmtree(entry.path, ignore_errors=True)
    return Path(tempfile.mkdtemp(dir=root))


def _pack(kind: AnnotationFileType, scope: VersionScope, target: Path) -> Path:
    """Return the single file of the export; a folder is packed into a zip, sorted by name."""
    if kind is AnnotationFileType.COCO:
        return target
    packed = target.with_name("packed.zip")
    with ZipStream(packed) as members:
        for folder, folders, files in os.walk(target):
            folders.sort()
            for file in sorted(files):
                path = Path(folder, file)
                name = _member(kind, scope, path.relative_to(target).as_posix())
                if name is not None:
                    members.add(name, path.read_bytes())
    return packed


def _member(kind: AnnotationFileType, scope: VersionScope, path: str) -> str | None:
    """Return the name in the zip of a file of the format, None where it is left out."""
    if path == f"{STATE_FOLDER}/{NAMES_FILE}":
        return NAMES_FILE
    if kind is AnnotationFileType.YOLO:
        # The sizes stand in the version; the platform's own archives do not have them either.
        return None if path == SIZES else path.removeprefix("labels/")
    if not path.startswith("Annotations/"):
        return None
    folder, slash, name = path.removeprefix("Annotations/").rpartition("/")
    return f"{folder}{slash}{scope.id}_{name.removesuffix('.xml')}_annotations.xml"


def _object_name(access: Access, scope: VersionScope, request: ExportAnnotations) -> str:
    """Name the object; the same request of the same account gets the same name, so repeated exports take no extra space."""
    key = f"{access.account}:{msgspec.json.encode(request).decode()}"
    suffix = "json" if request.type is AnnotationFileType.COCO else "zip"
    return f"{uuid5(scope.id, key)}/annotations/{scope.id}_annotations.{suffix}"
