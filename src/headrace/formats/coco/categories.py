"""Decode COCO categories to labels."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from headrace.formats.coco import recover
from headrace.formats.coco.record_findings import RecordReporter
from headrace.formats.coco.schema import Id, UndecodedRecord
from headrace.formats.findings.collect import Severity
from headrace.model.sample import LabelInfo

_KNOWN = frozenset({"id", "name", "supercategory", "keypoints", "skeleton"})

_TWICE = "a category name appears twice, read as one label"


class Categories:
    """The labels of a file, and the label name of each category id.

    An id is any number or text. An id that appears twice is an error, and its second category is left out. A name that
    appears twice is one label.
    """

    def __init__(self, report: RecordReporter) -> None:
        self.labels: list[LabelInfo] = []
        self.names: dict[Id, str] = {}
        self._report = report
        self._taken: set[str] = set()

    @property
    def points(self) -> dict[str, int]:
        """The number of keypoints of each label that has any."""
        return {label.name: len(label.keypoints) for label in self.labels if label.keypoints}

    def add(self, elements: Iterable[tuple[int, bytes]]) -> None:
        """Add categories, given as their offsets in the file and their texts."""
        for offset, text in elements:
            self._report.set_record("category", partial(UndecodedRecord, text, offset))
            values = recover.parse(text, self._report)
            if values is not None:
                self._add(values)

    def _add(self, values: dict[str, Any]) -> None:
        report = self._report
        number = recover.id_of(values.get("id"), report)
        if number is None:
            report("C16", "a category without an id, left out", severity=Severity.ERROR)
            return
        name = recover.text_of(values.get("name"))
        if number in self.names:
            if name == self.names[number]:
                # VIA lists a category for each value of each attribute.
                report("C16", _TWICE, severity=Severity.NOTE, detail=name)
                return
            detail = f"{number} is {self.names[number]!r} and {values.get('name')!r}"
            report("C16", "a category id appears twice", severity=Severity.ERROR, detail=detail)
            return
        if not name:
            report("C16", "a category without a name, named by its number", detail=str(number))
            name = str(number)
        self.names[number] = name
        if name in self._taken:
            report(
                "C16",
                _TWICE,
                severity=Severity.NOTE,
                detail=name,
            )
            return
        self._taken.add(name)
        self.labels.append(_label(name, number, recover.plain(values, report)))


def _label(name: str, number: Id, values: dict[str, Any]) -> LabelInfo:
    group = values.get("supercategory")
    extra = {key: value for key, value in values.items() if key not in _KNOWN}
    return LabelInfo(
        name=name,
        id=number,
        supercategory=group if isinstance(group, str) and group else None,
        keypoints=_texts(values.get("keypoints")),
        skeleton=_joints(values.get("skeleton")),
        extra=extra or None,
    )


def _texts(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _joints(value: Any) -> list[tuple[int, int]]:
    """Return the valid pairs of keypoint numbers, counted from 1."""
    if not isinstance(value, list):
        return []
    pairs = [
        pair
        for pair in value
        if isinstance(pair, list) and len(pair) == 2 and all(map(recover.is_whole, pair))
    ]
    return [(int(a), int(b)) for a, b in pairs]
