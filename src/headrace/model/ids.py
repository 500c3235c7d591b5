"""UUIDs that encode integer keys.

Rows are keyed by integers. The UUID on the wire is computed from the key and decoded without a query, so no table
stores or indexes an id.

Layout of every id but a shape's (UUID version 7, RFC 9562):

    127        80 79  76 75      64 63 62 61      57 56                      0
    created_ms    7      bucket     10    kind       number
    48 bits       4      12         2     5          57

``number`` is the row number. For rows inside a scope, such as those of a version (assets, annotations, labels, asset
tags), it is ``scope << 31 | seq``, with 26 bits of scope and 31 bits of seq. ``created_ms`` is the creation time of
the scope, or of the row where there is no scope, so ids sort by version, then by order of registration.

The id of a shape also holds its ordinal in the annotation (UUID version 8):

    127        96 95        80 79  76 75      64 63 62 61       52 51        21 20        0
    created_s     version_hi   8      bucket     10    version_lo  annotation   ordinal
    32 bits       16           4      12         2     10          31           21

Ids are not secret: every query also checks the organization.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID, SafeUUID

BUCKET_BITS = 12
SCOPE_BITS = 26
SEQ_BITS = 31
NUMBER_BITS = SCOPE_BITS + SEQ_BITS
ORDINAL_BITS = 21

MAX_BUCKET = (1 << BUCKET_BITS) - 1
MAX_SCOPE = (1 << SCOPE_BITS) - 1
MAX_SEQ = (1 << SEQ_BITS) - 1
MAX_NUMBER = (1 << NUMBER_BITS) - 1
MAX_ORDINAL = (1 << ORDINAL_BITS) - 1
MAX_CREATED_MS = (1 << 48) - 1

_LAST_DIGITS = (1 << 48) - 1
"""Those behind the last dash of an id; they contain the number of a row."""

_VERSION_7 = 7 << 76
_VERSION_8 = 8 << 76
_VARIANT = 0b10 << 62
_VERSION_MASK = 0xF << 76
_VARIANT_MASK = 0b11 << 62
_new = object.__new__
_set = object.__setattr__
_UNKNOWN = SafeUUID.unknown
_SCOPE_LOW_BITS = 10
_SCOPE_LOW_MASK = (1 << _SCOPE_LOW_BITS) - 1


class Kind(IntEnum):
    """The kind of object that an id refers to. The numbers are part of the format and never change."""

    ORGANIZATION = 1
    USER = 2
    CONNECTOR = 3
    DATALAKE = 4
    DATA = 5
    SOURCE = 6
    DATASET = 7
    VERSION = 8
    ASSET = 9
    ANNOTATION = 10
    LABEL = 11
    LABEL_GROUP = 12
    DATA_TAG = 13
    ASSET_TAG = 14
    ORGANIZATION_TAG = 15
    JOB = 16
    TOKEN = 17
    CAMPAIGN = 18
    STEP = 19
    ASSIGNMENT = 20
    PROCESSING = 21
    PROJECTION = 22
    REMOVAL = 23


class Key(NamedTuple):
    """The integers that an id encodes; ``scope`` and ``seq`` are the halves of ``number``."""

    kind: Kind
    created_ms: int
    bucket: int
    number: int

    @property
    def scope(self) -> int:
        return self.number >> SEQ_BITS

    @property
    def seq(self) -> int:
        return self.number & MAX_SEQ


class ShapeKey(NamedTuple):
    """The integers that a shape's id encodes; ``created_s`` is in whole seconds."""

    created_s: int
    bucket: int
    version: int
    annotation: int
    ordinal: int


class InvalidIdError(ValueError):
    """The UUID was not made by headrace, or refers to another kind of object."""


def scoped(scope: int, seq: int) -> int:
    """Return the number of row ``seq`` inside ``scope`` (a version, a lake)."""
    if not 0 <= scope <= MAX_SCOPE:
        raise ValueError(f"scope {scope} does not fit {SCOPE_BITS} bits")
    if not 0 <= seq <= MAX_SEQ:
        raise ValueError(f"seq {seq} does not fit {SEQ_BITS} bits")
    return scope << SEQ_BITS | seq


def encode(kind: Kind, created_ms: int, bucket: int, number: int) -> UUID:
    """Encode the id of a row; raises ``ValueError`` where a part does not fit its bits."""
    if not 0 <= number <= MAX_NUMBER:
        raise ValueError(f"number {number} does not fit {NUMBER_BITS} bits")
    return _uuid(_prefix(kind, created_ms, bucket) | number)


def decode(id: UUID) -> Key:
    """Decode an id into its key; raises :class:`InvalidIdError` where headrace did not make it."""
    value = id.int
    if value & _VERSION_MASK != _VERSION_7 or value & _VARIANT_MASK != _VARIANT:
        raise InvalidIdError(f"{id} is not an id of headrace")
    try:
        kind = Kind(value >> NUMBER_BITS & 0b11111)
    except ValueError:
        raise InvalidIdError(f"{id} is not an id of headrace") from None
    return Key(kind, value >> 80, value >> 64 & MAX_BUCKET, value & MAX_NUMBER)


class IdScope:
    """Ids of one kind inside one scope: a constant prefix plus the row number.

    Fast for large listings: an id costs one addition, decoding it one comparison.
    """

    __slots__ = ("_base", "_head", "_low")

    def __init__(self, kind: Kind, created_ms: int, bucket: int, scope: int) -> None:
        self._base = _prefix(kind, created_ms, bucket) | scoped(scope, 0)
        # The last twelve digits are all that rows can change.
        self._head, self._low = str(_uuid(self._base))[:24], self._base & _LAST_DIGITS

    def id(self, seq: int) -> UUID:
        """Return the id of row ``seq``."""
        # As in _uuid, without the call: listings make millions of ids.
        made = _new(UUID)
        _set(made, "int", self._base | seq)
        _set(made, "is_safe", _UNKNOWN)
        return made

    def text(self, seq: int) -> str:
        """Return the id of row ``seq`` as 36 characters."""
        return f"{self._head}{self._low | seq:012x}"

    def seq(self, id: UUID | str) -> int | None:
        """Return the row of an id, None where the id has another scope or kind or is not headrace's."""
        if isinstance(id, str):
            try:
                value = int(id.replace("-", ""), 16)
            except ValueError:
                return None
        else:
            value = id.int
        seq = value - self._base
        return seq if 0 <= seq <= MAX_SEQ else None


def encode_shape(created_ms: int, bucket: int, version: int, annotation: int, ordinal: int) -> UUID:
    """Encode the id of shape ``ordinal`` of an annotation of a version."""
    if not 0 <= ordinal <= MAX_ORDINAL:
        raise ValueError(f"ordinal {ordinal} does not fit {ORDINAL_BITS} bits")
    if not 0 <= bucket <= MAX_BUCKET:
        raise ValueError(f"bucket {bucket} does not fit {BUCKET_BITS} bits")
    seconds = created_ms // 1000
    if not 0 <= seconds < 1 << 32:
        raise ValueError(f"time {created_ms} ms does not fit a shape id")
    number = scoped(version, annotation)
    return _uuid(
        seconds << 96
        | (version >> _SCOPE_LOW_BITS) << 80
        | _VERSION_8
        | bucket << 64
        | _VARIANT
        | (version & _SCOPE_LOW_MASK) << 52
        | (number & MAX_SEQ) << ORDINAL_BITS
        | ordinal
    )


def decode_shape(id: UUID) -> ShapeKey:
    """Decode the id of a shape; raises :class:`InvalidIdError` where it is not one."""
    value = id.int
    if value & _VERSION_MASK != _VERSION_8 or value & _VARIANT_MASK != _VARIANT:
        raise InvalidIdError(f"{id} is not the id of a shape of headrace")
    version = (value >> 80 & 0xFFFF) << _SCOPE_LOW_BITS | value >> 52 & _SCOPE_LOW_MASK
    return ShapeKey(
        value >> 96,
        value >> 64 & MAX_BUCKET,
        version,
        value >> ORDINAL_BITS & MAX_SEQ,
        value & MAX_ORDINAL,
    )


@lru_cache(maxsize=1024)
def _prefix(kind: Kind, created_ms: int, bucket: int) -> int:
    if not 0 <= created_ms <= MAX_CREATED_MS:
        raise ValueError(f"time {created_ms} ms does not fit 48 bits")
    if not 0 <= bucket <= MAX_BUCKET:
        raise ValueError(f"bucket {bucket} does not fit {BUCKET_BITS} bits")
    return created_ms << 80 | _VERSION_7 | bucket << 64 | _VARIANT | kind << NUMBER_BITS


def _uuid(value: int) -> UUID:
    # UUID.__init__ takes five times as long, and listings make millions of ids.
    made = _new(UUID)
    _set(made, "int", value)
    _set(made, "is_safe", _UNKNOWN)
    return made
