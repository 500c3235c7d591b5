"""Queries as people write them, over a lake and over a server: the same answers, the same refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import headrace
from examples.make_sample import draw_dataset
from headrace.errors import BadRequestError
from headrace.protocol.query import any_of
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.lakes.servers import running

AWKWARD = 'day" or filename != "'


@pytest.fixture(params=["lake", "http"])
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Client]:
    async with running(tmp_path / "lake") as server:
        target = str(tmp_path / "lake") if request.param == "lake" else server.address
        async with headrace.connect(target, api_token=server.token) as made:
            yield made


@pytest.fixture
async def version(client: Client, tmp_path: Path) -> DatasetVersion:
    """Twelve drawn scenes; every second one is tagged in the lake, every third one in the version."""
    images, annotations = draw_dataset(tmp_path / "drawn", count=12)
    lake = await client.get_datalake()
    paths = sorted(images.iterdir())
    sites = [{"site": "north" if number < 6 else "south", "run": number} for number in range(12)]
    data = await lake.upload_data(paths, custom_metadata=sites)
    version = await (await client.create_dataset("demo")).create_version("v1")
    await version.add_data(data)
    await version.import_annotations(annotations)
    night = await lake.create_data_tag("night")
    await night.attach_on([one for one in data if int(one.filename[6:9]) % 2 == 0])
    awkward = await version.create_asset_tag(AWKWARD)
    assets = await version.list_assets()
    await awkward.attach_on([one for one in assets if int(one.filename[6:9]) % 3 == 0])
    return version


async def chosen(version: DatasetVersion, q: str) -> set[int]:
    return {int(asset.filename[6:9]) async for asset in version.list_assets(q=q)}


@pytest.mark.every_storage
async def test_queries_of_assets(version: DatasetVersion) -> None:
    every = set(range(12))
    even, third = set(range(0, 12, 2)), set(range(0, 12, 3))
    for q, wanted in {
        'filename = "scene_003.png"': {3},
        'filename startswith "SCENE_00" and not_there = 1': None,
        'filename endswith "1.png"': {1, 11},
        'data.tags.name = "night"': even,
        'data.tags.name != "night"': every - even,
        any_of("tags.name", [AWKWARD]): third,
        f'{any_of("tags.name", [AWKWARD])} and data.tags.name in ("night")': third & even,
        "tags = None": every - third,
        'data.custom_metadata.site = "north"': set(range(6)),
        "data.custom_metadata.run >= 10 or data.custom_metadata.run < 1": {0, 10, 11},
        "data.width = 160 and data.height = 120": every,
        'annotations.status = "PENDING"': every,
        'annotations.label.name = "no such"': set(),
        'data.datasets.version = "v1"': every,
        'data.type = "VIDEO"': set(),
    }.items():
        if wanted is None:
            with pytest.raises(BadRequestError, match="no field 'not_there'"):
                await chosen(version, q)
        else:
            assert await chosen(version, q) == wanted, q


@pytest.mark.every_storage
async def test_queries_by_label_agree_with_the_annotations(version: DatasetVersion) -> None:
    loaded = await version.load_annotations()
    names = {str(asset.id): int(asset.filename[6:9]) async for asset in version.list_assets()}
    for label in ("box", "disc", "triangle"):
        wanted = {
            names[asset]
            for asset, annotations in loaded.items()
            if any(shape["label"] == label for one in annotations for shape in one["polygons"])
        }
        assert await chosen(version, f'annotations.polygons.label.name = "{label}"') == wanted
        assert await chosen(version, f'annotations.label.name = "{label}"') == wanted
        assert await chosen(version, f'annotations.masks.label.name = "{label}"') == set()


@pytest.mark.every_storage
async def test_counts_limits_and_pages_hold_under_a_query(version: DatasetVersion) -> None:
    listing = version.list_assets(q='data.tags.name = "night"')
    assert await listing.count() == 6
    assert len(await version.list_assets(q='data.tags.name = "night"', limit=4)) == 4
    ordered = await version.list_assets(q='data.tags.name = "night"', order_by=["filename"])
    assert [asset.filename for asset in ordered] == [f"scene_{n:03d}.png" for n in range(0, 12, 2)]


@pytest.mark.every_storage
async def test_arguments_and_queries_combine(client: Client, version: DatasetVersion) -> None:
    lake = await client.get_datalake()
    either = 'filename = "scene_001.png" or filename = "scene_002.png"'
    assert [one.filename for one in await lake.list_data(q=either, tags="night")] == [
        "scene_002.png"
    ]
    assert len(await version.list_assets(tags=AWKWARD)) == 4
    assert len(await version.list_assets(custom_metadata={"site": "south"})) == 6
    assert len(await lake.list_data(custom_metadata={"site": "south", "run": 7})) == 1


@pytest.mark.every_storage
async def test_long_queries_travel(version: DatasetVersion) -> None:
    names = [f"scene_{number:03d}.png" for number in range(900)]
    assert len(await version.list_assets(q=any_of("filename", names))) == 12


@pytest.mark.parametrize(
    ("q", "words"),
    [
        ('filename = "x', "column 12"),
        ("filename == 3", "column 11"),
        ('filname = "x"', "did you mean 'filename'"),
        ("x = 1" * 5000, "at most 16,384"),
    ],
)
async def test_bad_queries_are_refused_alike(version: DatasetVersion, q: str, words: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        await version.list_assets(q=q)
    assert words in str(caught.value)
