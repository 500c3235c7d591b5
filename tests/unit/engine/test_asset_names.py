"""Which asset an image means where their names differ, and the index that finds the candidates."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.engine.imports.asset_index import MOST, AssetIndex
from headrace.engine.imports.asset_names import (
    AmbiguousNameError,
    ImageName,
    Question,
    nearest,
    parts_of,
    paths_of,
)
from headrace.model.enums import DataType, DataUploadStatus
from headrace.model.records import AssetRecord, DataRecord
from tests.support.tiers import scaled


def assets_of(names: Sequence[str]) -> list[AssetRecord]:
    return [
        AssetRecord(
            id=UUID(int=number << 64 | number * 7),
            data=DataRecord(
                id=UUID(int=number),
                object_name=name,
                filename=name,
                type=DataType.IMAGE,
                content_type="image/jpeg",
                upload_status=DataUploadStatus.DONE,
            ),
        )
        for number, name in enumerate(names, 1)
    ]


def chosen(image: ImageName, names: Sequence[str]) -> str | None:
    """The name of the asset that an image means, by way of the index."""
    assets = assets_of(names)
    by_id = {asset.id: asset for asset in assets}
    index = AssetIndex(len(assets))
    index.add(assets)
    questions, ids = [], []
    for path in paths_of(image):
        found = index.find(path)
        ids += found.ids
        questions.append(Question(parts_of(path), found.complete_from))
    asset = nearest(image, questions, [by_id[each] for each in dict.fromkeys(ids)])
    return None if asset is None else asset.data.filename


@pytest.mark.parametrize(
    ("image", "names", "asset"),
    [
        ("a.jpg", ["images/train/a.jpg", "images/train/b.jpg"], "images/train/a.jpg"),
        ("train/a.jpg", ["images/train/a.jpg", "images/val/a.jpg"], "images/train/a.jpg"),
        ("images/train/a.jpg", ["train/a.jpg", "val/a.jpg"], "train/a.jpg"),
        ("images/train/a.jpg", ["train/a.jpg", "a.jpg"], "train/a.jpg"),
        ("images/a.jpg", ["raw/a.jpg"], "raw/a.jpg"),
        ("images/val/a.jpg", ["images/train/a.jpg"], None),
        ("val2017/a.jpg", ["train2017/a.jpg"], None),
        ("a.jpg", ["b.jpg"], None),
        ("a.png", ["images/a.jpg"], "images/a.jpg"),
        ("train/a.png", ["images/train/a.jpg", "images/val/a.jpg"], "images/train/a.jpg"),
        ("train/a.png", ["raw/a.png", "images/train/a.jpg"], "images/train/a.jpg"),
        ("a.png", ["a.jpg", "other/a.png"], "other/a.png"),
        ("train/a", ["images/train/a.jpg"], "images/train/a.jpg"),
        ("frame.001", ["frame.001.jpg", "frame.002.jpg"], "frame.001.jpg"),
        ("a.JPG", ["a.jpg"], "a.jpg"),
        ("0af.jpg", ["0AF.jpg", "1be.jpg"], "0AF.jpg"),
        ("images/0af.png", ["train/0AF.JPG"], "train/0AF.JPG"),
        ("b/0af.jpg", ["a/0AF.jpg", "b/0AF.jpg"], "b/0AF.jpg"),
        ("0af.jpg", ["0AF.jpg", "0af.png"], "0af.png"),
        (r"data\train\a.jpg", ["train/a.jpg", "val/a.jpg"], "train/a.jpg"),
        ("/home/me/coco/train/a.jpg", ["train/a.jpg", "val/a.jpg"], "train/a.jpg"),
    ],
)
def test_an_image_means_the_asset_whose_name_ends_like_its_own(
    image: str, names: list[str], asset: str | None
) -> None:
    assert chosen(ImageName(image), names) == asset


@pytest.mark.parametrize(
    ("image", "names"),
    [
        ("a.jpg", ["train/a.jpg", "val/a.jpg"]),
        ("2/a.jpg", ["1/a.jpg", "3/a.jpg"]),
        ("a.png", ["a.jpg", "a.bmp"]),
        ("a.jpg", ["1/a.jpg", "2/a.jpg", "a.png"]),
        ("train/a.jpg", ["images/train/a.jpg", "copies/train/a.jpg", "a.jpg"]),
        ("a.jpg", [f"{number}/a.jpg" for number in range(100)]),
        ("0af.jpg", ["0AF.jpg", "0Af.jpg"]),
        ("1/2/3/4/a.jpg", [f"x{number}/2/3/4/a.jpg" for number in range(100)]),
    ],
)
def test_equally_near_assets_are_no_match(image: str, names: list[str]) -> None:
    with pytest.raises(AmbiguousNameError) as error:
        chosen(ImageName(image), names)
    assert len(error.value.assets) >= 2


def test_the_path_tells_more_than_the_name() -> None:
    names = ["images/train/a.jpg", "images/val/a.jpg"]
    assert chosen(ImageName("a.jpg", "val/a.jpg"), names) == "images/val/a.jpg"
    assert chosen(ImageName("other.jpg", "images/val/a.jpg"), names) == "images/val/a.jpg"
    assert chosen(ImageName("val/a.jpg", "unknown.jpg"), names) == "images/val/a.jpg"
    assert chosen(ImageName("a.jpg", "val/a.jpg"), ["train/a.jpg"]) is None


def test_common_base_names_are_told_apart_by_their_folders() -> None:
    names = [f"images/scene_{number}/front/0001.jpg" for number in range(50 * MOST)]
    assert chosen(ImageName("scene_7/front/0001.jpg"), names) == names[7]
    with pytest.raises(AmbiguousNameError):
        chosen(ImageName("front/0001.jpg"), names)


PARTS = st.sampled_from(["a", "A", "b", "train", "val", "x"])
NAMES = st.lists(
    st.tuples(st.lists(PARTS, max_size=3), PARTS, st.sampled_from([".jpg", ".png"])).map(
        lambda each: "/".join([*each[0], each[1] + each[2]])
    ),
    unique=True,
    min_size=1,
    max_size=30,
)


@settings(max_examples=scaled(300))
@given(names=NAMES, image=NAMES)
def test_the_index_loses_no_candidate(names: list[str], image: list[str]) -> None:
    """An answer by way of the index is the answer of comparing with every asset, or a refusal."""
    (asked, *_) = image
    try:
        every = nearest(ImageName(asked), [Question(parts_of(asked), 1)], assets_of(names))
        wanted = None if every is None else every.data.filename
    except AmbiguousNameError:
        with pytest.raises(AmbiguousNameError):
            chosen(ImageName(asked), names)
        return
    try:
        assert chosen(ImageName(asked), names) == wanted
    except AmbiguousNameError:
        assert len(names) >= MOST
