"""Locates images and labels: the path rules of Ultralytics, and common deviations from them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from headrace.errors import ParseError
from headrace.formats.findings.collect import Pass, Severity
from headrace.formats.io.split_names import ALIASES
from headrace.formats.yolo.description import DatasetDescription
from headrace.formats.yolo.layout.discover import discovered
from headrace.formats.yolo.layout.folders import has_images, label_files, label_folder, path_below
from headrace.formats.yolo.layout.sizes_file import SIZES
from headrace.formats.yolo.layout.source import SplitSource


def find_sources(dataset: DatasetDescription, wanted: str | None, found: Pass) -> list[SplitSource]:
    """Find the sources of a dataset, or of one split of it.

    Raises:
        ParseError: The split does not exist, or no declared source exists.
    """
    sources = _declared(dataset, found) if dataset.splits else []
    if not sources:
        # Tools that write label files without images name folders that do not exist.
        sources = [
            each for each in discovered(dataset.base) if not dataset.splits or _has_files(each)
        ]
    return wanted_sources(sources, wanted, dataset, found)


def _has_files(source: SplitSource) -> bool:
    if source.kind == "labels":
        return next(label_files(source.path), None) is not None
    return source.kind == "list" or has_images(source.path)


def wanted_sources(
    sources: list[SplitSource], wanted: str | None, dataset: DatasetDescription, found: Pass
) -> list[SplitSource]:
    """Return the sources of one split, or all; each path once. Raises ParseError where none remains."""
    if wanted is not None:
        wanted = ALIASES.get(wanted, wanted)
        known = sorted({source.split for source in sources if source.split} | set(dataset.splits))
        sources = [source for source in sources if source.split == wanted]
        if not sources:
            hint = f"splits: {', '.join(known) or 'none'}"
            raise ParseError(f"no split {wanted!r}", path=dataset.source, hint=hint)
    if not sources:
        raise ParseError(
            "none of its image or label folders exists",
            path=dataset.source,
            finding="Y04",
            hint="place the yaml next to the folders, or correct its path",
        )
    return _distinct(sources, found)


def _declared(dataset: DatasetDescription, found: Pass) -> list[SplitSource]:
    sources: list[SplitSource] = []
    for split, entries in dataset.splits.items():
        for entry in entries:
            source = _resolve(dataset, split, entry, found)
            if source is None:
                found.add(
                    "Y04",
                    "a declared split does not exist",
                    path=dataset.source,
                    detail=f"{split}: {entry}",
                )
                continue
            if len(entries) > 1:
                source.prefix = _prefix(source, dataset)
            sources.append(source)
    return sources


def _resolve(
    dataset: DatasetDescription, split: str, entry: str, found: Pass
) -> SplitSource | None:
    candidates = _candidates(dataset, entry)
    listed = (dataset.base / SIZES).is_file()
    for number, path in enumerate(candidates):
        inside = listed and path_below(dataset.base, str(path)) is not None
        source = _source(split, path, listed=inside)
        if source is None:
            continue
        if number or not path.resolve().is_relative_to(dataset.base.resolve()):
            found.add(
                "Y04",
                "a split was found at another path than declared, or outside the folder of the yaml",
                severity=Severity.NOTE,
                path=dataset.source,
                detail=f"{split}: {entry} -> {path}",
            )
        return source
    return None


def _candidates(dataset: DatasetDescription, entry: str) -> list[Path]:
    """Return candidate paths of an entry in order: below ``path``, next to the yaml, without leading ``../``."""
    entry = entry.replace("\\", "/")
    roots = data_roots(dataset)
    names = [entry]
    bare = entry
    while bare.startswith("../"):
        bare = bare[3:]
    names.append(bare)
    if entry.startswith("/"):
        # A path of another computer: take the part from images on, or the last folder.
        _, _, tail = entry.rpartition("/images/")
        names.append(f"images/{tail}" if tail != entry else entry.rpartition("/")[2])
    names.append(bare.removeprefix("data/"))
    paths = [root / name for name in dict.fromkeys(names) for root in roots]
    return list(dict.fromkeys(paths))


def data_roots(dataset: DatasetDescription) -> list[Path]:
    """Return the folders that relative paths may be relative to."""
    declared = dataset.path.replace("\\", "/")
    roots = [dataset.base / declared] if declared else []
    return [*roots, dataset.base]


def _source(split: str | None, path: Path, *, listed: bool) -> SplitSource | None:
    """Return the source at ``path``; a missing folder of images is one too where the dataset has a list of images."""
    try:
        if len(path.resolve().parts) == 1:
            return None  # the root folder is never a dataset
        if path.is_dir() and (listed or not _has_only_labels(path)):
            return SplitSource(split=split, kind="images", path=path)
        if path.is_file():
            kind: Literal["list", "image"] = "list" if path.suffix.lower() == ".txt" else "image"
            return SplitSource(split=split, kind=kind, path=path)
        labels = Path(label_folder(path.as_posix()))
        if listed and not path.exists():
            return SplitSource(split=split, kind="images", path=path)
        if labels.is_dir():
            return SplitSource(split=split, kind="labels", path=labels)
    except (OSError, ValueError):
        return None  # not a valid file name
    return None


def _has_only_labels(path: Path) -> bool:
    if has_images(path):
        return False
    return next(label_files(label_folder(path.as_posix())), None) is not None


def _prefix(source: SplitSource, dataset: DatasetDescription) -> str:
    """Return a prefix that distinguishes the sources of a split: the path below ``images``."""
    folder = source.path if source.kind in ("images", "labels") else source.path.parent
    for root in data_roots(dataset):
        if folder.is_relative_to(root):
            return below_images(f"{folder.relative_to(root).as_posix()}/", source.split)
    return f"{folder.name}/"


def below_images(name: str, split: str | None) -> str:
    """Return the path of an image in the dataset without the folders ``images`` and that of its split."""
    name = name.removeprefix("./").removeprefix("data/")
    if split is not None:
        name = name.removeprefix(f"{split}/images/")
    name = name.removeprefix("images/")
    return name if split is None else name.removeprefix(f"{split}/")


def _distinct(sources: Sequence[SplitSource], found: Pass) -> list[SplitSource]:
    """Return each path once, since many yamls name one folder for both training and validation."""
    kept: dict[str, SplitSource] = {}
    for source in sources:
        first = kept.setdefault(os.path.realpath(source.path), source)
        if first is source:
            continue
        found.add(
            "Y05",
            "several splits name the same path; read once",
            severity=Severity.NOTE,
            path=source.path,
            detail=f"{first.split} and {source.split}",
        )
        # The name of the folder decides: Ultralytics requires both keys even with one split.
        if source.split == ALIASES.get(source.path.name, source.path.name):
            first.split = source.split
    return list(kept.values())


def listed_paths(line: str, source: SplitSource, dataset: DatasetDescription) -> Iterator[str]:
    """Yield candidate paths for a line of an image list: relative to the list, the dataset, the current folder."""
    line = line.replace("\\", "/")
    bare = line.removeprefix("./")
    if line.startswith("/"):
        yield line
        tail = line.rpartition("/images/")[2]
        bare = f"images/{tail}" if tail != line else line.rpartition("/")[2]
    for name in (bare, bare.removeprefix("data/")):
        for root in (source.path.parent, *data_roots(dataset)):
            yield f"{root}/{name}"
    yield bare
