"""Count what became of the images and shapes of each chunk, in the report of its import."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from msgspec import Struct

from headrace.engine.imports.chunks import ImportChunk
from headrace.engine.imports.match import SHOWN
from headrace.engine.imports.packing import PackedImage
from headrace.engine.imports.report import ImportReport
from headrace.model.enums import ImportAnnotationMode

MatchedImage = tuple[PackedImage, UUID]
"""An image with the id of its asset."""


class MatchedChunk(Struct):
    """The images of a chunk.

    Attributes:
        matched: Those that have an asset.
        wanted: Those of them that are sent: the others would change nothing.
        missing: Those without an asset.
    """

    matched: list[MatchedImage]
    wanted: list[MatchedImage]
    missing: list[PackedImage]


def matched_chunk(chunk: ImportChunk, mode: ImportAnnotationMode) -> MatchedChunk:
    """Sort the images of a chunk by what is to be done with them."""
    matched: list[MatchedImage] = []
    missing: list[PackedImage] = []
    for image in chunk.images:
        if image.asset is None:
            missing.append(image)
        else:
            matched.append((image, image.asset))
    # An annotation without shapes says that an annotator found the image empty. It replaces an earlier annotation, but
    # has no effect in the other modes.
    replaces = mode == ImportAnnotationMode.REPLACE
    wanted = [pair for pair in matched if pair[0].shapes or (replaces and pair[0].annotated)]
    return MatchedChunk(matched, wanted, missing)


def count_chunk(
    report: ImportReport,
    chunk: MatchedChunk,
    names: Sequence[str],
    *,
    kept: Collection[UUID] = (),
    busy: Collection[UUID] = (),
) -> list[PackedImage]:
    """Add a chunk to the report and return the images that were imported.

    Args:
        report: The report.
        chunk: The chunk.
        names: The names of the labels, by their indices.
        kept: Assets whose annotation was not changed.
        busy: Assets that were left out because they are in an annotation campaign.
    """
    for image in chunk.missing:
        report.images_not_found += 1
        report.shapes_not_found += image.shapes
        if len(report.not_found) < SHOWN:
            report.not_found.append(image.path or image.filename)
    imported: list[PackedImage] = []
    for image, asset in chunk.matched:
        if asset in busy:
            report.images_in_campaign += 1
            report.shapes_in_campaign += image.shapes
        elif asset in kept:
            report.images_kept += 1
            report.shapes_kept += image.shapes
        else:
            report.images_imported += 1
            report.shapes_imported += image.shapes
            imported.append(image)
    for image in imported:
        for index, count in image.labels.items():
            name = names[index]
            report.labels[name] = report.labels.get(name, 0) + count
    return imported
