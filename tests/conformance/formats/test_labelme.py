"""The sample package for LabelMe passes its own tests, on the path with the metadata of an installed package."""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import headrace
from bench.images import jpeg
from headrace import formats
from headrace.model.sample import Sample
from headrace.model.shapes import Rectangle
from tests.support.format_packages import importable, make_package
from tests.support.lakes.templates import copy_empty

PACKAGE = Path(__file__).resolve().parents[3] / "examples" / "headrace-labelme"
PROJECT = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]


@pytest.fixture(autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("metadata")
    make_package(folder, PROJECT["name"], PROJECT["entry-points"]["headrace.formats"])
    with importable(folder, PACKAGE / "src"):
        yield


async def test_a_lake_imports_and_exports_it(tmp_path: Path) -> None:
    copy_empty(tmp_path / "lake")
    (tmp_path / "images").mkdir()
    for name in ("a", "b"):
        (tmp_path / "images" / f"{name}.jpg").write_bytes(jpeg(100, 50))
    box = Rectangle(label="cat", x=1, y=2, w=3, h=4, attributes={"hard": True})
    samples = [
        Sample(filename="a.jpg", width=100, height=50, shapes=[box]),
        Sample(filename="b.jpg", width=100, height=50, shapes=[]),
    ]
    formats.write(samples, tmp_path / "in", "labelme")
    async with headrace.connect(tmp_path / "lake") as client:
        lake = await client.get_datalake()
        data = await lake.upload_data(sorted((tmp_path / "images").iterdir()))
        version = await (await client.create_dataset("cats")).create_version("v1", type="MULTI")
        await version.add_data(data)
        report = await version.import_annotations(tmp_path / "in")
        assert (report.format, report.images_imported, report.shapes_imported) == ("labelme", 2, 1)
        done = await version.export(tmp_path / "out", format="labelme", media="copy")
    assert (done.format, done.images, done.shapes) == ("labelme", 2, 1)
    found = {each.filename: each for each in formats.read(tmp_path / "out", "labelme")}
    assert sorted(found) == ["a.jpg", "b.jpg"]
    assert found["a.jpg"].path == "a.jpg"
    (shape,) = found["a.jpg"].shapes
    assert isinstance(shape, Rectangle)
    assert (shape.label, shape.x, shape.y, shape.w, shape.h) == ("cat", 1, 2, 3, 4)


def _tests() -> dict[str, object]:
    path = PACKAGE / "tests" / "test_labelme.py"
    found = importlib.util.spec_from_file_location("test_labelme_package", path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module
    found.loader.exec_module(module)
    return {name: value for name, value in vars(module).items() if name.lower().startswith("test")}


# pytest collects what stands in a module: these are the tests of the package.
globals().update(_tests())
