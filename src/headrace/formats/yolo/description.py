"""Reads the description of a YOLO dataset: splits, classes and task, from a yaml, ``obj.data`` or list of classes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field

from headrace.errors import ParseError
from headrace.formats.findings.collect import Pass, Severity
from headrace.formats.io.split_names import ALIASES, SPLITS
from headrace.formats.yolo import TASKS
from headrace.formats.yolo.classes import CLASS_LISTS, Names, inside, listed_names, yaml_names
from headrace.formats.yolo.layout.folders import subfolders
from headrace.formats.yolo.yaml_text import MAX_BYTES, Node, PlainScalar, load_yaml, place_of, typed

_KNOWN: Final = frozenset(
    {*SPLITS, *ALIASES, "path", "names", "nc", "download", "kpt_shape", "task"}
)
_MAX_FOLDERS: Final = 50
_OBJ_DATA_KEYS: Final = {"train": "train", "valid": "val", "val": "val", "test": "test"}
_NAMES_KEY: Final = re.compile(rb"(?m)^(names|nc)[ \t]*:")


class DatasetDescription(Struct, kw_only=True):
    """The description of a dataset.

    Attributes:
        source: The file of the description, or the dataset's folder.
        base: The folder of the description.
        path: The root of the data as declared.
        splits: Entries by split, as written: folders, image lists, images.
        names: Labels by class number.
        task: The task, if declared.
        kpt_shape: Number of keypoints and of values per keypoint.
        kpt_names: Names of the keypoints.
        more: Unknown keys of the yaml.
    """

    source: Path
    base: Path
    path: str = ""
    splits: dict[str, list[str]] = field(default_factory=dict)
    names: Names = field(default_factory=dict)
    task: str | None = None
    kpt_shape: tuple[int, int] | None = None
    kpt_names: list[str] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)


def find_description(path: Path) -> Path | None:
    """Find the yaml, ``obj.data`` or list of classes that describes ``path``; None without one.

    Raises:
        ParseError: Several yaml files may be meant, or the file describes no YOLO dataset.
    """
    if path.is_file():
        if path.suffix.lower() in (".yaml", ".yml", ".data", ".names") or path.name in CLASS_LISTS:
            return path
        raise ParseError(
            "the file is not a data.yaml, obj.data or list of classes",
            path=path,
            hint="give the dataset's yaml or its folder",
        )
    yamls = sorted(
        each
        for each in path.iterdir()
        if each.suffix.lower() in (".yaml", ".yml") and each.is_file()
    )
    for name in ("data.yaml", "dataset.yaml", "data.yml", "dataset.yml"):
        if path / name in yamls:
            return path / name
    yamls = [each for each in yamls if describes(each)]
    if len(yamls) > 1:
        names = ", ".join(each.name for each in yamls[:5])
        raise ParseError(f"several yaml files ({names})", path=path, hint="name one of them")
    if yamls:
        return yamls[0]
    data = path / "obj.data"
    return data if data.is_file() else find_class_list(path)


def find_class_list(base: Path) -> Path | None:
    """Find the list of classes of a dataset: in its folder, or where tools put it beside images or labels.

    Raises:
        ParseError: The lists of several splits differ, so that a number has several names.
    """
    names = sorted(each.name for each in base.glob("*.names") if each.is_file())
    for folders in ([""], _folders_with_lists(base)):
        found: list[Path] = [
            path
            for folder in folders
            for name in (*CLASS_LISTS, *(names if not folder and len(names) == 1 else ()))
            if (path := base / folder / name).is_file()
        ]
        if folders != [""] and len({each.read_bytes().rstrip() for each in found}) > 1:
            shown = ", ".join(each.relative_to(base).as_posix() for each in found)
            raise ParseError(
                f"the lists of classes differ ({shown})",
                path=base,
                finding="Y01",
                hint="read the splits one by one, or put the list that holds for all into the folder",
            )
        if found:
            return found[0]
    return None


def _folders_with_lists(base: Path) -> list[str]:
    """Return the folders that may hold a list: LabelImg writes it beside the labels, Roboflow into each split."""
    children = subfolders(base)[:_MAX_FOLDERS]
    splits = (*SPLITS, *ALIASES)
    below = [f"{child}/{split}" for child in children for split in splits]
    return [
        *children,
        *below,
        *(f"{split}/{name}" for split in splits for name in ("labels", "images")),
    ]


def read_description(source: Path, base: Path, found: Pass) -> DatasetDescription:
    """Read the description at ``source`` of the dataset in the folder ``base``."""
    if source.suffix.lower() in (".yaml", ".yml"):
        return _from_yaml(source, found)
    if source.suffix.lower() == ".data":
        return _from_obj_data(source, found)
    return DatasetDescription(source=source, base=base, names=listed_names(source, found))


def describes(path: Path) -> bool:
    """Return whether a yaml has class names or their number; a broken one, whether it seems to."""
    try:
        node = load_yaml(path)
    except ParseError:
        # Left out, its dataset would be read without names. Chosen, it raises this error again.
        with path.open("rb") as file:
            return _NAMES_KEY.search(file.read(MAX_BYTES)) is not None
    return isinstance(node, dict) and bool(node.keys() & {"names", "nc"})


def _from_yaml(source: Path, found: Pass) -> DatasetDescription:
    node = load_yaml(source)
    if not isinstance(node, dict):
        raise ParseError("the yaml is not a mapping of names and splits", path=source)
    if not node.keys() & {"names", "nc", *SPLITS, *ALIASES}:
        raise ParseError("not a YOLO dataset: the yaml has neither names nor splits", path=source)
    if _filled(node.get("download")):
        found.add("Y19", "the key download is ignored", severity=Severity.NOTE, path=source)
    splits = _splits(node, source)
    more = {key: value for key, value in node.items() if key not in _KNOWN and key not in splits}
    points = _shape(node.get("kpt_shape"), source)
    return DatasetDescription(
        source=source,
        base=source.parent,
        path=_text(node.get("path"), "path", source),
        splits=splits,
        names=_names(node, source, found),
        task=_task(node.get("task"), points),
        kpt_shape=points,
        kpt_names=_kpt_names(node.get("kpt_names")),
        more={str(key): typed(value) for key, value in more.items()},
    )


def _names(node: dict[str, Node], source: Path, found: Pass) -> Names:
    """Return the names of a yaml; where it declares none, those of a list of classes in its dataset."""
    names = {}
    if not _filled(node.get("names")) and (listed := find_class_list(source.parent)) is not None:
        names = listed_names(listed, found)
    return names or yaml_names(node.get("names"), node.get("nc"), source, found)


def _splits(node: dict[str, Node], source: Path) -> dict[str, list[str]]:
    splits: dict[str, list[str]] = {}
    for key, value in node.items():
        split = ALIASES.get(key, key)
        if split not in SPLITS or not _filled(value):
            continue
        entries = value if isinstance(value, list) else [value]
        splits[split] = [_text(entry, key, source) for entry in entries if _filled(entry)]
    ordered = {split: splits[split] for split in SPLITS if split in splits}
    return ordered | _custom_splits(node)


def _custom_splits(node: dict[str, Node]) -> dict[str, list[str]]:
    """Return splits with other names, as the writer creates them: ``holdout: images/holdout``."""
    return {
        str(key): [str(value)]
        for key, value in node.items()
        if key not in _KNOWN and isinstance(value, str) and value == f"images/{key}"
    }


def _filled(node: Node | None) -> bool:
    if isinstance(node, PlainScalar):
        return typed(node) is not None
    return bool(node)


def _text(node: Node | None, key: str, source: Path) -> str:
    if node is None or (isinstance(node, PlainScalar) and not _filled(node)):
        return ""
    if not isinstance(node, str) or "\0" in node:
        raise ParseError(
            f"Y05  {key} is not a path",
            path=source,
            finding="Y05",
            hint="name a folder, an image list, or a list of these",
            **place_of(node),
        )
    return str(node).strip()


def _task(node: Node | None, points: tuple[int, int] | None) -> str | None:
    if isinstance(node, str) and node in TASKS:
        return str(node)
    return "pose" if points else None


def _shape(node: Node | None, source: Path) -> tuple[int, int] | None:
    if not _filled(node):
        return None
    shape = typed(node) if node is not None else None
    if (
        isinstance(shape, list)
        and len(shape) == 2
        and all(type(value) is int for value in shape)
        and 0 < shape[0] <= 10_000
        and shape[1] in (2, 3)
    ):
        return shape[0], shape[1]
    raise ParseError(
        "Y14  kpt_shape is not [points, 2 or 3]",
        path=source,
        finding="Y14",
        hint="an example: kpt_shape: [17, 3]",
        **place_of(node),
    )


def _kpt_names(node: Node | None) -> list[str]:
    """Return the names of the keypoints: those of the first class, since all classes share ``kpt_shape``."""
    if isinstance(node, dict) and node:
        node = next(iter(node.values()))
    if isinstance(node, list) and all(isinstance(name, str) for name in node):
        return [str(name) for name in node]
    return []


def _from_obj_data(source: Path, found: Pass) -> DatasetDescription:
    values: dict[str, str] = {}
    for number, line in enumerate(_lines(source), 1):
        key, equals, value = line.partition("=")
        if line.strip() and not equals:
            raise ParseError("the line is not key = value", path=source, line=number)
        values[key.strip()] = value.strip()
    dataset = DatasetDescription(source=source, base=source.parent)
    names = values.get("names")
    listed = None if not names else _beside(source.parent, names)
    if listed is None:
        listed = find_class_list(source.parent)
        if names:
            found.add(
                "Y01",
                "the list of classes does not exist",
                path=source,
                detail=names if listed is None else f"{names}; {listed.name} is read instead",
            )
    if listed is not None:
        dataset.names = listed_names(listed, found)
    elif values.get("classes", "").isdigit():
        dataset.names = {n: f"class_{n}" for n in range(min(int(values["classes"]), 100_000))}
    for key, split in _OBJ_DATA_KEYS.items():
        if values.get(key):
            dataset.splits[split] = [values[key]]
    return dataset


def _lines(source: Path) -> list[str]:
    with source.open("rb") as file:
        content = file.read(64 * 1024)
    return content.decode("utf-8", "replace").splitlines()


def _beside(base: Path, entry: str) -> Path | None:
    """Return the path of a file that Darknet names relative to its own folder (``data/obj.names``)."""
    names = (entry, entry.removeprefix("data/"), entry.rpartition("/")[2])
    return next((path for name in names if (path := inside(base, name)) is not None), None)
