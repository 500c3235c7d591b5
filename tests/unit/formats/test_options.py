"""Options are the same as structs and as keyword arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_type_hints

import pytest

from headrace import formats
from headrace.errors import ConfigurationError
from headrace.formats.label_map import LabelMapSource
from headrace.formats.options import (
    ConvertKeywords,
    ReadKeywords,
    ReadOptions,
    WriteKeywords,
    WriteOptions,
    read_options,
    write_options,
)


def with_texts(kind: type) -> dict[str, Any]:
    """The types of an options struct, where paths may be strings too."""
    hints = get_type_hints(kind)
    spellings = {"images": str, "labels_map": LabelMapSource}
    return {
        name: hint | spellings[name] if name in spellings else hint for name, hint in hints.items()
    }


@pytest.mark.parametrize(
    ("keywords", "options"), [(ReadKeywords, ReadOptions), (WriteKeywords, WriteOptions)]
)
def test_keywords_have_the_names_and_types_of_the_options(keywords: type, options: type) -> None:
    assert get_type_hints(keywords) == with_texts(options)


def test_a_conversion_takes_the_keywords_of_both() -> None:
    """Where both have a name, the type is the reader's."""
    assert get_type_hints(ConvertKeywords) == with_texts(WriteOptions) | with_texts(ReadOptions)


def test_a_folder_may_be_a_string() -> None:
    assert read_options({"images": "a"}).images == Path("a")
    assert write_options({"images": "a"}).images == Path("a")


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(ConfigurationError, match="no option 'tusk'"):
        formats.read("a.json", "coco", tusk="detect")  # type: ignore[call-arg]
