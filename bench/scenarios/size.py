"""The bytes of a shape in a lake: 7 boxes or 7 polygons an asset, in today's layout and in that of before."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from bench.builds import build_of
from bench.dataset import Spec
from bench.scenario import Contender, RunSetup, Scenario, Setting
from bench.scenarios.versions import BEFORE, PACKAGES

ASSETS = {"T": 200, "S": 2_000, "M": 20_000, "L": 100_000}
SHAPES = 7

TODAY = Contender("headrace", "lake_size.py", packages=PACKAGES)
OLDER = replace(TODAY, name="headrace-before", environment=BEFORE)


def spec_of(setting: Setting, *, polygons: bool) -> Spec:
    """Return the data of a scale."""
    images = ASSETS[setting.scale]
    return Spec(images, SHAPES * images, polygons)


def prepare(setting: Setting) -> None:
    """Prepare nothing: the lakes are made when they are first used."""
    del setting


def data(setting: Setting) -> Mapping[str, Any]:
    """Describe the data, for the result."""
    return {"assets": ASSETS[setting.scale], "shapes_each": SHAPES}


@contextmanager
def set_up(
    setting: Setting, contender: Contender, folder: Path, *, polygons: bool
) -> Iterator[RunSetup]:
    """Return the lakes of the contender's build, without and with annotations."""
    build, spec = (
        build_of(contender.environment, setting.cache),
        spec_of(setting, polygons=polygons),
    )
    job = {
        "base": str(build.base_lake(setting.cache, spec)),
        "annotated": str(build.annotated_lake(setting.cache, spec)),
        "shapes": spec.annotations,
        "output": str(folder / "packed"),
    }
    yield RunSetup(job)


def scenario(name: str, *, polygons: bool) -> Scenario:
    """Return the scenario of one kind of shapes."""
    return Scenario(
        name=f"size/{name}",
        summary=f"bytes in the lake of a shape, {SHAPES} {name} an asset",
        ours=(TODAY,),
        peers=(OLDER,),
        prepare=prepare,
        set_up=partial(set_up, polygons=polygons),
        data=data,
        coco=False,
        measures=("bytes_each", "blob_bytes_each"),
    )


SIZE = (scenario("boxes", polygons=False), scenario("polygons", polygons=True))
