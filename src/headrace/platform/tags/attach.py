"""Attach tags to data, assets, datasets and versions, and detach them, in batches."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from headrace.model.enums import TagTarget
from headrace.model.ids import InvalidIdError, Kind, decode, encode, scoped
from headrace.model.records import AttachAnswer
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.listing import json_text
from headrace.platform.dispatch import handles
from headrace.platform.tags.scopes import Tag, TagFamily, tag_of
from headrace.platform.tags.tags import touch
from headrace.protocol.operations.tags import ATTACH_TAG, DETACH_TAG, TagTargets
from headrace.storage.database.base import Transaction

_BATCH = 5_000

_TARGET_KINDS = {
    TagTarget.DATA: Kind.DATA,
    TagTarget.ASSET: Kind.ASSET,
    TagTarget.DATASET: Kind.DATASET,
    TagTarget.DATASET_VERSION: Kind.VERSION,
}
_ATTACH = {
    TagFamily.DATA: "tags.attach_to_data",
    TagFamily.ASSET: "tags.attach_to_assets",
    TagFamily.ORGANIZATION: "tags.attach_to_objects",
}
_DETACH = {
    TagFamily.DATA: "tags.detach_from_data",
    TagFamily.ASSET: "tags.detach_from_assets",
    TagFamily.ORGANIZATION: "tags.detach_from_objects",
}
_COUNT = {TagFamily.DATA: "tags.count_data", TagFamily.ASSET: "tags.count_assets"}
_OBJECTS = {Kind.DATASET: "tags.datasets", Kind.VERSION: "tags.versions"}


@handles(ATTACH_TAG)
async def attach_tag(context: Context, access: Access, request: TagTargets) -> AttachAnswer:
    """Attach a tag to all targets that exist and are of its kind; the answer counts them."""
    return await _change(context, access, request, _ATTACH)


@handles(DETACH_TAG)
async def detach_tag(context: Context, access: Access, request: TagTargets) -> AttachAnswer:
    """Detach a tag from all targets that exist and are of its kind; the answer counts them."""
    return await _change(context, access, request, _DETACH)


async def _change(
    context: Context, access: Access, request: TagTargets, statements: dict[TagFamily, str]
) -> AttachAnswer:
    tag = await tag_of(context.database, access, request.tag_id)
    tag.scope.check_unlocked()
    seen: set[int] = set()
    count = 0
    for start in range(0, len(request.ids), _BATCH):
        async with context.database.transaction(*await tag.scope.locks(context)) as tx:
            # Read again in every batch: the tag may be deleted, or its version locked, between two.
            tag = await tag_of(tx, access, request.tag_id)
            tag.scope.check_unlocked()
            batch = {target.int: target for target in request.ids[start : start + _BATCH]}
            ids = [target for number, target in batch.items() if number not in seen]
            seen.update(batch)
            count += await _change_batch(tx, access, tag, ids, statements[tag.scope.family])
            await touch(tx, tag.scope)
    return AttachAnswer(tag=tag.record, count=count)


async def _change_batch(
    tx: Transaction, access: Access, tag: Tag, ids: list[UUID], statement: str
) -> int:
    family = tag.scope.family
    if family is TagFamily.ORGANIZATION:
        numbers = await _objects(tx, access, tag, ids)
        count = len(numbers)
    else:
        numbers = _numbers(tag, ids)
        counted = await tx.fetch_one(
            _COUNT[family], keys=json_text(numbers), bucket=tag.scope.bucket, scope=tag.scope.no
        )
        count = 0 if counted is None else int(counted[0])
    if count:
        await tx.execute(statement, keys=json_text(numbers), **tag.links)
    return count


def _numbers(tag: Tag, ids: Iterable[UUID]) -> list[int]:
    """The numbers of the ids that name data or assets of the tag's scope; other ids are ignored."""
    scope = tag.scope
    start = 0 if scope.family is TagFamily.DATA else scoped(scope.no, 0)
    base = encode(_TARGET_KINDS[tag.target], scope.created, scope.bucket, start).int
    end = 1 << (57 if scope.family is TagFamily.DATA else 31)
    return [number for number in (target.int - base for target in ids) if 0 <= number < end]


async def _objects(tx: Transaction, access: Access, tag: Tag, ids: list[UUID]) -> list[int]:
    """The numbers of the ids that name datasets or versions of the organization."""
    kind = _TARGET_KINDS.get(tag.target)
    if kind is None:
        return []
    wanted = {}
    for target in ids:
        try:
            key = decode(target)
        except InvalidIdError:
            continue
        if key.kind is kind:
            wanted[key.number] = target
    rows = await tx.fetch(
        _OBJECTS[kind], keys=json_text(list(wanted)), organization=access.organization
    )
    return [no for no, created, bucket in rows if encode(kind, created, bucket, no) == wanted[no]]
