"""Where images lie, by a few of their names; names that repeat; splits in names."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.formats.io.image_folder import ImageFolder, find_image_folder
from headrace.formats.io.seen_names import SeenNames
from headrace.formats.io.split_names import split_of_stem, split_of_word
from tests.support.data.formats import lay_out


def test_usual_folders_come_first_then_all_others(tmp_path: Path) -> None:
    lay_out(tmp_path, {"a/x.jpg": b"", "b/c/d/z.jpg": b"", "images/y.jpg": b"", "e/y.jpg": b""})
    assert find_image_folder(tmp_path, ["y.jpg"], ["images/"]) == ImageFolder("images/")
    assert find_image_folder(tmp_path, ["x.jpg"], ["images/"]) == ImageFolder("a/")
    assert find_image_folder(tmp_path, ["d/z.jpg"], []) == ImageFolder("b/c/")
    assert find_image_folder(tmp_path, ["w.jpg"], ["images/"]) is None
    # Either of two folders that are as good could be meant.
    assert find_image_folder(tmp_path, ["y.jpg"], []) is None
    assert find_image_folder(tmp_path, [], ["images/"]) is None


def test_the_folder_of_most_images_is_taken(tmp_path: Path) -> None:
    lay_out(tmp_path, {"a/1.jpg": b"", "b/1.jpg": b"", "b/2.jpg": b""})
    assert find_image_folder(tmp_path, ["1.jpg", "2.jpg", "3.jpg"], ["a/", "b/"]) == ImageFolder(
        "b/"
    )


def test_folders_of_another_machine_do_not_count(tmp_path: Path) -> None:
    lay_out(tmp_path, {"images/x.jpg": b""})
    found = find_image_folder(tmp_path, ["/home/someone/x.jpg"], ["images/"])
    assert found == ImageFolder("images/", base_only=True)
    assert found.path("/home/someone/else/y.jpg") == "images/y.jpg"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("x.jpg", "a/x.jpg"),
        ("b/../x.jpg", "a/x.jpg"),
        ("../x.jpg", "x.jpg"),
        ("../../x.jpg", None),
        ("./x.jpg", "a/x.jpg"),
        ("b//x.jpg", "a/b/x.jpg"),
    ],
)
def test_paths_are_plain_and_stay_inside(name: str, path: str | None) -> None:
    assert ImageFolder("a/").path(name) == path
    assert ImageFolder("").path("/x.jpg") is None


def test_names_are_new_once() -> None:
    seen = SeenNames()
    names = [f"{number}.jpg" for number in range(5_000)]
    assert all(seen.is_new(name) for name in names)
    assert not any(seen.is_new(name) for name in names)
    assert seen.is_new("other.jpg")


@pytest.mark.parametrize(
    ("stem", "split", "word", "rest"),
    [
        ("instances_train2017", "train", "train2017", "instances"),
        ("person_keypoints_val2017", "val", "val2017", "person_keypoints"),
        ("train", "train", "train", ""),
        ("Valid-annotations", "val", "Valid", "annotations"),
        ("my_validation", "val", "validation", "my"),
        ("instances_trainval", "trainval", "trainval", "instances"),
        ("training_of_trains", "train", "training", "of_trains"),
        ("street_train_cars", None, "", "street_train_cars"),
        ("retrain", None, "", "retrain"),
        ("", None, "", ""),
    ],
)
def test_splits_in_names(stem: str, split: str | None, word: str, rest: str) -> None:
    assert split_of_stem(stem) == (split, word, rest)


def test_splits_of_words() -> None:
    assert [split_of_word(word) for word in ("Valid", "TEST2014", "tests", "2017")] == [
        "val",
        "test",
        None,
        None,
    ]
