"""COCO's records as they stand in the file, and decoders that learn a dialect's own keys.

The types are the clean form: what fits them needs no second look, what does not goes through
:mod:`headrace.formats.coco.recover`. Sources: the COCO data format page (bbox ``[x, y, width, height]``, floats,
0-indexed from the top left corner) and ``pycocotools/coco.py`` for what readers rely on.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, Meta, MsgspecError, Raw, Struct, defstruct
from msgspec.json import Decoder

from headrace.formats.io.json_stream import ArrayChunk
from headrace.model.shapes import Attributes

Id = int | str
# Numbers that every database and every other reader can hold.
FileId = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | str
Ring = Annotated[list[float], Meta(min_length=6)]
Extent = Annotated[float, Meta(gt=0)]

MAX_EXTRA_KEYS = 64
# msgspec takes no such names for fields.
_UNSUPPORTED_KEY = re.compile(r'[\\"\x00-\x1f]')


class RleRecord(Struct, gc=False, forbid_unknown_fields=True):
    """Run lengths: ``size`` is height, then width; ``counts`` the compressed text or the bare numbers."""

    size: tuple[int, int]
    counts: str | list[int]


class PlainRecord(Struct, gc=False, forbid_unknown_fields=True):
    """One of ``annotations`` with the usual seven keys and no other, as most files have them."""

    id: FileId | None = None
    image_id: FileId | None = None
    category_id: FileId | None = None
    bbox: tuple[float, float, Extent, Extent] | None = None
    area: float | None = None
    iscrowd: int | bool = 0
    segmentation: list[Ring] | RleRecord | None = None

    def full(self) -> AnnotationRecord:
        """As a record that may have all keys."""
        return full_record(self)


class AnnotationRecord(PlainRecord, gc=False, forbid_unknown_fields=True):
    """One of ``annotations``."""

    keypoints: list[float] | None = None
    num_keypoints: int | None = None
    score: float | None = None
    attributes: Attributes | None = None
    utf8_string: str | None = None


class RawPlainRecord(Struct, gc=False, forbid_unknown_fields=True):
    """:class:`PlainRecord` with its outline as text; its keys are in the order in which the writer has them."""

    id: FileId | None = None
    image_id: FileId | None = None
    category_id: FileId | None = None
    bbox: tuple[float, float, Extent, Extent] | None = None
    area: float | None = None
    iscrowd: int | bool = 0
    segmentation: Raw = Raw(b"null")

    def full(self) -> AnnotationRecord:
        """With its outline decoded; raises msgspec's errors where that is not clean."""
        return full_record(self, self.segmentation)


class RawAnnotationRecord(RawPlainRecord, gc=False, forbid_unknown_fields=True):
    """:class:`AnnotationRecord` with its outline as text."""

    keypoints: list[float] | None = None
    num_keypoints: int | None = None
    score: float | None = None
    attributes: Attributes | None = None
    utf8_string: str | None = None


_OUTLINE: Decoder[list[Ring] | RleRecord | None] = Decoder(list[Ring] | RleRecord | None)


def is_clean(outline: bytes) -> bool:
    """Whether the text of a segmentation needs no second look."""
    try:
        _OUTLINE.decode(outline)
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


def full_record(record: Struct, outline: Raw | bytes | str | None = None) -> AnnotationRecord:
    """A record that may have all keys, of one that has the plain ones; ``outline`` is its segmentation as text.

    Raises msgspec's errors where the outline is not clean.
    """
    names = [
        name for name in record.__struct_fields__ if name in AnnotationRecord.__struct_fields__
    ]
    values: dict[str, Any] = {name: getattr(record, name) for name in names}
    if outline is not None:
        values["segmentation"] = _OUTLINE.decode(outline)
    return AnnotationRecord(**values)


AnyAnnotation = AnnotationRecord | RawAnnotationRecord
AnyPlain = PlainRecord | RawPlainRecord


class ImageRecord(Struct, gc=False, forbid_unknown_fields=True):
    """One of ``images``."""

    id: FileId | None = None
    file_name: str | None = None
    width: int | None = None
    height: int | None = None
    attributes: Attributes | None = None


class ImageId(Struct, gc=False):
    """The id alone, for the pass that numbers the images."""

    id: FileId | None = None


class ImageRef(Struct, gc=False):
    """Which image an annotation belongs to, for the pass that sorts them."""

    image_id: FileId | None = None


class UndecodedRecord(NamedTuple):
    """An element that is not of the clean form."""

    text: bytes
    offset: int | None = None


R = TypeVar("R", bound=Struct)


class RecordDecoder(Generic[R]):
    """Decodes records of a type; keys that it does not define are learnt when first met, and kept.

    Without ``keep_extra`` they are skipped, which is quicker. ``plain`` is the type of records without any but the
    commonest keys; it is tried first, until a file shows that it has others.
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
        # Keys may be any text, attributes may not: so they are numbered.
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
        """Records from a JSON array, all of one type; raises msgspec's errors where one is not clean."""
        if self._plain is None:
            return self._many.decode(text)
        try:
            return self._plain_many.decode(text)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            return self._no_longer_plain(self._many.decode(text))

    def decode_lines(self, text: bytes) -> list[R | UndecodedRecord]:
        """Records from JSON objects one after the other, all of one type, or odd."""
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
        """The records of a chunk that was parsed by :meth:`decode_array`."""
        if chunk.items is not None:
            return list(chunk.items)
        return self._each([UndecodedRecord(text, offset) for offset, text in chunk.elements()])

    def extra(self, record: R) -> Attributes | None:
        """The values of learnt keys that a record has."""
        values = {}
        for name, key in self._extra_keys.items():
            value = getattr(record, name)
            if value is not UNSET:
                values[key] = value
        return values or None

    @property
    def has_extra_keys(self) -> bool:
        """Whether any record may have an extra."""
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
        """Add the unknown keys of the elements; whether there were any."""
        before = len(self._extra_keys)
        for element in elements if self._keep else ():
            for key in _keys(element.text):
                if (
                    key not in self._known
                    and len(self._extra_keys) < MAX_EXTRA_KEYS
                    and not _UNSUPPORTED_KEY.search(key)
                ):
                    self._known.add(key)
                    self._extra_keys[f"learnt_{len(self._extra_keys)}"] = key
        return len(self._extra_keys) > before


def _keys(text: bytes) -> list[str]:
    try:
        return list(msgspec.json.decode(text, type=dict[str, Raw]))
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        return []
