"""Describes a part of a dataset that is read alone, such as its folder of labels."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from headrace.errors import ParseError
from headrace.formats.findings.collect import Findings, Pass, Severity
from headrace.formats.yolo.description import (
    ALIASES,
    SPLITS,
    DatasetDescription,
    find_description,
    read_description,
)

_PARTS: Final = frozenset({"labels", "images", *SPLITS, *ALIASES})


def describe_above(base: Path, found: Pass) -> DatasetDescription:
    """Describe a part of a dataset (``labels``, ``labels/train``, ``train``) by the description of the whole.

    Only classes and task are taken; the splits are those of the part.
    """
    dataset = DatasetDescription(source=base, base=base)
    part = base.resolve()
    for _ in range(2):
        if part.name not in _PARTS or dataset.names:
            break
        part = part.parent
        try:
            above = find_description(part)
            whole = (
                None
                if above is None
                else read_description(above, part, Findings("skip").begin("above"))
            )
        except (ParseError, OSError):
            break
        if whole is not None and whole.names:
            dataset.names, dataset.task = whole.names, whole.task
            dataset.kpt_shape, dataset.kpt_names = whole.kpt_shape, whole.kpt_names
            message = "the classes are those of the folder above"
            found.add("Y33", message, severity=Severity.NOTE, path=whole.source)
    return dataset
