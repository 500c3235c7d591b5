"""Index a COCO results file: a list of detections that knows images and categories only by their ids."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.json import Decoder

from headrace.formats.coco.categories import Categories
from headrace.formats.coco.image_index import lenient_id
from headrace.formats.coco.index import FileIndex, sort_annotations
from headrace.formats.coco.record_findings import RecordReporter
from headrace.formats.coco.schema import Id, ImageRef
from headrace.formats.findings.collect import Pass
from headrace.formats.io.json_stream import JsonStream, Member
from headrace.model.sample import LabelInfo


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
