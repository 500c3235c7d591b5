"""Count what became of the images and shapes of each chunk, in the report of its import."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from uuid import UUID

from msgspec import Struct

from headrace.engine.imports.chunks import ImportChunk
from headrace.engine.imports.match import SHOWN
from headrace.engine.imports.report import ImportReport
from headrace.model.enums import ImportAnnotationMode
from headrace.model.records import AssetRecord
from headrace.model.sample import Sample

MatchedImage = tuple[Sample, UUID]
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
    missing: list[Sample]


def matched_chunk(
    chunk: ImportChunk, assets: Sequence[AssetRecord | None], mode: ImportAnnotationMode
) -> MatchedChunk:
    """Sort the images of a chunk by what is to be done with them."""
    matched: list[MatchedImage] = []
    missing: list[Sample] = []
    for sample, asset in zip(chunk.samples, assets, strict=True):
        if asset is None:
            missing.append(sample)
        else:
            matched.append((sample, asset.id))
    # An annotation without shapes says that an annotator found the image empty. It replaces an earlier annotation, but
    # has no effect in the other modes.
    replaces = mode == ImportAnnotationMode.REPLACE
    wanted = [pair for pair in matched if pair[0].shapes or (replaces and pair[0].annotated)]
    return MatchedChunk(matched, wanted, missing)


def count_chunk(
    report: ImportReport,
    chunk: MatchedChunk,
    *,
    kept: Collection[UUID] = (),
    busy: Collection[UUID] = (),
) -> list[Sample]:
    """Add a chunk to the report and return the images that were imported.

    Args:
        report: The report.
        chunk: The chunk.
        kept: Assets whose annotation was not changed.
        busy: Assets that were left out because they are in an annotation campaign.
    """
    for sample in chunk.missing:
        report.images_not_found += 1
        report.shapes_not_found += len(sample.shapes)
        if len(report.not_found) < SHOWN:
            report.not_found.append(sample.path or sample.filename)
    imported: list[Sample] = []
    for sample, asset in chunk.matched:
        if asset in busy:
            report.images_in_campaign += 1
            report.shapes_in_campaign += len(sample.shapes)
        elif asset in kept:
            report.images_kept += 1
            report.shapes_kept += len(sample.shapes)
        else:
            report.images_imported += 1
            report.shapes_imported += len(sample.shapes)
            imported.append(sample)
    labels = Counter([shape.label for sample in imported for shape in sample.shapes])
    for name, count in labels.items():
        report.labels[name] = report.labels.get(name, 0) + count
    return imported
