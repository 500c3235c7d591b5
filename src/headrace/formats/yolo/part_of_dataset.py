"""Describes a part of a dataset that is read alone, and finds a dataset in the only folder that has one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from headrace.errors import ParseError
from headrace.formats.findings.collect import Findings, Pass, Severity
from headrace.formats.io.split_names import ALIASES, SPLITS
from headrace.formats.yolo.description import (
    DatasetDescription,
    describes,
    find_description,
    read_description,
)
from headrace.formats.yolo.layout.folders import has_images, label_files, subfolders

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


def inner_dataset(folder: Path) -> Path | None:
    """Return the subfolder that holds the yaml or ``obj.data`` of a dataset, as unpacking an archive leaves it.

    Raises:
        ParseError: Several subfolders hold one.
    """
    found = []
    for child in (folder / name for name in subfolders(folder)):
        yamls = child.glob("*.y*ml")
        described = any(describes(each) for each in yamls) or (child / "obj.data").is_file()
        # A folder of configurations holds no data.
        if described and (has_images(child) or next(label_files(child), None) is not None):
            found.append(child)
    if len(found) > 1:
        names = ", ".join(child.name for child in found)
        raise ParseError(f"several datasets ({names})", path=folder, hint="name one of them")
    return found[0] if found else None
