"""What a conversion is asked for: the format of its source, and the options of its reader and its writer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from headrace import formats
from headrace.errors import ConfigurationError
from headrace.formats.info import Guess
from headrace.formats.options import (
    ReadOptions,
    WriteOptions,
    read_options,
    write_options,
)
from headrace.formats.registry import Format


def source_format_of(path: Path, name: str | None) -> tuple[Format, str, Guess | None]:
    """Return the format of a source, how it was determined, and the guess if it was detected."""
    if name is not None:
        return formats.get(name), "as given", None
    guess = formats.detect(path)
    why = f"{guess.reason}; {guess.confidence}"
    if guess.others:
        why += f"; also {', '.join(other.format for other in guess.others)}"
    return formats.get(guess.format), why, guess


def split_options(
    source: Format, keywords: Mapping[str, object]
) -> tuple[ReadOptions, WriteOptions]:
    """Split the options of a conversion into those of the reader and those of the writer.

    ``split`` selects a split of the source if it has splits; otherwise it names that of the target.
    Raises :class:`~headrace.errors.ConfigurationError` for an unknown option.
    """
    reads, writes = set(ReadOptions.__struct_fields__), set(WriteOptions.__struct_fields__)
    unknown = sorted(set(keywords) - reads - writes)
    if unknown:
        raise ConfigurationError(
            f"no option {unknown[0]!r}", hint=f"options: {' '.join(sorted(reads | writes))}"
        )
    if "split" in source.info.says.fields:
        writes.discard("split")
    reading = {name: value for name, value in keywords.items() if name in reads}
    writing = {name: value for name, value in keywords.items() if name in writes}
    return read_options(reading), write_options(writing)


def takes_text(target: Format, options: WriteOptions) -> bool:
    """Return whether the target writes polygons as text, or only their boxes."""
    if target.info.name == "coco":
        return not options.clip
    says = target.info.capability(known_task(target, options.task))
    return says.kinds.get("polygon") == "its box"


def known_task(format: Format, task: str | None) -> str | None:
    """Return the task, or None where the format does not list it."""
    return task if task in format.info.tasks else None
