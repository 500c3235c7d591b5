"""The sample package for LabelMe passes its own tests, on the path with the metadata of an installed package."""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.format_packages import importable, make_package

PACKAGE = Path(__file__).resolve().parents[3] / "examples" / "headrace-labelme"
PROJECT = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]


@pytest.fixture(autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("metadata")
    make_package(folder, PROJECT["name"], PROJECT["entry-points"]["headrace.formats"])
    with importable(folder, PACKAGE / "src"):
        yield


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
