"""Label maps: rename, merge and drop labels while samples are read.

A map is a TOML file::

    drop = ["DontCare", "ignored region"]

    [rename]
    pedestrain = "pedestrian"

    [merge]
    vehicle = ["car", "truck", "bus"]

All names on the right of ``drop`` and ``merge``, and on the left of ``rename``, are those of the source. They apply at
once, so a map may exchange two names. A merged label stands where the first of its labels stood; all others keep their
order. Dropped shapes are counted in the findings.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from msgspec import Struct, structs

from headrace.errors import ConfigurationError, did_you_mean
from headrace.formats.findings.collect import Pass, Severity
from headrace.formats.geometry.box_table import BoxTable, BoxView, by_table
from headrace.model.sample import LabelInfo, Sample

LABEL: Final = "LABEL"
_TABLES: Final = ("drop", "merge", "rename")
_FORMAT: Final = (
    'write drop = ["a"], a table [rename] with lines old = "new", and a table [merge] with lines new = ["old", "older"];'
    " quote names with dots or spaces"
)


class LabelMap(Struct, frozen=True):
    """New names of labels.

    Attributes:
        names: The new name by the name in the source; None drops the label.
        merged: The new names that may stand for several labels.
    """

    names: dict[str, str | None]
    merged: tuple[str, ...] = ()

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> Self:
        """Make a map of the tables ``rename``, ``merge`` and ``drop``.

        Raises:
            ConfigurationError: A table or a value has another form, or a label is named twice.
        """
        unknown = [name for name in content if name not in _TABLES]
        if unknown:
            meant = did_you_mean(unknown[0], _TABLES)
            raise ConfigurationError(f"a label map has no {unknown[0]!r}", hint=f"{meant}{_FORMAT}")
        names: dict[str, str | None] = {}
        for given, wanted in _pairs(content):
            old, new = _checked_name(given), None if wanted is None else _checked_name(wanted)
            if old in names:
                raise ConfigurationError(
                    f"the label map names {old!r} twice", hint="give each label one new name"
                )
            names[old] = new
        merged = tuple(content.get("merge", {}))
        _check_merges(names, merged)
        return cls(names, merged)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a TOML file.

        Raises:
            ConfigurationError: The file cannot be read, or is no label map.
        """
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise ConfigurationError(f"label map {path}: {why}", hint="check the path") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"label map {path}: {error}", hint=_FORMAT) from None
        try:
            return cls.parse(content)
        except ConfigurationError as error:
            raise ConfigurationError(
                f"{path}: {error.message}", hint=error.hint or _FORMAT
            ) from None

    def labels(self, labels: Sequence[LabelInfo]) -> list[LabelInfo]:
        """Return the labels under their new names, each once, in the order of the source.

        Of labels that become one, the one that has this name already describes it, else the first.

        Raises:
            ConfigurationError: A label gets the name of another one that keeps it, and they are not merged.
        """
        own = {label.name: label for label in labels}
        mapped: dict[str, LabelInfo] = {}
        for label in labels:
            new = self.names.get(label.name, label.name)
            if new is None:
                continue
            if new != label.name and new in own and self.names.get(new, new) == new:
                self._check_merged(label.name, new)
                label = own[new]
            mapped.setdefault(new, structs.replace(label, name=new))
        return list(mapped.values())

    def _check_merged(self, old: str, new: str) -> None:
        if new not in self.merged:
            raise ConfigurationError(
                f"the label map renames {old!r} to {new!r}, which is another label of the source",
                hint=f'to make them one, write it under [merge]: "{new}" = ["{old}"]',
            )

    def check_known(self, known: Iterable[str], found: Pass) -> None:
        """Add an error for the names of the map that the source does not have, since they may be typos."""
        there = list(known)
        unknown = [name for name in self.names if name not in there and name not in self.merged]
        if not unknown:
            return
        skip = ", or pass on_error='skip' for a source that has only some of its labels"
        details = []
        for name in unknown:
            meant = did_you_mean(name, there).strip()
            details.append(f"{name!r} ({meant})" if meant else repr(name))
        found.add(
            LABEL,
            "the label map names labels that the source does not have",
            severity=Severity.ERROR,
            count=len(unknown),
            detail=", ".join(details),
            hint="correct the map" + (skip if found.suggests_skip else ""),
        )


class LabelMapping:
    """Applies a label map to the samples of one pass, and notes which of its names occur.

    Args:
        map: The map.
    """

    def __init__(self, map: LabelMap) -> None:
        self._map = map
        self._names = map.names
        self.seen: set[str] = set()
        """The names of the map that shapes had."""

    def apply(self, samples: Sequence[Sample], found: Pass) -> int:
        """Rename the shapes of samples in place, and count those that are dropped in ``found``.

        Returns the number of dropped shapes.
        """
        dropped = Counter[str]()
        for table, run in by_table(samples):
            labels = set(_labels(table, run))
            hit = labels & self._names.keys()
            if not hit:
                continue
            self.seen |= hit
            if table is not None and all(self._names[name] is not None for name in hit):
                self._rename(table, run)
            else:
                self._change(run, dropped)
        for name, count in dropped.items():
            found.add(
                LABEL,
                f"the label map drops {name!r}",
                severity=Severity.NOTE,
                count=count,
                dropped=count,
            )
        return dropped.total()

    def _rename(self, table: BoxTable, samples: Sequence[Sample]) -> None:
        """Rename the rows of a table, without creating shapes from them."""
        names = self._names
        fresh = table.relabelled([names.get(label) or label for label in table.labels])
        start = 0
        for sample in samples:
            stop = start + len(sample.shapes)
            sample.shapes = BoxView(fresh, start, stop)  # type: ignore[assignment]
            start = stop

    def _change(self, samples: Sequence[Sample], dropped: Counter[str]) -> None:
        names = self._names
        for sample in samples:
            kept = []
            for shape in sample.shapes:
                new = names.get(shape.label, shape.label)
                if new is None:
                    dropped[shape.label] += 1
                    continue
                shape.label = new
                kept.append(shape)
            sample.shapes = kept


LabelMapSource = LabelMap | Mapping[str, Any] | str | Path
"""A label map: made before, as the content of its file, or the path of the file."""


def as_label_map(source: LabelMapSource) -> LabelMap:
    """Return the label map that is given in one of several ways. Reads the file, if it is a path.

    Raises:
        ConfigurationError: The file cannot be read, or it is no label map.
    """
    if isinstance(source, LabelMap):
        return source
    if isinstance(source, Mapping):
        return LabelMap.parse(source)
    return LabelMap.load(Path(source).expanduser())


def _labels(table: BoxTable | None, samples: Sequence[Sample]) -> Iterable[str]:
    if table is not None:
        return table.labels
    return (shape.label for sample in samples for shape in sample.shapes)


def _pairs(content: Mapping[str, Any]) -> Iterator[tuple[object, object]]:
    """Yield old and new names, as they are in the file."""
    drop, merge, rename = (content.get(name) for name in _TABLES)
    if not isinstance(drop, list | tuple | None):
        raise ConfigurationError("drop is not a list of labels", hint=_FORMAT)
    for name, table in (("merge", merge), ("rename", rename)):
        if not isinstance(table, Mapping | None):
            raise ConfigurationError(f"{name} is not a table of labels", hint=_FORMAT)
    for new, several in (merge or {}).items():
        if not isinstance(several, list | tuple):
            raise ConfigurationError(f"merge: {new!r} is not followed by a list", hint=_FORMAT)
        yield from ((old, new) for old in several)
    yield from (rename or {}).items()
    yield from ((old, None) for old in drop or ())


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not name.strip():
        raise ConfigurationError(f"{name!r} in the label map is not a label", hint=_FORMAT)
    return name


def _check_merges(names: Mapping[str, str | None], merged: Sequence[str]) -> None:
    """Raise if several labels get one new name without being merged."""
    first: dict[str, str] = {}
    for old, new in names.items():
        if new is None or new in merged:
            continue
        if new in first:
            raise ConfigurationError(
                f"the label map renames {first[new]!r} and {old!r} to {new!r}",
                hint=f'to make them one, write it under [merge]: "{new}" = ["{first[new]}", "{old}"]',
            )
        first[new] = old
