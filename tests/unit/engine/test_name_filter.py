"""Images are chosen by globs, of which the last that matches counts, and by lists of names."""

from __future__ import annotations

import pytest

from headrace import NameFilter
from headrace.errors import ConfigurationError, NoDataError
from headrace.model.sample import Sample

NAMES = ["a.jpg", "b.png", "train/a.jpg", "train/x/c.jpg", "val/a.png", "{odd}.jpg", "[1].jpg"]


def chosen(names: NameFilter) -> list[str]:
    return [name for name in NAMES if names.chooses(name)]


@pytest.mark.parametrize(
    ("glob", "names"),
    [
        ("*", NAMES),
        ("*.png", ["b.png", "val/a.png"]),
        ("a.jpg", ["a.jpg", "train/a.jpg"]),
        ("/a.jpg", ["a.jpg"]),
        ("/*.jpg", ["a.jpg", "{odd}.jpg", "[1].jpg"]),
        ("train/", ["train/a.jpg", "train/x/c.jpg"]),
        ("train/*", ["train/a.jpg"]),
        ("/train/**", ["train/a.jpg", "train/x/c.jpg"]),
        ("?.{jpg,png}", ["a.jpg", "b.png", "train/a.jpg", "train/x/c.jpg", "val/a.png"]),
        ("[ab].*", ["a.jpg", "b.png", "train/a.jpg", "val/a.png"]),
        ("[!ab].jpg", ["train/x/c.jpg"]),
        (r"\[1\].jpg", ["[1].jpg"]),
        (r"\{odd\}.jpg", ["{odd}.jpg"]),
        ("A.JPG", []),
    ],
)
def test_globs(glob: str, names: list[str]) -> None:
    assert chosen(NameFilter.of(glob)) == names
    assert chosen(NameFilter.of(exclude=glob)) == [name for name in NAMES if name not in names]


def test_the_last_match_counts_and_an_including_glob_leaves_out_the_rest() -> None:
    assert chosen(NameFilter.of("*.png", exclude="val/")) == ["b.png"]
    assert chosen(NameFilter([(False, "*"), (True, "b.png")])) == ["b.png"]
    assert chosen(NameFilter([(True, "b.png"), (False, "*")])) == []
    assert chosen(NameFilter([(False, "train/"), (True, "train/x/"), (False, "*.png")])) == [
        "train/x/c.jpg"
    ]


def test_a_list_of_names_and_what_of_it_was_not_found() -> None:
    names = NameFilter.of(exclude="*.png", names=["./a.jpg", "b.png", "z.jpg", "y.jpg", "z.jpg"])
    assert chosen(names) == ["a.jpg"]
    assert (names.not_found_count, names.not_found()) == (2, ["z.jpg", "y.jpg"])
    assert names.note() == "2 of 4 listed names were not found: z.jpg, y.jpg"
    with pytest.raises(NoDataError, match=r"z\.jpg"):
        names.check_any(0, "the version")


def test_an_image_is_listed_by_its_path_or_its_name() -> None:
    names = NameFilter.of(names=["x.jpg", "val/y.jpg"])
    assert names.chooses_sample(Sample(filename="x.jpg", path="images/x.jpg"))
    assert names.chooses_sample(Sample(filename="y.jpg", path="val/y.jpg"))
    assert not names.chooses_sample(Sample(filename="y.jpg", path="train/y.jpg"))


def test_equal_filters_read_alike_and_others_do_not() -> None:
    same = [repr(NameFilter.of("*.jpg", names=["a", "b"])) for _ in range(2)]
    others = [NameFilter.of("*.jpg", names=["a", "c"]), NameFilter.of("*.jpg"), NameFilter()]
    assert len({*same, *map(repr, others)}) == 4
    again = NameFilter.of("*.jpg", names=["a", "b"])
    assert again == NameFilter.of("*.jpg", names=["a", "b"])
    assert len({again, NameFilter.of("*.jpg", names=["a", "b"]), *others}) == 4


def test_no_rules_choose_everything() -> None:
    assert not NameFilter()
    assert chosen(NameFilter()) == NAMES
    assert NameFilter().note() is None


@pytest.mark.parametrize("glob", ["", "/", "[a", "{a,b"])
def test_a_glob_that_is_none(glob: str) -> None:
    with pytest.raises(ConfigurationError, match="glob"):
        NameFilter.of(glob)


def test_a_name_that_is_no_text_is_a_name() -> None:
    names = NameFilter.of(names=["caf\udce9.jpg"])
    assert names.chooses("caf\udce9.jpg")
    assert NameFilter.of("*.jpg").chooses("caf\udce9.jpg")
