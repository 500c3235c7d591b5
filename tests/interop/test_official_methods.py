"""Every method of DatasetVersion through the official client, and the same script on headrace's blocking API."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.lakes.servers import new_lake
from tests.support.lakes.stocked_lake import stocked
from tests.support.processes.official import clients, drive, hosted

METHODS = Path(__file__).with_name("official_methods.py")
SCALE = Path(__file__).with_name("official_scale.py")
SEED = Path(__file__).parents[1] / "unit" / "sdk" / "seed" / "dataset_version.txt"
SAMPLES = Path(
    os.environ.get("HEADRACE_SAMPLES", Path(__file__).parents[2].parent / "shared" / "data")
)
PICTURES = 12
REAL = 364
MANY = 20_000
# It has a script of its own.
ELSEWHERE = {"launch_processing"}


def named() -> set[str]:
    """What the reference names: properties and methods."""
    properties, _, methods = SEED.read_text(encoding="utf-8").partition("\n\n")
    return {
        *properties.partition(": ")[2].split(),
        *re.findall(r"^([a-z_]+)\(", methods, re.MULTILINE),
    }


async def each(tmp_path: Path, images: list[Path]) -> list[dict[str, Any]]:
    """What the script sees through each of the clients, each with a lake of its own; the official one first."""
    seen = []
    for client in clients():
        place = tmp_path / client
        lake, token = await new_lake(place / "lake")
        prepare(place / "work", images)
        async with hosted(client, lake) as server:
            seen.append(await drive(METHODS, server.address, token, place / "work", client=client))
            assert await server.stop() == 0
    return seen


def draw(folder: Path) -> list[Path]:
    """Pictures of their own bytes."""
    for number in range(PICTURES):
        Image.new("RGB", (40 + number, 30), (20 * number, 0, 0)).save(folder / f"im{number}.png")
    return sorted(folder.glob("*.png"))


def prepare(folder: Path, images: list[Path]) -> None:
    """What the script works on: links to images."""
    (folder / "images").mkdir(parents=True)
    for number, path in enumerate(images):
        name = f"{number:04d}_{path.stem[:30]}{path.suffix.lower()}"
        (folder / "images" / name).symlink_to(path)


def check(official: dict[str, Any], *moved: dict[str, Any], count: int) -> None:
    """All clients saw the same."""
    for method, answer in official.items():
        assert [each[method] for each in moved] == [answer] * len(moved), method
    check_one(official, count)


def check_one(official: dict[str, Any], count: int) -> None:
    """What the official client saw."""
    assert named() - ELSEWHERE <= official.keys()
    assert official["add_data"] == ["SUCCESS", count]
    assert official["retrieve_stats"][1:] == [2 * count, count]
    assert official["load_annotations"][0] == count
    assert official["list_assets"]["wrong q"] == "BadRequestError"
    assert official["train_test_val_split"] == [count, 0]
    assert official["delete"] == ["ResourceNotFoundError", ["fork", "target", "words"]]


async def test_every_method_of_a_version(tmp_path: Path) -> None:
    check(*await each(tmp_path, draw(tmp_path)), count=PICTURES)


@pytest.mark.interop
@pytest.mark.timeout(1200)
async def test_every_method_on_hundreds_of_real_images(tmp_path: Path) -> None:
    images = sorted((SAMPLES / "bccd").rglob("*.jpg"))
    if len(images) < REAL:
        pytest.skip(f"needs the {REAL} images of BCCD in {SAMPLES}")
    check(*await each(tmp_path, images[:REAL]), count=REAL)


@pytest.mark.slow
@pytest.mark.timeout(3000)
async def test_pages_keys_and_batches_of_many_assets(tmp_path: Path) -> None:
    seen = []
    for client in clients():
        place = tmp_path / client
        lake, token = await new_lake(place / "lake")
        async with stocked(lake) as platform:
            await platform.add_data(MANY)
        (place / "work").mkdir()
        async with hosted(client, lake) as server:
            seen.append(await drive(SCALE, server.address, token, place / "work", client=client))
            assert await server.stop() == 0
    official, *moved = seen
    assert moved == [official] * len(moved)
    assert official["data"] == official["imported"] == official["annotations"] == MANY
    assert official["assets"] == [MANY, MANY]
    assert official["limit"] == 3000
    assert official["filenames"] == 1600
    assert official["data_ids"] == 1500
    assert official["loaded"][0] == MANY
    assert official["fork"] == [MANY, MANY]
    assert (official["copy"], official["some"], official["left"]) == (12_000, 11_000, 10_000)
