"""Index a COCO file in one pass: the positions of its parts, its labels, and the order of its annotations."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field
from msgspec.json import Decoder

from headrace.errors import ParseError
from headrace.formats.coco.categories import Categories
from headrace.formats.coco.ids import ImageIndex, lenient_id
from headrace.formats.coco.record_findings import RecordReporter
from headrace.formats.coco.rows import OrderedRows, RowMaker, RowSort, SegmentationMode
from headrace.formats.coco.schema import Id, ImageId, ImageRef, PlainRecord
from headrace.formats.coco.text_sort import TextSort
from headrace.formats.findings.collect import Pass
from headrace.formats.io.json_stream import JsonStream, Member
from headrace.model.sample import LabelInfo

_MAIN_KEYS = ("images", "annotations", "categories")


class FileIndex(Struct):
    """The index of a COCO file, made by :func:`build_index`.

    Attributes:
        images, annotations: The main arrays, where the file has them.
        others: All other members of the file.
        result_ids: The ids of the images of a results list, which has no ``images``.
        in_order: Whether the annotations are known to be in the order of the images.
        by_image: The annotations by image, once they were sorted; None where they are in order and have unusual keys.
        mode: How segmentations are kept in ``by_image``.
    """

    categories: Categories
    images: Member | None = None
    annotations: Member | None = None
    others: list[Member] = []
    seen: set[str] = set()
    result_ids: list[Id] | None = None
    image_index: ImageIndex = field(default_factory=ImageIndex)
    in_order: bool = False
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
    """Sort the annotations by image, unless they are in the order of the images."""
    index.close()
    index.in_order = False
    member, image_index = index.annotations, index.image_index
    assert member is not None
    images, size = len(image_index), (member.end or stream.size) - member.start
    maker = RowMaker(image_index, index.mode)
    if _are_in_order(stream, member, image_index):
        index.in_order = True
        if _begins_plain(stream, member):
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
    last = -1
    for chunk in stream.array(member, Decoder(list[ImageRef]).decode):
        if chunk.items is None:
            return False
        positions = image_index.positions(chunk.items)
        if positions[0] < last or positions != sorted(positions):
            return False
        last = positions[-1]
    return True


def _begins_plain(stream: JsonStream, member: Member) -> bool:
    chunk = next(stream.array(member, Decoder(list[PlainRecord]).decode), None)
    return chunk is None or chunk.items is not None


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


class _Detection(Struct, gc=False):
    image_id: Id | None = None
    category_id: Id | None = None


def build_results_index(stream: JsonStream, found: Pass, labels: Sequence[str] | None) -> FileIndex:
    """Index a list of results as a dataset, with its images in the order in which they first appear.

    Args:
        stream: The file.
        found: Receives the findings.
        labels: The names of the categories 0, 1, and so on; a category without a name is named by its id.
    """
    at, _ = stream.top()
    index = FileIndex(categories=Categories(RecordReporter(stream, found)), result_ids=[])
    member = Member("", at, is_array=True)
    for chunk in stream.array(member, Decoder(list[_Detection]).decode):
        for detection in chunk.items or _one_by_one(chunk.elements()):
            _add_detection(detection, index, labels)
    stream.check_end(member)
    index.annotations = member
    sort_annotations(stream, index)
    return index


def _one_by_one(elements: list[tuple[int, bytes]]) -> list[_Detection]:
    return [_Detection(image_id=lenient_id(text, ImageRef)) for _, text in elements]


def _add_detection(detection: _Detection, index: FileIndex, labels: Sequence[str] | None) -> None:
    image, category = detection.image_id, detection.category_id
    if image is not None and index.image_index.position(image) < 0:
        index.image_index.add(image)
        assert index.result_ids is not None
        index.result_ids.append(image)
    names = index.categories.names
    if category is not None and category not in names:
        known = labels is not None and isinstance(category, int) and 0 <= category < len(labels)
        name = labels[category] if known else str(category)  # type: ignore[index]
        if name not in names.values():
            index.categories.labels.append(LabelInfo(name=name, id=category))
        names[category] = name
