"""One look over a COCO file: where things are, what the labels are, and how the annotations lie."""

from __future__ import annotations

from msgspec import Struct, field
from msgspec.json import Decoder

from headrace.errors import ParseError
from headrace.formats.coco.categories import Categories
from headrace.formats.coco.image_index import Numbering, reference
from headrace.formats.coco.record_findings import Reporter
from headrace.formats.coco.row_sort import RowBuckets, Wanted
from headrace.formats.coco.schema import Id, ImageId, ImageRef
from headrace.formats.coco.text_sort import TextBuckets
from headrace.formats.findings.collect import Pass
from headrace.formats.io.json_stream import JsonStream, Member

_MAIN = ("images", "annotations", "categories")


class Outline(Struct):
    """What :func:`survey` saw.

    ``buckets`` holds the annotations by image, or is None where they lie in the order of the images already;
    ``is_sorted`` is False where this was not looked at yet.
    ``result_ids`` are the images of a results list, which has no ``images``.
    """

    categories: Categories
    images: Member | None = None
    annotations: Member | None = None
    others: list[Member] = []
    seen: set[str] = set()
    result_ids: list[Id] | None = None
    numbering: Numbering = field(default_factory=Numbering)
    buckets: RowBuckets | TextBuckets[ImageRef] | None = None
    wanted: Wanted = "numbers"
    is_sorted: bool = False

    def close(self) -> None:
        """Drop what was sorted."""
        if self.buckets is not None:
            self.buckets.close()
            self.buckets = None


def survey(stream: JsonStream, found: Pass, wanted: Wanted, *, sort: bool) -> Outline:
    """Find the parts of a file, number its images, and, if wished, sort its annotations where they are not.

    ``wanted`` says what of the annotations' outlines.

    Raises :class:`~headrace.errors.ParseError` where the file is no COCO dataset, and says what it looks like.
    """
    _check_top(stream)
    report = Reporter(stream, found)
    outline = Outline(categories=Categories(report), wanted=wanted)
    sorted_by = None
    try:
        for member in stream.members():
            _take(stream, member, outline, report)
            if sort and member is outline.annotations and outline.images is not None:
                sort_annotations(stream, outline)
                sorted_by = outline.numbering, member
        if outline.images is None:
            raise _no_coco(stream, outline)
        # The annotations came before the images, or one of the two stood twice.
        last = outline.numbering, outline.annotations
        if sort and outline.annotations is not None and sorted_by != last:
            sort_annotations(stream, outline)
    except BaseException:
        outline.close()
        raise
    if stream.repaired:
        found.add(
            "C26",
            "NaN, Infinity or lone surrogates, which are no JSON, read as nothing",
            path=stream.path,
        )
    return outline


def _take(stream: JsonStream, member: Member, outline: Outline, report: Reporter) -> None:
    if member.key not in _MAIN:
        outline.others.append(member)
        return
    if not member.is_array:
        if stream.value(member) != b"null":
            raise stream.fault(f"{member.key!r} is no list", member.start, code="C01")
        return
    if member.key in outline.seen:
        message = "a main key stands twice, the last one counts"
        report.found.add("C26", message, path=stream.path, offset=member.start, detail=member.key)
    outline.seen.add(member.key)
    if member.key == "images":
        outline.images = member
        _number(stream, outline)
    elif member.key == "annotations":
        outline.annotations = member
    else:
        outline.categories = Categories(report)
        for chunk in stream.array(member, Decoder(list[object]).decode):
            outline.categories.add(chunk.elements())


def _number(stream: JsonStream, outline: Outline) -> None:
    outline.numbering = numbering = Numbering()
    assert outline.images is not None
    for chunk in stream.array(outline.images, Decoder(list[ImageId]).decode):
        if chunk.items is not None:
            numbering.extend([image.id for image in chunk.items])
        else:
            for _, text in chunk.elements():
                numbering.add(reference(text, ImageId))


def sort_annotations(stream: JsonStream, outline: Outline) -> None:
    """Deal the annotations into buckets unless they lie in the order of the images already."""
    outline.close()
    outline.is_sorted = True
    member, numbering = outline.annotations, outline.numbering
    assert member is not None
    if _in_order(stream, member, numbering):
        return
    images, size = len(numbering), (member.end or stream.size) - member.start
    # Numbers cost least where they are decoded together with all else, at the end.
    if outline.wanted != "numbers":
        outline.buckets = rows = RowBuckets(numbering, 0, images, size, outline.wanted)
        if rows.deal(stream, member):
            return
        rows.close()
    outline.buckets = texts = TextBuckets(numbering, ImageRef, 0, images, size)
    texts.deal(stream, member)


def _in_order(stream: JsonStream, member: Member, numbering: Numbering) -> bool:
    last = -1
    for chunk in stream.array(member, Decoder(list[ImageRef]).decode):
        if chunk.items is None:
            return False
        places = numbering.places(chunk.items)
        if places[0] < last or places != sorted(places):
            return False
        last = places[-1]
    return True


def _check_top(stream: JsonStream) -> None:
    at, char = stream.top()
    if char == b"[":
        hint = "to read it with images called by their numbers, ask for predictions"
        raise stream.fault("a list of results, not a dataset", at, code="C25", hint=hint)
    if char != b"{":
        raise stream.fault("this is not JSON" if char else "the file is empty", at)


def _no_coco(stream: JsonStream, outline: Outline) -> ParseError:
    keys = [member.key for member in outline.others]
    if "videos" in keys:
        return stream.fault(
            "a video dataset, not images", 0, code="C01", hint="read it as coco-video"
        )
    listed = ", ".join(keys[:6]) or "none"
    return stream.fault(
        "no COCO dataset: there are no images", 0, code="C01", hint=f"its keys: {listed}"
    )
