"""Damaged input of the wire, in memory: requests, answers, queries, cursors, signed URLs, headers, packed shapes.

Every function damages all of its seeds once and returns how many it tried. What comes out must be a value or the typed
error that the function names; anything else is raised.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import msgspec
from msgspec.inspect import (
    BoolType,
    BytesType,
    DateTimeType,
    DictType,
    EnumType,
    FloatType,
    IntType,
    ListType,
    LiteralType,
    NoneType,
    StrType,
    StructType,
    TupleType,
    Type,
    UnionType,
    UUIDType,
    VarTupleType,
    type_info,
)

from headrace.errors import APIError, HeadraceError, PermissionDeniedError, StorageError
from headrace.model.blob.layout import HEAD_BYTES
from headrace.model.blob.pack import pack
from headrace.model.blob.receive import receive
from headrace.model.blob.unpack import unpack
from headrace.model.columns import Pair, ShapeGroup, ShapeKind, Shapes, TrackGeometry
from headrace.net.content_range import parse_body_range
from headrace.net.retry import retry_after
from headrace.platform.accounts.signing_keys import SigningKey
from headrace.protocol.codec import decode_request, decode_response
from headrace.protocol.operation import Operation
from headrace.protocol.operations import OPERATIONS
from headrace.protocol.paging import decode_cursor, encode_cursor
from headrace.protocol.query.parser import parse
from headrace.protocol.wire import decode_error
from headrace.server.files import UnsatisfiableRangeError, parse_range
from headrace.server.signing import Grant, sign, verify

Change = Callable[[bytes], bytes]

QUERIES = (
    b'filename = "a.jpg" AND (width > 10 OR NOT height <= 2.5e1)',
    b'annotations.label.name IN ("cat", "d\\"og") AND tags.name != \'x\'',
    b'metadata.manufacturer IS NULL OR created_at >= "2026-01-01T00:00:00Z"',
    b"((((a = 1))))",
)
HEADERS = (
    (b"bytes 5-9/10", b"5", b'"abc"', b"sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"),
    (b"bytes */10", b"0", b'W/"abc"', b"crc32c=AAAAAA==, md5=1B2M2Y8AsgTpgAmY7PhCfg=="),
)
WAITS = (b"120", b"Wed, 21 Oct 2015 07:28:00 GMT", b'"default";r=0;t=30')
RANGES = (b"bytes=0-9", b"bytes=-5", b"bytes=3-", b"bytes=0-1,4-5")
ERRORS = (
    b'{"message": "no", "detail": [{"loc": ["body", 1], "msg": "wrong"}], "hint": "x", "request_id": "r"}',
    b'{"detail": "not found"}',
    b"<html><body>502 Bad Gateway</body></html>",
)
KEY = b"k" * 32
RINGS: list[list[Pair]] = [
    [(0, 0), (4.5, 0), (4.5, 3.25)],
    [(10.125, 1e9), (11, 2), (1 / 3, 5), (7, 8)],
]


class Call(NamedTuple):
    """A valid request of an operation, and a valid answer."""

    operation: Operation[Any, Any]
    path: dict[str, str]
    query: list[tuple[str, str]]
    body: bytes | None
    answer: bytes


def attempt_requests(change: Change) -> int:
    """Decode a request of each operation, of which the body, the query and the path are damaged."""
    for call in calls():
        path = {name: text(change(value.encode())) for name, value in call.path.items()}
        query = [(name, text(change(value.encode()))) for name, value in call.query]
        body = None if call.body is None else change(call.body)
        with contextlib.suppress(HeadraceError):
            decode_request(call.operation, call.path, call.query, body)
        with contextlib.suppress(HeadraceError):
            decode_request(call.operation, path, query, call.body)
    return 2 * len(calls())


def attempt_answers(change: Change) -> int:
    """Decode a damaged answer of each operation, and damaged errors."""
    for call in calls():
        with contextlib.suppress(HeadraceError):
            decode_response(call.operation, change(call.answer))
    for body in ERRORS:
        error = decode_error(400, change(body))
        if not isinstance(error, APIError):
            raise TypeError(type(error))
    return len(calls()) + len(ERRORS)


def attempt_queries(change: Change) -> int:
    """Parse damaged queries."""
    for query in QUERIES:
        with contextlib.suppress(HeadraceError):
            parse(text(change(query)))
    return len(QUERIES)


def attempt_texts(change: Change) -> int:
    """Read damaged cursors, signed URLs and headers."""
    cursor = encode_cursor([1, "a", None], ["x"])
    with contextlib.suppress(HeadraceError):
        decode_cursor(text(change(cursor.encode())), ["x"])
    grant = Grant("PUT", 1, "a/1/1/x.jpg", 2_000_000_000, "u", 3)
    signed = {
        "organization": "1",
        "expires": "2000000000",
        "key": "1",
        "signature": sign(KEY, grant),
        "upload_id": "u",
        "part": "3",
    }
    damaged = {name: text(change(value.encode())) for name, value in signed.items()}
    try:
        found = verify({1: SigningKey(1, KEY)}, "PUT", grant.object_name, damaged)
    except PermissionDeniedError:
        pass
    else:
        if found != grant:
            raise RuntimeError(f"{damaged} became {found}")
    for header in RANGES:
        with contextlib.suppress(UnsatisfiableRangeError):
            parse_range(text(change(header)), 10)
    for content_range, length, etag, digest in HEADERS:
        headers = {
            "Content-Range": text(change(content_range)),
            "Content-Length": text(change(length)),
            "ETag": text(change(etag)),
            "Repr-Digest": text(change(digest)),
            "x-goog-hash": text(change(digest)),
        }
        for status in (200, 206, 416):
            with contextlib.suppress(HeadraceError):
                parse_body_range(status, headers, 5, "host")
    for wait in WAITS:
        retry_after({"Retry-After": text(change(wait))})
        retry_after({"RateLimit": text(change(wait))})
    return 2 + len(RANGES) + 3 * len(HEADERS) + 2 * len(WAITS)


def attempt_blobs(change: Change) -> int:
    """Receive damaged packed shapes, half of them with the right checksum, and read again what is accepted."""
    for blob in blobs():
        damaged = change(blob)
        content = change(blob[HEAD_BYTES:])
        resealed = blob[:1] + zlib.crc32(content).to_bytes(4, "little") + content
        for each in (damaged, resealed):
            try:
                received = receive(each, {0: 7, 1: 8, 2: 9})
            except ValueError:
                # The documented error of what another machine sent.
                continue
            try:
                again = unpack(received.blob or pack(received.shapes or Shapes([])))
            except StorageError as error:
                raise RuntimeError(f"{each.hex()} is accepted and cannot be read") from error
            if dict(again.label_counts()) != received.counts:
                raise RuntimeError(f"{each.hex()} is counted wrongly")
    return 2 * len(blobs())


def text(data: bytes) -> str:
    """Return bytes as aiohttp makes text of them: what is no UTF-8 becomes surrogates."""
    return data.decode("utf-8", "surrogateescape")


@cache
def blobs() -> list[bytes]:
    """Return packed shapes of every kind, without the rare columns and with them."""
    plain = [
        ShapeGroup(ShapeKind.RECTANGLE, [0, 1], [1, 2, 3.5, 4, 5, 6, 7, 80_000]),
        ShapeGroup(ShapeKind.POLYGON, [0, 1], RINGS),
        ShapeGroup(ShapeKind.POINT, [0, 1], [1, 2, -3.25, 4]),
    ]
    rich = [
        ShapeGroup(
            ShapeKind.POLYGON,
            [0, 1],
            RINGS,
            texts=["a", None],
            attributes=[None, {"k": [1]}],
            instances=[1, 1],
            scores=[0.5, None],
            boxes=[(0, 0, 5, 6.5), None],
        ),
        ShapeGroup(ShapeKind.CLASSIFICATION, [2], []),
        ShapeGroup(
            ShapeKind.KEYPOINTS, [0, 1], [[(1, 2, 2), (3, 4, 1)], []], segmentations=[RINGS, "03"]
        ),
        ShapeGroup(ShapeKind.MASK, [0, 1], ["03", "12"]),
        ShapeGroup(
            ShapeKind.TRACK, [0], [TrackGeometry(2, [(0, 1, 2, 3, 4)], [(1, RINGS[0])], [5])]
        ),
    ]
    return [pack(Shapes(groups)) for groups in (plain, rich)]


@cache
def calls() -> list[Call]:
    """Return a valid request and answer of every operation, made from its types."""
    return [_call(each) for each in OPERATIONS.values()]


def _call(operation: Operation[Any, Any]) -> Call:
    request = type_info(operation.request)
    assert isinstance(request, StructType)
    values = {each.name: sample(each.type) for each in request.fields}
    body = None
    if operation.bare_body is not None:
        body = msgspec.json.encode(values[operation.bare_body])
    elif operation.body_fields:
        body = msgspec.json.encode({name: values[name] for name in operation.body_fields})
    encode = msgspec.msgpack.encode if operation.packed else msgspec.json.encode
    return Call(
        operation,
        {name: str(values[name]) for name in operation.path_fields},
        [(name, _query_text(values[name])) for name in operation.query_fields],
        body,
        encode(sample(type_info(operation.result), packed=operation.packed)),
    )


def _query_text(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def sample(kind: Type, *, packed: bool = False) -> Any:
    """Return a value of a type as JSON or MessagePack holds it: one item in lists, all fields of records."""
    of = partial(sample, packed=packed)
    match kind:
        case StructType(fields=fields):
            found = {each.encode_name: of(each.type) for each in fields}
            return list(found.values()) if kind.array_like else found
        case UnionType(types=types):
            return of(next(each for each in types if not isinstance(each, NoneType)))
        case ListType(item_type=item) | VarTupleType(item_type=item):
            return [of(item)]
        case TupleType(item_types=items):
            return [of(each) for each in items]
        case DictType(key_type=key, value_type=value):
            return {of(key) if packed else str(of(key)): of(value)}
        case EnumType(cls=cls):
            return next(iter(cls)).value
        case LiteralType(values=values):
            return values[0]
        case BytesType():
            return b"abc" if packed else "YWJj"
        case _:
            return _plain(kind)


def _plain(kind: Type) -> Any:
    match kind:
        case BoolType():
            return True
        case IntType():
            return 7
        case FloatType():
            return 2.5
        case UUIDType():
            return "01890000-0000-7000-8000-000000000001"
        case DateTimeType():
            return "2026-01-01T00:00:00Z"
        case StrType():
            return "text"
        case NoneType():
            return None
        case _:
            return {"key": [1, None]}


TARGETS: dict[str, Callable[[Change], int]] = {
    "requests": attempt_requests,
    "answers": attempt_answers,
    "queries": attempt_queries,
    "texts": attempt_texts,
    "blobs": attempt_blobs,
}
