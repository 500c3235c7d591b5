"""Names of local files: safe, distinct on every file system, the same in every run (F33)."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.engine.download.names import Layout, name_all
from headrace.model.enums import DataType, DataUploadStatus
from headrace.model.names import safe_parts
from headrace.model.records import DataRecord

TORTURE = [
    "a.jpg", "A.jpg", "a.JPG", "é.png", unicodedata.normalize("NFD", "é.png"), "É.png", "ß.jpg", "ss.jpg",
    "x" * 251 + ".jpg", "x" * 250 + "y.jpg", "é" * 300, "dot.", "blank ", "CON", "con.txt", "aux.jpg", "NUL",
    "line\nbreak.jpg", "\t", "nul\0byte", "🙂.jpg", "\u202egpj.exe", "../up.jpg", "/etc/passwd", "a/../../b",
    "c:\\x.jpg", "c:stream", "\\\\host\\share", "dir/a.jpg", "dir\\a.jpg", "DIR/A.JPG", "dir", "a.jpg/b.jpg",
    ".headrace/pulled", ".HEADRACE/x", "..", ".", "", " ", "~", "-rf", "*?.jpg", "\ud800.jpg",
]  # fmt: skip


def data(number: int, filename: str) -> tuple[UUID, DataRecord]:
    owner = UUID(int=number + 1)
    record = DataRecord(
        id=owner,
        object_name=f"0/tree/{number}/{filename}",
        filename=filename,
        type=DataType.IMAGE,
        content_type="image/jpeg",
        upload_status=DataUploadStatus.DONE,
    )
    return owner, record


def folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def check(filenames: list[str], layout: Layout) -> dict[str, str]:
    wanted = name_all(
        [data(number, name) for number, name in enumerate(filenames)], use_id=False, layout=layout
    )
    names = [one.name for one in wanted]
    assert len({folded(name) for name in names}) == len(filenames)
    folders = {folded(str(p)) for name in names for p in list(Path(name).parents)[:-1]}
    assert folders.isdisjoint(folded(name) for name in names)
    for name in names:
        safe_parts(name)
        assert not name.lower().startswith(".headrace/")
        assert "\\" not in name
    return dict(zip(filenames, names, strict=True))


@pytest.mark.parametrize("layout", list(Layout))
def test_f33_names_that_torture(layout: Layout, tmp_path: Path) -> None:
    names = check(TORTURE, layout)
    for number, name in enumerate(names.values()):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d" % number)
    for number, name in enumerate(names.values()):
        assert (tmp_path / name).read_bytes() == b"%d" % number
    if layout == Layout.NAMES:
        assert (names["a.jpg"], names["dir/a.jpg"], names["🙂.jpg"]) == (
            "a.jpg",
            "dir/a.jpg",
            "🙂.jpg",
        )


@given(
    st.lists(
        st.text(st.sampled_from("aAéÉe\u0301/\\.: ~c\n"), max_size=12) | st.text(max_size=20),
        unique=True,
        max_size=40,
    )
)
def test_f33_any_names(filenames: list[str]) -> None:
    check(filenames, Layout.NAMES)


def test_the_tree_of_the_storage() -> None:
    (wanted,) = name_all([data(7, "a.jpg")], use_id=False, layout=Layout.TREE)
    assert wanted.name == "0/tree/7/a.jpg"


def test_one_thing_twice_is_one_file() -> None:
    assert len(name_all([data(1, "a.jpg"), data(1, "a.jpg")], use_id=False)) == 1


ACTING = [
    "~", "~root/x.jpg", ".ssh/authorized_keys", ".bashrc", ".git/hooks/post-checkout", "data/.git/config",
    "a/b/.env", "-rf", "--help", "a/-rf", ".", "..a", ".HEADRACE/x", "." + "x" * 254, "a\\.ssh\\config",
]  # fmt: skip


@pytest.mark.parametrize("layout", list(Layout))
def test_s01_no_name_of_a_server_acts_in_the_folder_of_a_person(layout: Layout) -> None:
    """As if somebody downloaded into a home or a working copy."""
    for name in check(ACTING, layout).values():
        for part in name.split("/"):
            assert not part.startswith((".", "~"))
            assert part[0] != "-" or not part[1:2].isalpha()


def test_names_of_tiles_stay() -> None:
    tiles = ["-12_34.png", "-0001.jpg", "a/-1_-1.png", "a-b.jpg", "x.~1.jpg"]
    assert list(check(tiles, Layout.NAMES).values()) == tiles
