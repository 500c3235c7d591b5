"""Encode and decode the requests and responses of operations, driven by the table alone.

Bodies are decoded directly into a Struct derived from the request type, so a call with a hundred thousand shapes costs
one typed pass. Decoding is lax where the platform's clients are (numbers as text, ``True`` for true). Every refusal is a
:class:`BadRequestError` that names the field.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import NoneType
from typing import Any, get_origin
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct

from headrace.errors import BadRequestError, ServerError
from headrace.protocol.body_limits import check_count, check_items, check_objects
from headrace.protocol.foreign import decode_foreign
from headrace.protocol.operation import Operation, P, R
from headrace.protocol.plans import ArrayPlan, Plan, plan_of, quick_plan_of
from headrace.protocol.wire import WireRequest, path_text, query_text

BIG_BODY = 256 * 1024
"""Bytes above which a body should be decoded on a thread (see :func:`decode_request`)."""

_PIECE = 256 * 1024
"""Bytes of ids that are decoded at a time, in a millisecond."""

_IDS = msgspec.json.Decoder(list[UUID], strict=False)

_ITEMS_PER_CHUNK = 64


# --- requests --------------------------------------------------------------------------------------------


def encode_request(operation: Operation[P, R], request: P) -> WireRequest:
    """Encode a request record as an HTTP request."""
    path = operation.path.format_map(
        {name: path_text(getattr(request, name)) for name in operation.path_fields}
    )
    query = [
        (name, text)
        for name in operation.query_fields
        for text in _query_texts(getattr(request, name))
    ]
    return WireRequest(operation.method, path, query, _encode_body(operation, request))


def decode_request(
    operation: Operation[P, R],
    path_values: Mapping[str, str],
    query: Iterable[tuple[str, str]],
    body: bytes | None,
) -> P:
    """Decode an HTTP request into the request record of an operation.

    A body above :data:`BIG_BODY` is decoded item by item, so that other threads can run in between, and checked before that
    (``body_limits``).

    Args:
        operation: The operation that the route belongs to.
        path_values: Values of the placeholders in the path, decoded.
        query: Names and values of the query; names may repeat.
        body: The JSON body, None where there is none.

    Raises:
        BadRequestError: A value is malformed or missing; the message names the field.
        RequestTooLargeError: A list has too many values.
    """
    plan = plan_of(operation)
    values: dict[str, Any] = {}
    for name, kind in plan.path:
        values[name] = _read(operation, name, path_values[name], kind)
    given: dict[str, list[str]] = {}
    for name, text in query:
        given.setdefault(name, []).append(text)
    for name, kind, many in plan.query:
        if name in given:
            values[name] = _read_query(operation, name, given[name], kind, many=many)
        elif name in plan.required:
            raise BadRequestError(f"{operation.name}: {name} is missing")
    if operation.body_fields:
        if body is not None and len(body) > BIG_BODY:
            check_objects(operation.name, body)
        values.update(
            _decode_quickly(operation, body) or _decode_body(operation, plan, body or b"")
        )
    return operation.request(**values)


def _query_texts(value: Any) -> list[str]:
    if _absent(value):
        return []
    if isinstance(value, list):
        return [query_text(item) for item in value]
    return [query_text(value)]


def _encode_body(operation: Operation[P, R], request: P) -> bytes | None:
    if not operation.body_fields:
        return None
    if operation.bare_body is not None:
        return msgspec.json.encode(getattr(request, operation.bare_body))
    values = {name: getattr(request, name) for name in operation.body_fields}
    if operation.send_null:
        return msgspec.json.encode({k: v for k, v in values.items() if v is not UNSET})
    return msgspec.json.encode({k: v for k, v in values.items() if not _absent(v)})


def _absent(value: object) -> bool:
    return value is None or value is UNSET


def _decode_quickly(operation: Operation[P, R], body: bytes | None) -> dict[str, Any] | None:
    """Decode a body by the quick way of its operation; None if there is none, or it does not fit."""
    if operation.quick is None or not body:
        return None
    plan = quick_plan_of(operation)
    try:
        values = _decode_fields(operation, plan, body)
    except BadRequestError:
        return None
    return values if operation.quick.fits(values) else None


def _decode_body(operation: Operation[P, R], plan: Plan, body: bytes) -> dict[str, Any]:
    if not body.strip() and operation.bare_body is None:
        body = b"{}"
    big = len(body) > BIG_BODY
    if operation.bare_body is not None:
        items = plan.chunked_fields.get(operation.bare_body)
        array = plan.arrays.get(operation.bare_body)
        if big and items is not None:
            value: Any = _decode_items(operation, "", items, _decode(operation, plan.chunked, body))
        elif big and array is not None:
            value = _decode_array(operation, "", array, body)
        else:
            value = _decode(operation, plan.body, body)
        return {operation.bare_body: value}
    return _decode_fields(operation, plan, body)


def _decode_fields(operation: Operation[P, R], plan: Plan, body: bytes) -> dict[str, Any]:
    big = len(body) > BIG_BODY
    if not big or not (plan.chunked_fields or plan.arrays):
        return _as_dict(_decode(operation, plan.body, body))
    values = _as_dict(_decode(operation, plan.chunked, body))
    for name, items in plan.chunked_fields.items():
        if name in values:
            values[name] = _decode_items(operation, name, items, values[name])
    for name, array in plan.arrays.items():
        if name in values:
            values[name] = _decode_array(operation, name, array, bytes(values[name]))
    return values


def _decode_items(
    operation: Operation[P, R],
    name: str,
    decoder: msgspec.json.Decoder[Any],
    raws: list[msgspec.Raw],
) -> list[Any]:
    return [
        _decode(operation, decoder, raw, prefix=f"{name}[{index}]")
        for index, raw in enumerate(raws)
    ]


def _decode_array(operation: Operation[P, R], name: str, array: ArrayPlan, text: bytes) -> Any:
    """Decode an array of values, where they are ids in pieces."""
    where = f"{operation.name}: {name or 'the body'}"
    check_items(where, text, commas_separate=array.commas_separate)
    values = _ids_by_pieces(text) if array.holds_ids else None
    if values is None:
        values = _decode(operation, array.decoder, text, prefix=name)
    if isinstance(values, list):
        check_count(where, len(values))
    return values


def _as_dict(struct: Struct) -> dict[str, Any]:
    found = ((name, getattr(struct, name)) for name in struct.__struct_fields__)
    return {name: value for name, value in found if value is not UNSET}


def _decode(
    operation: Operation[P, R],
    decoder: msgspec.json.Decoder[Any],
    body: bytes | msgspec.Raw,
    *,
    prefix: str = "",
) -> Any:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as exc:
        reason = str(exc)
    except msgspec.DecodeError as exc:
        raise BadRequestError(f"{operation.name}: the body is not JSON: {exc}") from None
    except UnicodeError:
        raise BadRequestError(f"{operation.name}: the body is not UTF-8 text") from None
    except RecursionError:
        raise BadRequestError(f"{operation.name}: the body is nested too deeply") from None
    raise BadRequestError(f"{operation.name}: {_locate(reason, prefix)}")


def _locate(reason: str, prefix: str) -> str:
    """Turn ``Expected `int`, got `str` - at `$.a[0].b``` into ``a[0].b: expected int, got str``."""
    what, _, where = reason.partition(" - at ")
    where = (prefix + where.strip("`").removeprefix("$")).lstrip(".") or "the body"
    what = what.replace("`", "")
    return f"{where}: {what[:1].lower()}{what[1:]}"


def _read_query(
    operation: Operation[P, R], name: str, texts: list[str], kind: Any, *, many: bool
) -> Any:
    if many:
        return [_read(operation, name, text, kind) for text in texts]
    return _read(operation, name, texts[-1], kind)


def _read(operation: Operation[P, R], name: str, text: str, kind: Any) -> Any:
    if kind is str:
        return text
    try:
        if get_origin(kind) is dict:
            return msgspec.json.decode(text, type=kind)
        return msgspec.convert(text, kind, strict=False)
    except msgspec.MsgspecError as exc:
        reason = str(exc).partition(" - at ")[0].replace("`", "")
    except (UnicodeError, RecursionError):
        reason = "not readable"
    shown = text if len(text) <= 80 else text[:79] + "…"
    raise BadRequestError(f"{operation.name}: {name}={shown!r}: {reason[:1].lower()}{reason[1:]}")


# --- responses -------------------------------------------------------------------------------------------


def encode_response(operation: Operation[P, R], result: R) -> Iterator[bytes]:
    """Encode a result, as JSON in chunks, so that other threads can run between the chunks of a long array.

    The first chunk of an array holds one item, by which the size of the others can be guessed.
    """
    if operation.result is NoneType:
        if operation.status != 204:
            yield b"{}"
    elif operation.packed:
        yield msgspec.msgpack.encode(result)
    elif isinstance(result, list) and len(result) > 1:
        yield msgspec.json.encode(result[:1])[:-1]
        for start in range(1, len(result), _ITEMS_PER_CHUNK):
            yield b"," + msgspec.json.encode(result[start : start + _ITEMS_PER_CHUNK])[1:-1]
        yield b"]"
    else:
        yield msgspec.json.encode(result)


def decode_response(operation: Operation[P, R], body: bytes) -> R:
    """Decode the result of an operation; raises :class:`ServerError` where the body does not have the declared type."""
    if operation.result is NoneType:
        return None  # type: ignore[return-value]  # R is None here
    if decodes_in_pieces(operation, body) and (ids := _ids_by_pieces(body)) is not None:
        return ids  # type: ignore[return-value]  # R is list[UUID] here
    try:
        try:
            return plan_of(operation).result.decode(body)  # type: ignore[no-any-return]
        except msgspec.ValidationError:
            if operation.packed:
                raise
            return decode_foreign(body, operation.result)  # type: ignore[no-any-return]
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as exc:
        raise ServerError(
            f"{operation.name}: the response does not match the API: {exc}",
            hint="check that the address is that of a headrace server or a platform",
        ) from None


def decodes_in_pieces(operation: Operation[Any, Any], body: bytes) -> bool:
    """Whether a response should be decoded on a thread: the ids of a million annotations take a tenth of a second."""
    return operation.result == list[UUID] and len(body) > BIG_BODY


def _ids_by_pieces(body: bytes) -> list[UUID] | None:
    """Decode an array of ids in pieces, so that other threads can run in between; None if it must be decoded as a whole.

    The array is cut at commas, which no id contains.
    """
    if not (body.startswith(b"[") and body.endswith(b"]")):
        return None
    ids: list[UUID] = []
    start, end = 1, len(body) - 1
    try:
        while start <= end:
            cut = body.find(b",", min(start + _PIECE, end), end)
            cut = end if cut < 0 else cut
            piece = _IDS.decode(b"[" + body[start:cut] + b"]")
            if not piece:
                return None
            ids += piece
            start = cut + 1
    except (msgspec.MsgspecError, UnicodeError):
        return None
    return ids
