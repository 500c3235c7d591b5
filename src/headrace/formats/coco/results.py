"""COCO's results: a bare list of detections, which names neither images nor categories but by their numbers."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.json import Decoder

from headrace.formats.coco.categories import Categories
from headrace.formats.coco.image_index import reference
from headrace.formats.coco.index import Outline, sort_annotations
from headrace.formats.coco.record_findings import Reporter
from headrace.formats.coco.schema import Id, ImageRef
from headrace.formats.findings.collect import Pass
from headrace.formats.io.json_stream import JsonStream, Member
from headrace.model.sample import LabelInfo


class _Detection(Struct, gc=False):
    image_id: Id | None = None
    category_id: Id | None = None


def survey_results(stream: JsonStream, found: Pass, labels: Sequence[str] | None) -> Outline:
    """A dataset made of a list of results: images in the order in which they are first named.

    ``labels`` names the categories by their numbers, counted from 0; without it they are called by their numbers.
    """
    at, _ = stream.top()
    outline = Outline(categories=Categories(Reporter(stream, found)), result_ids=[])
    member = Member("", at, is_array=True)
    for chunk in stream.array(member, Decoder(list[_Detection]).decode):
        for detection in chunk.items or _one_by_one(chunk.elements()):
            _take(detection, outline, labels)
    stream.check_end(member)
    outline.annotations = member
    sort_annotations(stream, outline)
    return outline


def _one_by_one(elements: list[tuple[int, bytes]]) -> list[_Detection]:
    return [_Detection(image_id=reference(text, ImageRef)) for _, text in elements]


def _take(detection: _Detection, outline: Outline, labels: Sequence[str] | None) -> None:
    image, category = detection.image_id, detection.category_id
    if image is not None and outline.numbering.place(image) < 0:
        outline.numbering.add(image)
        assert outline.result_ids is not None
        outline.result_ids.append(image)
    names = outline.categories.names
    if category is not None and category not in names:
        known = labels is not None and isinstance(category, int) and 0 <= category < len(labels)
        name = labels[category] if known else str(category)  # type: ignore[index]
        if name not in names.values():
            outline.categories.labels.append(LabelInfo(name=name, id=category))
        names[category] = name
