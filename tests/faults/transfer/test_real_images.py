"""300 real images, up and down through a server that fails one request in five."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import headrace
from tests.support.faults.faulty_proxy import faulty_proxy
from tests.support.lakes.servers import new_lake, server_process

SAMPLES = Path(
    os.environ.get("HEADRACE_SAMPLES", Path(__file__).parents[3].parent / "shared" / "data")
)
COUNT = 300


def images() -> list[Path]:
    found = sorted(p for p in SAMPLES.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if len(found) < COUNT:
        pytest.skip(f"needs {COUNT} sample images in {SAMPLES}")
    return found[:COUNT]


@pytest.mark.slow
async def test_three_hundred_images_through_a_bad_line(tmp_path: Path) -> None:
    chosen = tmp_path / "images"
    chosen.mkdir()
    for number, path in enumerate(images()):
        (chosen / f"{number:03}{path.suffix.lower()}").symlink_to(path)
    lake, token = await new_lake(tmp_path / "lake")
    async with (
        server_process(lake) as server,
        faulty_proxy(server.address, one_in=5, only=b"/files/") as proxy,
        headrace.connect(proxy.address, api_token=token) as client,
    ):
        pushed = await client.push("d/v", chosen, follow_links=True)
        assert (pushed.files, pushed.transfer.failed) == (COUNT, 0)
        version = await client.version("d/v")
        uploads = proxy.spoiled
        report = await version.download(tmp_path / "out")
        assert (report.moved, report.failed) == (COUNT, 0)
        assert proxy.spoiled - uploads >= COUNT // 5
        assert uploads >= COUNT // 5
        again = await version.download(tmp_path / "out")
        assert (again.moved, again.skipped) == (0, COUNT)
    there = {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir() if p.is_file()}
    assert there == {p.name: p.read_bytes() for p in chosen.iterdir()}
