"""How to decode the requests and responses of one operation, derived once from its declaration."""

from __future__ import annotations

import types
from functools import cache
from types import NoneType
from typing import Any, Union, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import FieldInfo

from headrace.protocol.operation import Operation


class ArrayPlan(Struct, frozen=True):
    """How to decode an array of values that are no objects."""

    decoder: msgspec.json.Decoder[Any]
    holds_ids: bool
    commas_separate: bool


class Plan(Struct, frozen=True):
    """How to decode one operation.

    Fields in ``chunked_fields`` are arrays of objects that large bodies decode item by item; ``arrays`` are those of other
    values.
    """

    path: list[tuple[str, Any]]
    query: list[tuple[str, Any, bool]]
    required: frozenset[str]
    body: msgspec.json.Decoder[Any]
    chunked: msgspec.json.Decoder[Any]
    chunked_fields: dict[str, msgspec.json.Decoder[Any]]
    arrays: dict[str, ArrayPlan]
    result: msgspec.json.Decoder[Any] | msgspec.msgpack.Decoder[Any]


@cache
def plan_of(operation: Operation[Any, Any]) -> Plan:
    """Return the plan of an operation."""
    return _plan_with(operation, {})


@cache
def quick_plan_of(operation: Operation[Any, Any]) -> Plan:
    """Return the plan of the quick way of an operation."""
    return _plan_with(operation, dict(operation.quick.types) if operation.quick else {})


def _plan_with(operation: Operation[Any, Any], types: dict[str, Any]) -> Plan:
    """Make the plan of an operation, with other types of some fields."""
    fields = {
        field.name: msgspec.structs.replace(field, type=types.get(field.name, field.type))
        for field in msgspec.structs.fields(operation.request)
    }
    in_body = [fields[n] for n in operation.body_fields]
    chunked_fields = {f.name: item for f in in_body if (item := _struct_item(f.type)) is not None}
    arrays = {f.name: array for f in in_body if (array := _array_plan(f.type)) is not None}
    if operation.bare_body is not None:
        body: Any = fields[operation.bare_body].type
        chunked: Any = list[msgspec.Raw]
    else:
        body = _body_type(operation.name, in_body, {})
        chunked = _body_type(
            operation.name,
            in_body,
            {
                **dict.fromkeys(chunked_fields, list[msgspec.Raw]),
                **dict.fromkeys(arrays, msgspec.Raw),
            },
        )
    return Plan(
        path=[(n, fields[n].type) for n in operation.path_fields],
        query=[(n, *_query_kind(fields[n].type)) for n in operation.query_fields],
        required=frozenset(n for n in operation.query_fields if fields[n].required),
        body=msgspec.json.Decoder(body, strict=False),
        chunked=msgspec.json.Decoder(chunked, strict=False),
        chunked_fields={
            n: msgspec.json.Decoder(item, strict=False) for n, item in chunked_fields.items()
        },
        arrays=arrays,
        result=msgspec.msgpack.Decoder(operation.result)
        if operation.packed
        else msgspec.json.Decoder(operation.result, strict=False),
    )


def _body_type(name: str, fields: list[FieldInfo], instead: dict[str, Any]) -> type[Struct]:
    return msgspec.defstruct(
        f"{name}_body",
        [
            (f.name, instead.get(f.name, f.type))
            if f.required
            else (f.name, instead.get(f.name, f.type), UNSET)
            for f in fields
        ],
        kw_only=True,
    )


def _struct_item(kind: Any) -> type[Struct] | None:
    if get_origin(kind) is list:
        (item,) = get_args(kind)
        if isinstance(item, type) and issubclass(item, Struct):
            return item
    return None


def _array_plan(kind: Any) -> ArrayPlan | None:
    """Return how to decode a list of ids, names or numbers; None for all other types."""
    some = _without_none(kind)
    if len(some) != 1 or get_origin(some[0]) is not list:
        return None
    (item,) = get_args(some[0])
    if item not in (UUID, str, int, float):
        return None
    nullable = NoneType in get_args(kind)
    decoder = msgspec.json.Decoder(some[0] | None if nullable else some[0], strict=False)
    return ArrayPlan(decoder, holds_ids=item is UUID, commas_separate=item is not str)


def _without_none(kind: Any) -> list[Any]:
    """Return the types that a value may have, apart from those of a missing one."""
    kinds = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    return [each for each in kinds if each not in (NoneType, UnsetType)]


def _query_kind(kind: Any) -> tuple[Any, bool]:
    """Return the type of one value of a query parameter, and whether the parameter may be repeated."""
    some = _without_none(kind)
    kind = some[0] if len(some) == 1 else Union[tuple(some)]  # noqa: UP007
    if get_origin(kind) is list:
        return get_args(kind)[0], True
    return kind, False
