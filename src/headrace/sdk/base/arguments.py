"""What people may pass, brought to the form of the wire."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from anyio import to_thread

from headrace.errors import BadRequestError
from headrace.model.enums import AnnotationExportKey
from headrace.protocol.operations.label_details import AttributeRecord, AttributesRecord
from headrace.protocol.query import all_of, any_of
from headrace.sdk.base.numbers import tidy_annotation

if TYPE_CHECKING:
    from headrace.protocol.operations.annotations import LoadedAnnotation
    from headrace.sdk.base.session import Session
    from headrace.sdk.tag import Tag
    from headrace.sdk.user import User
    from headrace.sdk.worker import Worker

log = logging.getLogger("headrace.sdk")

Paths = list[str] | list[Path] | list[str | Path] | tuple[str | Path, ...]


def as_id(value: str | UUID) -> UUID:
    """An id from its text; BadRequestError names what is none."""
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise BadRequestError(f"{value!r} is not an id", hint="ids are UUIDs") from None


def as_ids(values: Iterable[str | UUID]) -> list[UUID]:
    """Ids from their texts."""
    return [as_id(value) for value in values]


def as_path(value: str | Path) -> Path:
    """A path, ``~`` for the home folder."""
    return Path(value).expanduser()


def tag_clause(field: str, tags: Tag | str | Sequence[Tag | str] | None, every: bool) -> str | None:
    """The ``q`` clause for things that carry one of these tags, or every one of them."""
    if not tags:
        return None
    names = tag_names(tags)
    return all_of(field, names) if every else any_of(field, names)


def tag_names(tags: Tag | str | Sequence[Tag | str]) -> list[str]:
    """The names of tags given as names or handles."""
    many: Iterable[Tag | str] = (
        tags if isinstance(tags, Sequence) and not isinstance(tags, str) else [tags]
    )
    return [tag if isinstance(tag, str) else tag.name for tag in many]


def only_key_list(**lists: Sequence[object] | None) -> tuple[str, Sequence[object]] | None:
    """The one key list that is given, by name; BadRequestError where there are several."""
    given = [(name, keys) for name, keys in lists.items() if keys is not None]
    if len(given) > 1:
        names = " and ".join(name for name, _ in given)
        raise BadRequestError(
            f"{names} cannot be given together", hint="use q for further conditions"
        )
    return given[0] if given else None


def check_limits(limit: int | None, offset: int | None) -> None:
    """BadRequestError where ``limit`` or ``offset`` is negative."""
    for name, value in (("limit", limit), ("offset", offset)):
        if value is not None and value < 0:
            raise BadRequestError(f"{name} is {value}", hint="it must not be negative")


def as_export_key(
    use_id: bool | None, export_key: AnnotationExportKey | str | None
) -> AnnotationExportKey:
    """What a file calls assets by: what is said, else their ids with ``use_id``, else their file names."""
    if export_key:
        return AnnotationExportKey.parse(export_key)
    return AnnotationExportKey.ASSET_ID if use_id else AnnotationExportKey.FILENAME


def check_chunk_size(chunk_size: int | None) -> None:
    """BadRequestError where ``chunk_size`` is no number of annotations."""
    if chunk_size is not None and chunk_size < 1:
        raise BadRequestError(f"chunk_size is {chunk_size}", hint="at least 1")


def as_edge(edge: Sequence[int]) -> tuple[int, int]:
    """A joint of a skeleton; BadRequestError where it is no pair."""
    if len(edge) != 2:
        raise BadRequestError(f"{list(edge)} joins no two keypoints", hint="give pairs of numbers")
    return edge[0], edge[1]


def as_attributes(attributes: dict[str, Any] | None) -> dict[str, AttributeRecord] | None:
    """Kinds of attributes from plain values; BadRequestError names a field that is unknown or of a wrong type."""
    try:
        return msgspec.convert(attributes, dict[str, AttributeRecord] | None)
    except msgspec.ValidationError as error:
        raise BadRequestError(f"attributes: {error}") from None


def plain_attributes(record: AttributesRecord) -> dict[str, Any] | None:
    """Kinds of attributes as plain values."""
    plain: dict[str, Any] | None = msgspec.to_builtins(record.attributes)
    return plain


def worker_id(session: Session, worker: Worker | User | UUID | str | None) -> UUID | None:
    """The id of a worker, where the other side tells annotations by worker; else a warning, as on the platform."""
    if worker is None:
        return None
    if not session.backend.limits.extensions:
        log.warning("the worker is ignored: this platform does not tell annotations by worker")
        return None
    return as_user_id(worker)


def worker_ids(
    session: Session, workers: Sequence[Worker | User | UUID | str] | None
) -> list[UUID] | None:
    """The ids of workers whose annotations are to go, None for everybody's.

    BadRequestError where the other side does not tell annotations by worker: it would take everybody's instead.
    """
    if workers is None:
        return None
    if not session.backend.limits.extensions:
        raise BadRequestError(
            "this platform cannot delete annotations by worker",
            hint="leave workers out to delete all",
        )
    return [as_user_id(worker) for worker in workers]


def as_user_id(worker: Worker | User | UUID | str) -> UUID:
    """The id of a user from a user, a worker or an id."""
    return as_id(worker) if isinstance(worker, UUID | str) else worker.id


async def by_asset(
    pages: AsyncIterator[list[LoadedAnnotation]],
) -> dict[str, list[dict[str, Any]]]:
    """Loaded annotations as plain values under the ids of their assets."""
    loaded: dict[str, list[dict[str, Any]]] = {}
    async for page in pages:
        for plain in await to_thread.run_sync(_plain, page):
            loaded.setdefault(plain.pop("asset_id"), []).append(plain)
    return loaded


def _plain(page: list[LoadedAnnotation]) -> list[dict[str, Any]]:
    plain: list[dict[str, Any]] = msgspec.to_builtins(page)
    for annotation in plain:
        tidy_annotation(annotation)
    return plain
