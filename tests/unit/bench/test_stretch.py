"""Lakes without files: as large as a dataset, and used like any other."""

import asyncio
import sys

import pytest

import headrace
from bench.dataset import Image, Spec, iter_images
from bench.images import write_images
from bench.lakes import VERSION, copy_lake, outcome
from bench.stretch import seed_lake, stretch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmarks read /proc")

SPEC = Spec(30, 100, polygons=True)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lakes")
    seed_lake(folder / "seed", "segmentation")
    made = copy_lake(folder / "seed", folder / "lake", objects=False)
    stretch(made, SPEC)
    return made


def test_it_has_the_images_of_the_dataset_in_the_order_of_their_names(lake) -> None:
    async def assets() -> list[tuple]:
        async with headrace.connect(lake) as client:
            version = await client.version(VERSION)
            found = await version.list_assets(order_by=["filename"])
            assert len({each.id for each in found}) == SPEC.images
            return [(each.filename, each.width, each.height) for each in found]

    expected = sorted((each.file_name, each.width, each.height) for each in iter_images(SPEC))
    assert asyncio.run(assets()) == expected
    assert outcome(lake)["assets"] == SPEC.images


def test_it_can_be_added_to(lake, tmp_path) -> None:
    """The counters are those of a lake that grew by pushing."""
    copy = copy_lake(lake, tmp_path / "copy")
    images = tmp_path / "images"
    write_images(images, [Image(1, "one more.jpg", 64, 48)])

    async def add() -> int:
        async with headrace.connect(copy) as client:
            assert (await client.push(VERSION, images)).assets == 1
            return await (await client.version(VERSION)).list_assets().count()

    assert asyncio.run(add()) == SPEC.images + 1
