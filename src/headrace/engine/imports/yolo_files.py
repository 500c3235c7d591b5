"""Import a list of YOLO label files; each is matched to the asset of the same name without extension.

A file belongs to the asset of that name outside all folders, otherwise to the one whose path ends like the file's, with
``images`` in the place of ``labels``.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from uuid import UUID

from headrace.backend.base import Backend
from headrace.engine.imports.asset_names import ImageName
from headrace.engine.imports.match import AssetMatcher
from headrace.engine.imports.report import ImportOptions, ImportReport
from headrace.engine.imports.run import import_source
from headrace.engine.imports.source import ImportSource, source_digest
from headrace.engine.paging import KeyListing
from headrace.errors import BadRequestError, ConflictError, NotFoundError, SourceNotFoundError
from headrace.model.enums import AnnotationExportKey
from headrace.model.records import AssetRecord, DatasetVersionRecord
from headrace.protocol.operations.assets import LIST_ASSETS_BY_KEY, ListAssetsByKey
from headrace.threads import in_thread

if TYPE_CHECKING:
    from headrace.formats.yolo.listed_reader import LabelFile

log = logging.getLogger("headrace.engine")

FORMAT = "yolo-files"
SHOWN = 3


async def import_yolo_files(
    backend: Backend,
    version: DatasetVersionRecord,
    description: Path,
    paths: Sequence[Path],
    options: ImportOptions,
    *,
    counts: dict[str, int] | None = None,
) -> ImportReport:
    """Import label files into a version; ``a.txt`` belongs to the asset named ``a`` with any extension.

    Args:
        backend: Backend of the version.
        version: Version to import into.
        description: The ``data.yaml`` that names the classes.
        paths: The label files.
        options: Options of the import.
        counts: Filled with the number of shapes written, by annotation id.

    Returns:
        What was imported, and why the rest was not.

    Raises:
        SourceNotFoundError: A file does not exist.
        BadRequestError: Two files are of the same asset, or there is no file.
        NotFoundError: A file has no asset.
        ConflictError: A file matches several assets.
    """
    # Imported late because the YAML package is slow to import.
    from headrace.formats.yolo.listed_reader import ListedYoloReader

    await in_thread(_check_files, description, paths)
    assets = await _by_stem(backend, version, paths)
    rest = [path for path in paths if path not in assets]
    if rest:
        matcher = AssetMatcher(backend, version, AnnotationExportKey.FILENAME)
        near = await matcher.match([_image_of(path, description.parent) for path in rest])
        assets |= {path: each for path, each in zip(rest, near, strict=True) if each is not None}
    _check_apart(assets)
    missing = [path.stem for path in paths if path not in assets]
    if missing:
        shown = ", ".join(repr(stem) for stem in missing[:SHOWN])
        more = " …" if len(missing) > SHOWN else ""
        message = f"{len(missing)} of {len(paths)} label files have no asset: {shown}{more}"
        if options.fail_on_asset_not_found:
            raise NotFoundError(
                message, hint="add the assets first, or pass fail_on_asset_not_found=False"
            )
        log.warning("%s", message)
    files = [_label_file(path, assets[path]) for path in paths if path in assets]
    source = ImportSource(
        path=description,
        format=FORMAT,
        open=lambda reading, findings: ListedYoloReader(
            description, files, options=reading, findings=findings
        ),
        digest=lambda cut: _digest(description, files, cut),
    )
    report = await import_source(backend, version, source, options, counts=counts)
    report.not_found += missing[: SHOWN - len(report.not_found)]
    return report


def _check_files(description: Path, paths: Sequence[Path]) -> None:
    for path in paths:
        if not path.is_file():
            raise SourceNotFoundError("no such label file", path=path, hint="check the path")
    if not description.is_file():
        raise SourceNotFoundError("no such file", path=description, hint="check the path")
    if not paths:
        raise BadRequestError("there are no label files to import", hint="the list is empty")


async def _by_stem(
    backend: Backend, version: DatasetVersionRecord, paths: Sequence[Path]
) -> dict[Path, AssetRecord]:
    """Return the asset of each file, where one outside all folders has its name. Raises ConflictError for several."""
    query = ListAssetsByKey(version_id=version.id)
    keys = [f"{path.stem}." for path in paths]
    listed = KeyListing(backend, LIST_ASSETS_BY_KEY, query, "filename_startswith", keys)
    by_stem: dict[str, list[AssetRecord]] = {}
    async for page in listed.pages():
        for asset in page:
            if "/" not in asset.data.filename:
                by_stem.setdefault(PurePosixPath(asset.data.filename).stem, []).append(asset)
    found: dict[Path, AssetRecord] = {}
    for path in paths:
        assets = by_stem.get(path.stem, [])
        if len(assets) > 1:
            names = ", ".join(f"{each.data.filename!r} {each.id}" for each in assets[:SHOWN])
            raise ConflictError(
                f"{path} matches {len(assets)} assets: {names}",
                hint="asset names must differ without their extension",
            )
        if assets:
            found[path] = assets[0]
    return found


def _image_of(path: Path, folder: Path) -> ImageName:
    """Return the name that the image of a label file has below the folder of the description, without its suffix."""
    near = path.relative_to(folder) if path.is_relative_to(folder) else Path(*path.parts[-2:])
    parts = ["images" if part == "labels" else part for part in near.parts[:-1]]
    return ImageName("/".join([*parts, path.stem]))


def _check_apart(assets: dict[Path, AssetRecord]) -> None:
    first: dict[UUID, Path] = {}
    for path, asset in assets.items():
        if first.setdefault(asset.id, path) is not path:
            raise BadRequestError(
                f"{first[asset.id]} and {path} have the same name: both are of {asset.data.filename!r}",
                hint="import them one after the other",
            )


def _label_file(path: Path, asset: AssetRecord) -> LabelFile:
    from headrace.formats.yolo.listed_reader import LabelFile

    meta = asset.data.meta
    return LabelFile(
        path=path,
        filename=asset.data.filename,
        width=meta.width if meta else None,
        height=meta.height if meta else None,
    )


def _digest(description: Path, files: Sequence[LabelFile], cut: object) -> str:
    digest = hashlib.sha256(source_digest(description, (), cut).encode())
    for file in files:
        digest.update(source_digest(file.path, (), file.filename).encode())
    return digest.hexdigest()
