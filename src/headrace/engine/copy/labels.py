"""Copy the labels of a version: names and order, groups, skeletons, and the definitions of attributes."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from headrace.backend.base import Backend
from headrace.engine.copy.report import CopyReport
from headrace.engine.copy.sides import CopySide
from headrace.engine.versions.labels import label_infos, resolve_labels, set_skeletons
from headrace.formats.findings.collect import Findings
from headrace.formats.label_map import LabelMap
from headrace.model.sample import LabelInfo
from headrace.protocol.operations.label_details import (
    GET_LABEL_ATTRIBUTES,
    GET_VERSION_ATTRIBUTES,
    SET_LABEL_ATTRIBUTES,
    SET_VERSION_ATTRIBUTES,
    SetLabelAttributes,
    SetVersionAttributes,
)
from headrace.protocol.operations.labels import LIST_LABELS, LabelId, ListLabels
from headrace.tasks import map_bounded


async def labels_of(source: CopySide, label_map: LabelMap | None) -> list[LabelInfo]:
    """Return the labels of the source under the names that they get.

    Raises:
        ConfigurationError: The label map makes two labels one that it does not merge.
        ParseError: It names a label that the source does not have.
    """
    infos = await label_infos(source.backend, source.version.id)
    if label_map is None:
        return infos
    findings = Findings()
    findings.suggests_skip = False
    label_map.check_known([info.name for info in infos], findings.begin("labels"))
    return label_map.labels(infos)


async def count_new(target: CopySide, infos: Sequence[LabelInfo]) -> int:
    """Return how many of the labels the target lacks."""
    known = await _names(target.backend, target.version.id)
    return sum(info.name not in known for info in infos)


async def copy_labels(
    source: CopySide,
    target: CopySide,
    infos: Sequence[LabelInfo],
    names: dict[str, str | None],
    report: CopyReport,
) -> dict[str, str]:
    """Create the labels that the target lacks, and return the ids of all by name.

    A label that the target has keeps its group; skeletons and attributes follow the source.

    Args:
        source: The source.
        target: The target.
        infos: The labels under the names that they get, in their order.
        names: New names of labels, None for those that are left out.
        report: Gets the number of new labels.
    """
    backend, version_id = target.backend, target.version.id
    before = await _names(backend, version_id)
    ids = await resolve_labels(backend, version_id, infos, create=True)
    report.labels += sum(name not in before for name in ids)
    await set_skeletons(backend, version_id, infos, ids)
    await _copy_attributes(source, target, ids, names)
    return ids


async def _copy_attributes(
    source: CopySide, target: CopySide, ids: dict[str, str], names: dict[str, str | None]
) -> None:
    """Copy the definitions of attributes, of the version and of each label, where they differ."""
    mine, theirs = (
        ListLabels(version_id=source.version.id),
        ListLabels(version_id=target.version.id),
    )
    wanted = (await source.backend.call(GET_VERSION_ATTRIBUTES, mine)).attributes
    have = (await target.backend.call(GET_VERSION_ATTRIBUTES, theirs)).attributes
    if wanted and wanted != have:
        request = SetVersionAttributes(version_id=target.version.id, attributes=wanted)
        await target.backend.call(SET_VERSION_ATTRIBUTES, request)
    labels = (await source.backend.call(LIST_LABELS, mine)).items
    pairs = [
        (label.id, UUID(ids[name]))
        for label in labels
        if (name := names.get(label.name, label.name)) is not None and name in ids
    ]

    async def copy_one(pair: tuple[UUID, UUID]) -> None:
        asked = LabelId(label_id=pair[0])
        wanted = (await source.backend.call(GET_LABEL_ATTRIBUTES, asked)).attributes
        if not wanted:
            return
        asked = LabelId(label_id=pair[1])
        have = (await target.backend.call(GET_LABEL_ATTRIBUTES, asked)).attributes
        if have != wanted:
            request = SetLabelAttributes(label_id=pair[1], attributes=wanted)
            await target.backend.call(SET_LABEL_ATTRIBUTES, request)

    if pairs:
        await map_bounded(copy_one, pairs, concurrency=source.backend.limits.concurrency)


async def _names(backend: Backend, version_id: UUID) -> set[str]:
    found = await backend.call(LIST_LABELS, ListLabels(version_id=version_id))
    return {label.name for label in found.items}
