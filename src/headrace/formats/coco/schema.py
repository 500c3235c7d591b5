"""The records of a COCO file as msgspec types, and a decoder that also keeps the keys of dialects.

The types are strict: a record that fits them (a *clean* record) needs no further checks, any other goes through
:mod:`headrace.formats.coco.recover`. Sources: the COCO data format page (bbox ``[x, y, width, height]``, floats,
0-indexed from the top left corner) and ``pycocotools/coco.py`` for what readers rely on.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, Meta, MsgspecError, Raw, Struct, defstruct
from msgspec.json import Decoder

from headrace.formats.io.json_array import ArrayChunk
from headrace.model.shapes import Attributes

Id = int | str
# Databases and other readers hold 64 bits.
FileId = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | str
# A whole number stays one; beyond this floats do not tell whole numbers apart.
Coordinate = Annotated[int, Meta(ge=-(2**53), le=2**53)] | float
Ring = Annotated[list[Coordinate], Meta(min_length=6)]
Extent = Annotated[int, Meta(gt=0, le=2**53)] | Annotated[float, Meta(gt=0)]

MAX_EXTRA_KEYS = 64
# msgspec does not accept these characters in the name of a field.
_UNSUPPORTED_KEY = re.compile(r'[\\"\x00-\x1f]')


class RleRecord(Struct, gc=False, forbid_unknown_fields=True):
    """An RLE mask: ``size`` is height, then width; ``counts`` is the compressed text or a list of run lengths."""

    size: tuple[int, int]
    counts: str | list[int]


class PlainRecord(Struct, gc=False, forbid_unknown_fields=True):
    """An entry of ``annotations`` with at most the seven usual keys, in the order of the writer.

    The segmentation stays JSON text.
    """

    id: FileId | None = None
    image_id: FileId | None = None
    category_id: FileId | None = None
    bbox: tuple[Coordinate, Coordinate, Extent, Extent] | None = None
    area: Coordinate | None = None
    iscrowd: int | bool = 0
    segmentation: Raw = Raw(b"null")


class AnnotationRecord(PlainRecord, gc=False, forbid_unknown_fields=True):
    """An entry of ``annotations`` with any keys that COCO defines."""

    keypoints: list[Coordinate] | None = None
    num_keypoints: int | None = None
    score: Coordinate | None = None
    attributes: Attributes | None = None
    utf8_string: str | None = None


class StrictRecord(Struct, gc=False):
    """An :class:`AnnotationRecord` with a decoded segmentation."""

    id: Id | None = None
    image_id: Id | None = None
    category_id: Id | None = None
    bbox: tuple[float, float, float, float] | None = None
    area: float | None = None
    iscrowd: int | bool = 0
    segmentation: list[Ring] | RleRecord | None = None
    keypoints: list[float] | None = None
    score: float | None = None
    attributes: Attributes | None = None
    utf8_string: str | None = None


ANNOTATION_KEYS = frozenset(AnnotationRecord.__struct_encode_fields__)

_SEGMENTATION: Decoder[list[Ring] | RleRecord | None] = Decoder(list[Ring] | RleRecord | None)


def is_clean(segmentation: bytes) -> bool:
    """Return whether the JSON text of a segmentation fits the types of a record."""
    try:
        _SEGMENTATION.decode(segmentation)
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


def strict_record(record: PlainRecord) -> StrictRecord:
    """Decode the segmentation of a record; raises msgspec's errors where it is not clean."""
    names = [name for name in record.__struct_fields__ if name in StrictRecord.__struct_fields__]
    values: dict[str, Any] = {name: getattr(record, name) for name in names}
    values["segmentation"] = _SEGMENTATION.decode(record.segmentation)
    return StrictRecord(**values)


class ImageRecord(Struct, gc=False, forbid_unknown_fields=True):
    """An entry of ``images``."""

    id: FileId | None = None
    file_name: str | None = None
    width: int | None = None
    height: int | None = None
    attributes: Attributes | None = None


class ImageId(Struct, gc=False):
    """The id of an image, for the pass that indexes the images."""

    id: FileId | None = None


class ImageRef(Struct, gc=False):
    """The image of an annotation, for the pass that sorts the annotations."""

    image_id: FileId | None = None


class UndecodedRecord(NamedTuple):
    """The JSON text of a record and the byte of the file where it begins.

    Stands for a record that is not clean, and for the source of a finding.
    """

    text: bytes
    offset: int | None = None


R = TypeVar("R", bound=Struct)


class RecordDecoder(Generic[R]):
    """Decodes records and keeps the keys that their type does not define.

    A new key extends the type when it is first met, so that later records with it decode as fast as any.

    Args:
        base: The type of the records.
        keep_extra: Keep the values of other keys. Skipping them is faster.
        plain: A type with fewer keys. It is tried first, until the file proves to have more.
    """

    def __init__(
        self, base: type[R], *, keep_extra: bool, plain: type[Struct] | None = None
    ) -> None:
        self._base = base
        self._known = set(base.__struct_encode_fields__)
        self._extra_keys: dict[str, str] = {}
        self._keep = keep_extra
        self._plain: Decoder[Any] | None = None if plain is None else Decoder(plain)
        kind: Any = plain or base
        self._plain_many: Decoder[list[Any]] = Decoder(list[kind])
        self._define()

    def _define(self) -> None:
        # A key may be any text, the name of a field may not.
        fields = [(name, Any, UNSET) for name in self._extra_keys]
        kind: Any = defstruct(
            self._base.__name__,
            fields,
            bases=(self._base,),
            rename=self._extra_keys,
            forbid_unknown_fields=self._keep,
            gc=False,
        )
        self._one: Decoder[R] = Decoder(kind)
        self._many: Decoder[list[R]] = Decoder(list[kind])

    def decode_array(self, text: bytes | memoryview) -> list[R]:
        """Decode a JSON array to records of one type; raises msgspec's errors where one is not clean."""
        if self._plain is None:
            return self._many.decode(text)
        try:
            return self._plain_many.decode(text)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            return self._no_longer_plain(self._many.decode(text))

    def decode_lines(self, text: bytes) -> list[R | UndecodedRecord]:
        """Decode JSON objects that follow one another to records of one type; those that are not clean stay text."""
        try:
            return self._lines(text)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            raws: list[Raw] = Decoder(Raw).decode_lines(text)
            return self._each([UndecodedRecord(bytes(raw)) for raw in raws])

    def _lines(self, text: bytes) -> list[Any]:
        if self._plain is None:
            return self._one.decode_lines(text)
        try:
            return self._plain.decode_lines(text)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            return self._no_longer_plain(self._one.decode_lines(text))

    def _no_longer_plain(self, records: list[R]) -> list[R]:
        self._plain = None
        return records

    def records(self, chunk: ArrayChunk[R]) -> list[R | UndecodedRecord]:
        """Return the records of a chunk that was parsed by :meth:`decode_array`; those that are not clean stay text."""
        if chunk.items is not None:
            return list(chunk.items)
        return self._each([UndecodedRecord(text, offset) for offset, text in chunk.elements()])

    def extra(self, record: R) -> Attributes | None:
        """Return the values of a record's extra keys, or None."""
        values = {}
        for name, key in self._extra_keys.items():
            value = getattr(record, name)
            if value is not UNSET:
                values[key] = value
        return values or None

    @property
    def has_extra_keys(self) -> bool:
        """Whether any record so far had an extra key."""
        return bool(self._extra_keys)

    def _each(self, elements: list[UndecodedRecord]) -> list[R | UndecodedRecord]:
        if self._learn(elements):
            self._define()
        return [self._single(element) for element in elements]

    def _single(self, element: UndecodedRecord) -> R | UndecodedRecord:
        try:
            return self._one.decode(element.text)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            return element

    def _learn(self, elements: list[UndecodedRecord]) -> bool:
        """Add the unknown keys of elements to the type; False where there are none."""
        before = len(self._extra_keys)
        for element in elements if self._keep else ():
            for key in _keys(element.text):
                if (
                    key not in self._known
                    and len(self._extra_keys) < MAX_EXTRA_KEYS
                    and not _UNSUPPORTED_KEY.search(key)
                ):
                    self._known.add(key)
                    self._extra_keys[f"extra_{len(self._extra_keys)}"] = key
        return len(self._extra_keys) > before


def _keys(text: bytes) -> list[str]:
    try:
        return list(msgspec.json.decode(text, type=dict[str, Raw]))
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        return []
