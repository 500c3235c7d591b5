"""Look up or create the labels of a version by name, with their groups and skeletons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from uuid import UUID

from headrace.backend.base import Backend
from headrace.errors import ConflictError, NotFoundError
from headrace.model.records import LabelGroupRecord, LabelRecord
from headrace.model.sample import LabelInfo
from headrace.platform.labels.group_paths import SEPARATOR, group_paths
from headrace.protocol.operations.label_details import (
    LIST_SKELETONS,
    SET_SKELETON,
    SetSkeleton,
    SkeletonRecord,
)
from headrace.protocol.operations.labels import (
    CREATE_LABEL_GROUP,
    ENSURE_LABELS,
    LIST_LABEL_GROUPS,
    LIST_LABELS,
    UPDATE_LABEL,
    CreateLabelGroup,
    LabelNames,
    ListLabels,
    UpdateLabel,
)


async def label_infos(backend: Backend, version_id: UUID) -> list[LabelInfo]:
    """Return all labels in order of creation, with the dotted paths of their groups."""
    labels = (await backend.call(LIST_LABELS, ListLabels(version_id=version_id))).items
    groups: list[LabelGroupRecord] = []
    if any(label.group_id for label in labels):
        groups = (await backend.call(LIST_LABEL_GROUPS, ListLabels(version_id=version_id))).items
    paths = group_paths(groups)
    skeletons: dict[str, SkeletonRecord] = {}
    if labels:
        request = ListLabels(version_id=version_id)
        skeletons = (await backend.call(LIST_SKELETONS, request)).items
    return [
        LabelInfo(
            name=label.name,
            supercategory=paths.get(label.group_id) if label.group_id else None,
            keypoints=_skeleton(skeletons, label).vertices,
            skeleton=_skeleton(skeletons, label).edges,
        )
        for label in labels
    ]


async def missing_labels(
    backend: Backend, version_id: UUID, infos: Sequence[LabelInfo], *, create: bool
) -> list[str]:
    """Return the names of the labels that the version does not have, in their order.

    Without ``create``, raises NotFoundError for them.
    """
    names = list(dict.fromkeys(info.name for info in infos))
    found = (await backend.call(LIST_LABELS, ListLabels(version_id=version_id))).items
    known = {label.name for label in found}
    if not create:
        check_known(names, list(known))
    return [name for name in names if name not in known]


async def resolve_labels(
    backend: Backend, version_id: UUID, infos: Sequence[LabelInfo], *, create: bool
) -> dict[str, str]:
    """Return the ids of labels by name.

    With ``create``, missing labels are created in the given order. Otherwise raises NotFoundError, which names them
    and suggests similar labels.
    """
    names = list(dict.fromkeys(info.name for info in infos))
    if not create:
        found = (await backend.call(LIST_LABELS, ListLabels(version_id=version_id))).items
        known = {label.name: label for label in found}
        check_known(names, list(known))
        return {name: str(known[name].id) for name in names}
    if not names:
        return {}
    ensured = await backend.call(ENSURE_LABELS, LabelNames(version_id=version_id, names=names))
    by_name = {label.name: label for label in ensured}
    await _group(backend, version_id, infos, by_name)
    return {name: str(by_name[name].id) for name in names}


async def set_skeletons(
    backend: Backend, version_id: UUID, infos: Sequence[LabelInfo], ids: Mapping[str, str]
) -> int:
    """Set the skeletons of labels (``ids`` by name) where they differ from those of the source.

    Returns the number of edges that were left out because they do not join two keypoints.
    """
    wanted = {ids[info.name]: info for info in infos if info.keypoints and info.name in ids}
    if not wanted:
        return 0
    have = (await backend.call(LIST_SKELETONS, ListLabels(version_id=version_id))).items
    left_out = 0
    for label, info in wanted.items():
        numbers = range(1, len(info.keypoints) + 1)
        edges = [(a, b) for a, b in info.skeleton if a in numbers and b in numbers]
        left_out += len(info.skeleton) - len(edges)
        if have.get(label) != SkeletonRecord(vertices=info.keypoints, edges=edges):
            request = SetSkeleton(label_id=UUID(label), vertices=info.keypoints, edges=edges)
            await backend.call(SET_SKELETON, request)
    return left_out


def _skeleton(skeletons: Mapping[str, SkeletonRecord], label: LabelRecord) -> SkeletonRecord:
    return skeletons.get(str(label.id)) or SkeletonRecord(vertices=[], edges=[])


def check_known(names: Sequence[str], known: Sequence[str]) -> None:
    """Raise NotFoundError if a name is not a known label, and suggest similar labels."""
    unknown = [name for name in names if name not in set(known)]
    if not unknown:
        return
    suggestions = [
        f"{name!r}: did you mean {match[0]!r}?"
        for name in unknown[:3]
        if (match := get_close_matches(name, known, n=1))
    ]
    shown = ", ".join(repr(name) for name in unknown[:5]) + (" …" if len(unknown) > 5 else "")
    labels = "label" if len(unknown) == 1 else "labels"
    raise NotFoundError(
        f"the version lacks {len(unknown)} {labels}: {shown}",
        hint=" ".join(suggestions) or "create them first, or omit force_create_label=False",
    )


async def _group(
    backend: Backend,
    version_id: UUID,
    infos: Sequence[LabelInfo],
    labels: dict[str, LabelRecord],
) -> None:
    """Put labels into the groups that the source names; a label that has a group already keeps it."""
    wanted = [
        (labels[info.name], info.supercategory)
        for info in infos
        if info.supercategory and labels[info.name].group_id is None
    ]
    if not wanted:
        return
    listed = await backend.call(LIST_LABEL_GROUPS, ListLabels(version_id=version_id))
    groups = {group.name: group for group in listed.items}
    done: set[UUID] = set()
    for label, path in wanted:
        if label.id in done:
            continue
        done.add(label.id)
        group = await _ensure_group(backend, version_id, path, groups)
        if group is not None:
            update = UpdateLabel(label_id=label.id, group_id=group.id)
            await backend.call(UPDATE_LABEL, update)


async def _ensure_group(
    backend: Backend, version_id: UUID, path: str, groups: dict[str, LabelGroupRecord]
) -> LabelGroupRecord | None:
    """Return the last group of a dotted path, and create missing ones; an existing group keeps its parent."""
    group: LabelGroupRecord | None = None
    for name in dict.fromkeys(part.strip() for part in path.split(SEPARATOR) if part.strip()):
        if name not in groups:
            parent = group.id if group else None
            request = CreateLabelGroup(version_id=version_id, name=name, parent_id=parent)
            try:
                groups[name] = await backend.call(CREATE_LABEL_GROUP, request)
            except ConflictError:
                listed = await backend.call(LIST_LABEL_GROUPS, ListLabels(version_id=version_id))
                groups.update({each.name: each for each in listed.items})
        group = groups[name]
    return group
