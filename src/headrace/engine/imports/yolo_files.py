"""Import a list of YOLO label files; each is matched to the asset of the same name without extension."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from headrace.backend.base import Backend
from headrace.engine.imports.report import ImportOptions, ImportReport
from headrace.engine.imports.run import import_source
from headrace.engine.imports.source import ImportSource, source_digest
from headrace.engine.paging import KeyListing
from headrace.errors import BadRequestError, ConflictError, NotFoundError, SourceNotFoundError
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
        BadRequestError: Two files have the same name, or there is no file.
        NotFoundError: A file has no asset.
        ConflictError: A file matches several assets.
    """
    # Imported late because the YAML package is slow to import.
    from headrace.formats.yolo.listed_reader import ListedYoloReader

    by_stem = await in_thread(_by_stem, description, paths)
    assets = await _assets(backend, version, by_stem)
    missing = [stem for stem in by_stem if stem not in assets]
    if missing:
        shown = ", ".join(repr(stem) for stem in missing[:SHOWN])
        more = " …" if len(missing) > SHOWN else ""
        message = f"{len(missing)} of {len(by_stem)} label files have no asset: {shown}{more}"
        if options.fail_on_asset_not_found:
            raise NotFoundError(
                message, hint="add the assets first, or pass fail_on_asset_not_found=False"
            )
        log.warning("%s", message)
    files = [_label_file(path, assets[stem][0]) for stem, path in by_stem.items() if stem in assets]
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


def _by_stem(description: Path, paths: Sequence[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in paths:
        if not path.is_file():
            raise SourceNotFoundError("no such label file", path=path, hint="check the path")
        first = found.setdefault(path.stem, path)
        if first is not path:
            raise BadRequestError(
                f"{first} and {path} have the same name", hint="import them one after the other"
            )
    if not description.is_file():
        raise SourceNotFoundError("no such file", path=description, hint="check the path")
    if not found:
        raise BadRequestError("there are no label files to import", hint="the list is empty")
    return found


async def _assets(
    backend: Backend, version: DatasetVersionRecord, by_stem: dict[str, Path]
) -> dict[str, list[AssetRecord]]:
    """Return the asset of each name. Raises ConflictError if a name has several."""
    query = ListAssetsByKey(version_id=version.id)
    keys = [f"{stem}." for stem in by_stem]
    listed = KeyListing(backend, LIST_ASSETS_BY_KEY, query, "filename_startswith", keys)
    found: dict[str, list[AssetRecord]] = {}
    async for page in listed.pages():
        for asset in page:
            stem = PurePosixPath(asset.data.filename).stem
            if stem in by_stem:
                found.setdefault(stem, []).append(asset)
    for stem, assets in found.items():
        if len(assets) > 1:
            names = ", ".join(f"{each.data.filename!r} {each.id}" for each in assets[:SHOWN])
            raise ConflictError(
                f"{by_stem[stem]} matches {len(assets)} assets: {names}",
                hint="asset names must differ without their extension",
            )
    return found


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
