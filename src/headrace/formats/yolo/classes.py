"""Class names from the ``names`` and ``nc`` of a yaml, or from a text file with one name per line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from headrace.errors import ParseError
from headrace.formats.findings.collect import Pass, Severity
from headrace.formats.yolo.yaml_text import MAX_BYTES, Node, place_of
from headrace.model.sample import LabelInfo

Names = dict[int, str]

#: Names that tools give to files with one class name per line (LabelImg, Label Studio, Darknet, Roboflow).
CLASS_LISTS: Final = ("classes.txt", "obj.names", "predefined_classes.txt", "_darknet.labels")
_MAX_CLASSES = 100_000
_NAMES: Final = "names is a list of names, or a mapping from class numbers to names"


def read_name_list(path: Path) -> Names:
    """Read a file with one name per line (``classes.txt``, ``obj.names``); trailing blank lines do not count."""
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ParseError(
            f"the file is larger than {MAX_BYTES} bytes, too large for a list of classes", path=path
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ParseError("the file is not UTF-8", path=path, offset=error.start) from None
    return dict(enumerate(line.strip() for line in text.rstrip().splitlines()))


def listed_names(path: Path, found: Pass) -> Names:
    """Read the list of classes of a dataset; adds the finding Y01 for an empty list, and for empty or repeated names."""
    names = read_name_list(path)
    if not names:
        found.add("Y01", "the list of classes is empty", path=path)
    _check(names, path, found)
    return names


def yaml_names(names: Node | None, count: Node | None, path: Path, found: Pass) -> Names:
    """Return the names that a yaml declares; ``class_0``, ``class_1`` … where it has only a count.

    Adds the findings Y01 (gaps, empty or repeated names) and Y02 (a count that contradicts the names).
    """
    declared = _number(count, path) if count not in (None, "") else None
    named = _named(names, path, found) if names not in (None, "") else None
    if named is None:
        return {number: f"class_{number}" for number in range(declared or 0)}
    if declared is not None and declared != len(named):
        found.add(
            "Y02",
            "nc differs from the number of names and is ignored",
            path=path,
            detail=f"nc {declared}, {len(named)} names",
        )
    _check(named, path, found)
    return named


def inside(base: Path, name: str) -> Path | None:
    """Return the path of an existing file ``name`` below ``base``, or None."""
    path = base / name
    try:
        found = path.is_file() and path.resolve().is_relative_to(base.resolve())
    except (OSError, ValueError):
        return None  # not a valid file name
    return path if found else None


def labels_of(names: Names, points: Sequence[str] = ()) -> list[LabelInfo]:
    """Return the labels in the order of their numbers; a repeated name is one label."""
    labels: dict[str, LabelInfo] = {}
    for number in sorted(names):
        labels.setdefault(
            names[number], LabelInfo(name=names[number], id=number, keypoints=list(points))
        )
    return list(labels.values())


def _number(node: Node | None, path: Path) -> int:
    text = node.strip() if isinstance(node, str) else ""
    if not (text.isascii() and text.isdigit() and len(text) < 7 and int(text) <= _MAX_CLASSES):
        raise ParseError(
            "Y02  nc is not a number of classes",
            path=path,
            finding="Y02",
            hint="nc is a whole number, such as nc: 3",
            **place_of(node),
        )
    return int(text)


def _named(node: Node | None, path: Path, found: Pass) -> Names:
    if isinstance(node, list):
        return {number: _name(value, path) for number, value in enumerate(node)}
    if isinstance(node, dict):
        pairs = {_key(key, path): _name(value, path) for key, value in node.items()}
        if len(pairs) < len(node):
            raise ParseError(
                "Y01  names contains a number twice",
                path=path,
                finding="Y01",
                hint="give each class a number of its own",
                **place_of(node),
            )
        return dict(sorted(pairs.items()))
    if isinstance(node, str):
        listed = inside(path.parent, node)
        if listed is not None:
            return listed_names(listed, found)
    raise ParseError(
        "Y01  names is neither a list nor a mapping",
        path=path,
        finding="Y01",
        hint=_NAMES,
        **place_of(node),
    )


def _key(key: str, path: Path) -> int:
    text = key.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ParseError(
            f"Y01  names has the key {text[:40]!r}, which is not a number",
            path=path,
            finding="Y01",
            hint=_NAMES,
            **place_of(key),
        )
    return int(text)


def _name(node: Node, path: Path) -> str:
    if not isinstance(node, str):
        raise ParseError(
            "Y01  a class name is not a text",
            path=path,
            finding="Y01",
            hint="put names with ':' or brackets into quotes",
            **place_of(node),
        )
    return str(node)


def _check(names: Names, path: Path, found: Pass) -> None:
    for number, name in names.items():
        if not name.strip():
            found.add("Y01", "a class has no name", path=path, detail=str(number))
            names[number] = f"class_{number}"
    if names and max(names) != len(names) - 1:
        gap = next(number for number in range(len(names)) if number not in names)
        found.add("Y01", "names has gaps", path=path, detail=f"no class {gap}")
    if len(set(names.values())) < len(names):
        found.add(
            "Y01",
            "several classes have the same name",
            severity=Severity.WARNING,
            path=path,
            detail=next(n for n in names.values() if list(names.values()).count(n) > 1),
        )
