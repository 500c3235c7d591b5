"""Check what is to be registered: the description of each file, and what its object contains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET

from headrace.errors import APIError, BadRequestError
from headrace.model.enums import DataType, DataUploadStatus
from headrace.model.names import safe_text
from headrace.model.records import Meta, SourceRecord
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.scopes import DatalakeScope
from headrace.platform.datalake.data_records import metadata_text
from headrace.platform.datalake.object_names import belongs
from headrace.platform.datalake.probe import (
    MAX_SIDE,
    VIDEO_FACTS,
    Picture,
    digest_of,
    facts_of,
    pictures,
    size_of,
    video_headers,
)
from headrace.platform.datalake.registered import can_be_registered
from headrace.platform.datalake.sources import source_of
from headrace.platform.tags.scopes import Tag
from headrace.platform.tags.tags import data_tags
from headrace.protocol.operations.datalake import DataDescription
from headrace.storage.objects.base import ObjectInfo


class Declared(NamedTuple):
    """What a call declares about a file. A call that declares the same again is a retry."""

    filename: str
    kind: str
    content_type: str
    source: int | None
    metadata: str | None
    custom_metadata: str | None

    def matches(self, stored: Declared) -> bool:
        """Whether the stored data was declared like this, the facts that a video's header gave it aside."""
        if self.kind != DataType.VIDEO or self.metadata == stored.metadata:
            return self == stored
        mine, theirs = (msgspec.json.decode(each.metadata or "{}") for each in (self, stored))
        for key in VIDEO_FACTS:
            if key not in mine:
                theirs.pop(key, None)
        return bool(mine == theirs) and self._replace(metadata=None) == stored._replace(
            metadata=None
        )


class Inspected(NamedTuple):
    """What the stored file contains: sizes in pixels and bytes, and the digest."""

    status: DataUploadStatus
    width: int | None
    height: int | None
    size: int
    sha256: bytes | None


class Draft(NamedTuple):
    """A valid registration, ready to be written. ``inspected`` is what ``stored`` contains, both None without it."""

    request: DataDescription
    declared: Declared
    tags: list[Tag]
    source: SourceRecord | None
    stored: ObjectInfo | None
    inspected: Inspected | None

    @property
    def sha256(self) -> str | None:
        """The digest by which data of the lake may be reused, in hexadecimal; None where that is not wanted."""
        if given(self.request.reuse) is not True:
            return None
        if self.inspected is not None and self.inspected.sha256 is not None:
            return self.inspected.sha256.hex()
        sha256: str | None = given(self.request.sha256)
        return sha256


class _Stored(NamedTuple):
    """A stored object, and what its header says; ``facts`` are those about a video."""

    info: ObjectInfo | None
    picture: Picture
    facts: dict[str, float]


async def make_drafts(
    context: Context, access: Access, lake: DatalakeScope, requests: Sequence[DataDescription]
) -> list[Draft | APIError]:
    """Check registrations; returns for each request its draft, or the error that refuses it."""
    stored = await _stored(context, access, requests)
    tags: dict[tuple[UUID, ...], list[Tag]] = {}
    sources: dict[UUID | None, tuple[int, SourceRecord] | None] = {}
    drafts: list[Draft | APIError] = []
    for request, found in zip(requests, stored, strict=True):
        try:
            if request.data_source_id not in sources:
                sources[request.data_source_id] = await source_of(
                    context, access, request.data_source_id
                )
            no, source = sources[request.data_source_id] or (None, None)
            declared = _declared(request, no, found.facts)
            wanted = tuple(request.tags)
            if wanted not in tags:
                tags[wanted] = await data_tags(context.database, access, lake, wanted)
            draft = Draft(request, declared, tags[wanted], source, found.info, None)
            if found.info is not None:
                inspected = await _inspect(context, request, found.info, found.picture)
                draft = draft._replace(inspected=inspected)
            elif draft.sha256 is None:
                raise missing_object(request.object_name)
            drafts.append(draft)
        except APIError as error:
            drafts.append(error)
    return drafts


def missing_object(name: str) -> BadRequestError:
    """The error for a registration without an upload."""
    return BadRequestError(
        f"nothing was uploaded as {name!a}", hint="upload the file, then register it"
    )


def given(value: Any) -> Any:
    """Return a field of a request, None where it is not set."""
    return None if value is UNSET else value


def _declared(request: DataDescription, source: int | None, facts: dict[str, float]) -> Declared:
    metadata = given(request.metadata)
    return Declared(
        filename=safe_text(request.filename, "filename"),
        kind=DataType.parse(request.type),
        content_type=safe_text(request.content_type, "content_type"),
        source=source,
        metadata=metadata_text("metadata", {**facts, **(metadata or {})} if facts else metadata),
        custom_metadata=metadata_text("custom_metadata", given(request.custom_metadata)),
    )


async def _stored(
    context: Context, access: Access, requests: Sequence[DataDescription]
) -> list[_Stored]:
    """Look up the stored objects, measure the images whose size the request does not give, and all videos."""
    names = [each.object_name for each in requests if _is_ours(context, access, each.object_name)]
    infos = {
        info.name: info
        for info in await context.objects.receive(names)
        if info is not None and can_be_registered(context, info)
    }
    unmeasured = [
        infos[each.object_name]
        for each in requests
        if each.object_name in infos and each.type == DataType.IMAGE and given(each.meta) is None
    ]
    measured = await pictures(context.objects, unmeasured)
    images = {info.name: image for info, image in zip(unmeasured, measured, strict=True)}
    films = [
        infos[each.object_name]
        for each in requests
        if each.object_name in infos and each.type == DataType.VIDEO
    ]
    headers = await video_headers(context.objects, films) if films else []
    videos = {info.name: video for info, video in zip(films, headers, strict=True)}
    return [
        _Stored(
            infos.get(each.object_name),
            images.get(each.object_name) or Picture(size_of(videos.get(each.object_name))),
            facts_of(videos.get(each.object_name)),
        )
        for each in requests
    ]


def _is_ours(context: Context, access: Access, name: str) -> bool:
    try:
        context.objects.check_name(name)
    except BadRequestError:
        return False
    return belongs(name, access.organization)


async def _inspect(
    context: Context, request: DataDescription, info: ObjectInfo, picture: Picture
) -> Inspected:
    sha256 = picture.sha256 or await digest_of(context.objects, info, given(request.sha256))
    meta: Meta | None = given(request.meta) or picture.size
    if meta is None:
        # A video of an unknown container is as good as any; an image without a size cannot be one.
        video = request.type == DataType.VIDEO
        status = DataUploadStatus.DONE if video else DataUploadStatus.ERROR
        return Inspected(status, None, None, info.size, sha256)
    if not (0 < meta.width <= MAX_SIDE and 0 < meta.height <= MAX_SIDE):
        raise BadRequestError(f"{meta.width} x {meta.height} is not the size of an image")
    return Inspected(DataUploadStatus.DONE, meta.width, meta.height, info.size, sha256)
