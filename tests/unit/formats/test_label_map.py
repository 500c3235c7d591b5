"""Label maps: their files, their mistakes, and what they do to labels and samples."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.errors import ConfigurationError
from headrace.formats.label_map import LabelMap, as_label_map
from headrace.model.sample import LabelInfo

MAP = """\
drop = ["DontCare", "traffic.light"]

[rename]
pedestrain = "pedestrian"
left = "right"
right = "left"

[merge]
vehicle = ["car", "truck"]
"""


def named(*names: str) -> list[LabelInfo]:
    return [LabelInfo(name=name, id=number) for number, name in enumerate(names)]


def test_a_file_and_its_content_are_the_same_map(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(MAP)
    loaded = as_label_map(path)
    assert loaded == as_label_map(str(path))
    assert loaded == as_label_map(
        {
            "drop": ["DontCare", "traffic.light"],
            "rename": {"pedestrain": "pedestrian", "left": "right", "right": "left"},
            "merge": {"vehicle": ["car", "truck"]},
        }
    )
    assert as_label_map(loaded) is loaded


def test_labels_keep_their_order() -> None:
    source = named("person", "truck", "DontCare", "right", "left", "car", "dog")
    labels = LabelMap.parse(
        {
            "drop": ["DontCare"],
            "rename": {"left": "right", "right": "left"},
            "merge": {"vehicle": ["car", "truck"]},
        }
    ).labels(source)
    assert [(label.name, label.id) for label in labels] == [
        ("person", 0),
        ("vehicle", 1),
        ("left", 3),
        ("right", 4),
        ("dog", 6),
    ]


def test_a_label_that_others_are_merged_into_describes_them() -> None:
    source = [
        LabelInfo(name="van"),
        LabelInfo(name="car", keypoints=["wheel"], supercategory="vehicle"),
    ]
    (label,) = LabelMap.parse({"merge": {"car": ["van"]}}).labels(source)
    assert (label.name, label.keypoints, label.supercategory) == ("car", ["wheel"], "vehicle")


def test_a_rename_to_a_label_that_stays_is_no_silent_merge() -> None:
    with pytest.raises(ConfigurationError, match="another label") as raised:
        LabelMap.parse({"rename": {"van": "car"}}).labels(named("van", "car"))
    assert '"car" = ["van"]' in str(raised.value.hint)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("drop = 'a'", "drop is not a list"),
        ("drop = [1]", "1 in the label map is not a label"),
        ("drop = ['a', 'a']", "names 'a' twice"),
        ("drop = ['a']\n[rename]\na = 'b'", "names 'a' twice"),
        ("[rename]\na = ''", "'' in the label map"),
        ("[rename]\ntraffic.light = 'b'", "in the label map is not a label"),
        ("[rename]\na = 'c'\nb = 'c'", "renames 'a' and 'b' to 'c'"),
        ("[merge]\na = 'b'", "not followed by a list"),
        ("merge = ['a']", "merge is not a table"),
        ("[renames]\na = 'b'", "no 'renames'"),
        ("[rename\n", "map.toml"),
    ],
)
def test_a_mistake_is_named_with_the_file(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=message) as raised:
        as_label_map(path)
    assert str(path) in raised.value.message
    assert raised.value.hint


def test_a_table_of_another_name_is_suggested() -> None:
    with pytest.raises(ConfigurationError) as raised:
        LabelMap.parse({"renames": {}})
    assert "did you mean 'rename'?" in str(raised.value.hint)


def test_a_file_that_is_missing_or_no_text(tmp_path: Path) -> None:
    (tmp_path / "odd.toml").write_bytes(b"\xff\xfe")
    for name in ("gone.toml", "odd.toml", "."):
        with pytest.raises(ConfigurationError, match="label map"):
            as_label_map(tmp_path / name)
