"""Options of readers and writers, from the keywords of a call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from headrace.errors import ConfigurationError
from headrace.formats.base import ReadOptions, WriteOptions

Options = TypeVar("Options", ReadOptions, WriteOptions)


def read_options(given: Mapping[str, Any]) -> ReadOptions:
    """Reading options; ConfigurationError names one that does not exist."""
    return _options(ReadOptions, given)


def write_options(given: Mapping[str, Any]) -> WriteOptions:
    """Writing options; ConfigurationError names one that does not exist."""
    return _options(WriteOptions, given)


def _options(kind: type[Options], given: Mapping[str, Any]) -> Options:
    unknown = sorted(set(given) - set(kind.__struct_fields__))
    if unknown:
        known = " ".join(kind.__struct_fields__)
        raise ConfigurationError(f"no option {unknown[0]!r}", hint=f"options: {known}")
    values = dict(given)
    if isinstance(values.get("images"), str):
        values["images"] = Path(values["images"])
    return kind(**values)
