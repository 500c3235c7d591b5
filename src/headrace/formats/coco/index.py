"""Index a COCO file in one pass: the positions of its parts, its labels, and the order of its annotations."""

from __future__ import annotations

from msgspec import MsgspecError, Struct, field
from msgspec.json import Decoder

from headrace.errors import ParseError
from headrace.formats.coco.categories import Categories
from headrace.formats.coco.image_index import ImageIndex, lenient_id
from headrace.formats.coco.record_findings import RecordReporter
from headrace.formats.coco.rows import OrderedRows, RowMaker, RowSort, SegmentationMode
from headrace.formats.coco.schema import Id, ImageId, ImageRef, PlainRecord
from headrace.formats.coco.text_sort import TextSort
from headrace.formats.findings.collect import Pass
from headrace.formats.io.json_stream import JsonStream, Member

_MAIN_KEYS = ("images", "annotations", "categories")


class FileIndex(Struct):
    """The index of a COCO file, made by :func:`build_index`.

    Attributes:
        images, annotations: The main arrays, where the file has them.
        others: All other members of the file.
        result_ids: The ids of the images of a results list, which has no ``images``.
        by_image: The annotations by image, once they were sorted.
        mode: How segmentations are kept in ``by_image``.
    """

    categories: Categories
    images: Member | None = None
    annotations: Member | None = None
    others: list[Member] = []
    seen: set[str] = set()
    result_ids: list[Id] | None = None
    image_index: ImageIndex = field(default_factory=ImageIndex)
    by_image: RowSort | TextSort[ImageRef] | OrderedRows | None = None
    mode: SegmentationMode = "text"

    def close(self) -> None:
        """Delete the sorted annotations."""
        if self.by_image is not None:
            self.by_image.close()
            self.by_image = None


def build_index(
    stream: JsonStream, found: Pass, mode: SegmentationMode, *, sort: bool
) -> FileIndex:
    """Find the parts of a file, index its images and sort its annotations.

    Args:
        stream: The file.
        found: Receives the findings.
        mode: How segmentations are kept while annotations are sorted.
        sort: Sort the annotations by image.

    Raises:
        ParseError: The file is not a COCO dataset; the message says what it looks like.
    """
    _check_top(stream)
    report = RecordReporter(stream, found)
    index = FileIndex(categories=Categories(report), mode=mode)
    sorted_by = None
    try:
        for member in stream.members():
            _add_member(stream, member, index, report)
            if sort and member is index.annotations and index.images is not None:
                sort_annotations(stream, index)
                sorted_by = index.image_index, member
        if index.images is None:
            raise _not_coco_error(stream, index)
        # The annotations come before the images, or one of the two appears twice.
        last = index.image_index, index.annotations
        if sort and index.annotations is not None and sorted_by != last:
            sort_annotations(stream, index)
        if stream.repaired:
            message = "NaN, Infinity or lone surrogates, which are not JSON, read as empty"
            found.add("C26", message, path=stream.path)
    except BaseException:
        index.close()
        raise
    return index


def _add_member(
    stream: JsonStream, member: Member, index: FileIndex, report: RecordReporter
) -> None:
    if member.key not in _MAIN_KEYS:
        index.others.append(member)
        return
    if not member.is_array:
        if stream.value(member) != b"null":
            raise stream.fault(f"{member.key!r} is not a list", member.start, code="C01")
        return
    if member.key in index.seen:
        message = "a main key appears twice, the last one counts"
        report.found.add("C26", message, path=stream.path, offset=member.start, detail=member.key)
    index.seen.add(member.key)
    if member.key == "images":
        index.images = member
        _index_images(stream, index)
    elif member.key == "annotations":
        index.annotations = member
    else:
        index.categories = Categories(report)
        for chunk in stream.array(member, Decoder(list[object]).decode):
            index.categories.add(chunk.elements())


def _index_images(stream: JsonStream, index: FileIndex) -> None:
    index.image_index = image_index = ImageIndex()
    assert index.images is not None
    for chunk in stream.array(index.images, Decoder(list[ImageId]).decode):
        if chunk.items is not None:
            image_index.extend([image.id for image in chunk.items])
        else:
            for _, text in chunk.elements():
                image_index.add(lenient_id(text, ImageId))


def sort_annotations(stream: JsonStream, index: FileIndex) -> None:
    """Sort the annotations by image. Plain ones that are in the order of the images are only read in groups later."""
    index.close()
    member, image_index = index.annotations, index.image_index
    assert member is not None
    images, size = len(image_index), (member.end or stream.size) - member.start
    maker = RowMaker(image_index, index.mode)
    if _are_in_order(stream, member, image_index):
        index.by_image = OrderedRows(stream, member, maker, images)
        return
    index.by_image = rows = RowSort(0, images, size)
    if rows.add_all(stream, member, maker):
        return
    # Where most records have other keys, it is cheapest to sort texts and to decode whole records at the end.
    rows.close()
    index.by_image = texts = TextSort(image_index, ImageRef, 0, images, size)
    texts.add_all(stream, member)


def _are_in_order(stream: JsonStream, member: Member, image_index: ImageIndex) -> bool:
    """Return whether annotations are in the order of the images, and the first ones plain."""
    last, is_first = -1, True
    for chunk in stream.array(member, Decoder(list[ImageRef]).decode):
        if chunk.items is None or (is_first and not _are_plain(chunk.text)):
            return False
        is_first = False
        positions = image_index.positions(chunk.items)
        if positions[0] < last or positions != sorted(positions):
            return False
        last = positions[-1]
    return True


def _are_plain(text: memoryview) -> bool:
    try:
        Decoder(list[PlainRecord]).decode(b"[%b]" % bytes(text))
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _check_top(stream: JsonStream) -> None:
    at, char = stream.top()
    if char == b"[":
        hint = "headrace.formats.read(path, predictions=True) reads it and names images by number"
        raise stream.fault("a list of results, not a dataset", at, code="C25", hint=hint)
    if char != b"{":
        raise stream.fault("this is not JSON" if char else "the file is empty", at)


def _not_coco_error(stream: JsonStream, index: FileIndex) -> ParseError:
    keys = [member.key for member in index.others]
    if "videos" in keys:
        return stream.fault(
            "a video dataset, not images", 0, code="C01", hint="pass format='coco-video'"
        )
    listed = ", ".join(keys[:6]) or "none"
    return stream.fault(
        "not a COCO dataset: it has no images", 0, code="C01", hint=f"its keys: {listed}"
    )
