"""Names from elsewhere: safe on every system or refused."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import BadRequestError
from headrace.model.names import (
    id_name,
    repair_name,
    safe_extension,
    safe_join,
    safe_name,
    safe_parts,
    safe_text,
    with_id,
)
from tests.support.data.names import HOSTILE

FRIENDLY = [
    "a", "a.png", "a/b/c.jpeg", "übung/日本.png", "🎈.jpg", ".hidden", "a b.png", "a..b", "..a",
    "con1.txt", "console.png", "com.png", "com10.png", "nully", "a?b*c.png", "x" * 255, "-rf", "~",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_refused_with_the_reason(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadRequestError) as caught:
        safe_join(tmp_path, name)
    assert str(caught.value).isascii() or "…" in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("name", FRIENDLY)
def test_friendly_names_stay_below_the_folder(name: str, tmp_path: Path) -> None:
    assert safe_join(tmp_path, name) == tmp_path / name
    assert repair_name(name) == name


@pytest.mark.parametrize("name", [name for name in HOSTILE if len(name) < 1000])
def test_repaired_names_are_safe(name: str) -> None:
    assert safe_parts(repair_name(name))


@given(st.text(max_size=40) | st.text(alphabet="./\\:conCON1 \0a", max_size=20))
def test_no_text_leads_out_of_the_folder(name: str) -> None:
    folder = Path("/target")
    assert safe_join(folder, repair_name(name)).is_relative_to(folder)
    try:
        joined = safe_join(folder, name)
    except BadRequestError:
        return
    assert folder in joined.parents
    assert ".." not in joined.parts


@pytest.mark.parametrize(
    ("filename", "extension"),
    [
        ("a.JPG", ".jpg"),
        ("a.tar.gz", ".gz"),
        ("noext", ""),
        (".bashrc", ""),
        ("a.", ""),
        ("a.p/ng", ""),
        ("a.jp g", ""),
        ("a.averylongextension", ""),
        ("a.é", ""),
        ("", ""),
    ],
)
def test_extensions_are_kept_where_they_are_plain(filename: str, extension: str) -> None:
    assert safe_extension(filename) == extension


def test_names_of_things_may_be_any_text_that_can_be_shown() -> None:
    assert safe_name("Zürich / 2024: ß") == "Zürich / 2024: ß"
    for bad in ("", "  ", "a\nb", "a\0b", "\ud800", "x" * 1025):
        with pytest.raises(BadRequestError):
            safe_name(bad)


def test_file_names_are_kept_as_their_owner_spelled_them() -> None:
    assert safe_text("a\nb: c.png ", "filename") == "a\nb: c.png "
    for bad in ("", "a\0b", "\udcff.png", "x" * 1025):
        with pytest.raises(BadRequestError, match="filename"):
            safe_text(bad, "filename")


@pytest.mark.parametrize(
    "name",
    ["a." + "b" * 252, "." + "b" * 254, "a/" + "é" * 100 + "." + "é" * 26, "a.é" + "b" * 240],
)
def test_a_long_suffix_leaves_room_for_an_id(name: str) -> None:
    for made in (
        with_id(name, UUID(int=1)),
        id_name(UUID(int=1), name),
        with_id(name, UUID(int=1), most=60),
    ):
        assert str(UUID(int=1)) in made
        assert safe_parts(made)
