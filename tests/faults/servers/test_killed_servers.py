"""One of two servers over PostgreSQL and S3 is killed in the middle of a job: the client goes on with the other one.

Afterwards the platform is what an undisturbed job leaves, nothing is lost or there twice, and all counters are right.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headrace.sdk.client.client import Client
from tests.support.data.images import draw_images, write_coco
from tests.support.killing import Killing, Point
from tests.support.processes.waiting import until
from tests.support.servers import QUICK, Cluster, cluster
from tests.support.tiers import slow

pytestmark = pytest.mark.timeout(600)

COUNT = 40
NAMES = [f"image_{index:04d}.jpg" for index in range(COUNT)]
DELAYS = (0.0, 0.004, 0.012, 0.03)
PART = 5 << 20


def sweep(*paths: str, numbers: tuple[int, ...] = (1,)) -> list[Point]:
    """A kill at each of the requests after each delay."""
    return [Point(path, number, wait) for path in paths for number in numbers for wait in DELAYS]


IMPORTING = sweep("packed-annotations", numbers=(1, 2, 6))
FORKING = [*sweep("/fork"), *(Point("/fork", 1, wait) for wait in (0.06, 0.1, 0.2))]
PUSHING = sweep(
    *("prepare_uploads", "init_multipart_upload", "generate_part_presigned_url"),
    *("complete_part_upload", "datas/register", "/assets"),
)
EXPORTING = [
    *(("by the server", point) for point in sweep("annotations/export")),
    ("by the server", Point("annotations/export", 1, 0.06)),
    *(("own", point) for point in sweep("packed-annotations")),
]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """An import of few images has many chunks, and an upload of a middling file has several parts."""
    for module in ("spool", "run"):
        monkeypatch.setattr(f"headrace.engine.imports.{module}.CHUNK_BYTES", 1_500)
    for module in ("upload.multipart", "upload.uploader", "remote"):
        monkeypatch.setattr(f"headrace.backend.{module}.PART_BYTES", PART)


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Cluster]:
    """Two servers of a platform with an annotated version, ``d/calm``, whose annotations are in ``instances.json``."""
    draw_images(tmp_path / "images", COUNT)
    file = write_coco(tmp_path / "instances.json", NAMES, boxes=2)
    async with cluster(tmp_path / "platform", constants=QUICK) as made:
        async with made.connect(0) as client:
            await client.push("d/calm", tmp_path / "images")
            await (await client.version("d/calm")).import_annotations(file)
        yield made
        await made.assert_sound()


async def digest(client: Client, name: str) -> str:
    return str(await (await client.version(name)).digest())


@pytest.mark.parametrize("mode", ["REPLACE", slow("CONCATENATE")])
@pytest.mark.parametrize("points", [slow(IMPORTING)], ids=["everywhere"])
async def test_an_import(made: Cluster, tmp_path: Path, points: list[Point], mode: str) -> None:
    file = tmp_path / "instances.json"
    async with made.front() as front, made.connect_by(front) as client:
        calm = await client.version("d/calm")
        wanted, _ = await calm.fork("wanted")
        await wanted.import_annotations(file, mode=mode)
        for number, point in enumerate(points):
            version, _ = await calm.fork(f"v{number}")
            async with Killing(made, front, point) as killing:
                await version.import_annotations(file, mode=mode)
            assert killing.killed
            assert await digest(client, f"d/v{number}") == await digest(client, "d/wanted")
            assert await version.retrieve_stats() == await wanted.retrieve_stats()
    running = "select count(*) from job where kind = 'IMPORT' and state = 'RUNNING'"
    assert await made.rows(running) == [(0,)]


@pytest.mark.slow
async def test_a_fork(made: Cluster) -> None:
    async with made.front() as front, made.connect_by(front) as client:
        calm = await client.version("d/calm")
        for number, point in enumerate(FORKING):
            async with Killing(made, front, point) as killing:
                fork, job = await calm.fork(f"fork{number}", with_annotations=True, with_tags=True)
            assert killing.killed
            await job.sync()
            assert job.status == "SUCCESS"
            assert await digest(client, f"d/fork{number}") == await digest(client, "d/calm")
            assert await fork.retrieve_stats() == await calm.retrieve_stats()
    forks = "select count(*) from job where kind = 'FORK' and state = 'SUCCESS'"
    assert await made.rows(forks) == [(len(FORKING),)]
    assert await made.rows("select count(*) from version") == [(1 + len(FORKING),)]


async def test_a_fork_whose_server_never_comes_back(made: Cluster) -> None:
    """Another server takes the job over when its lease has ended: there it is not known that the first one died."""
    async with made.connect(0) as first, made.connect(1) as client:
        calm = await first.version("d/calm")
        async with made.holding("asset") as waiting:
            forking = asyncio.create_task(calm.fork("fork", with_annotations=True))
            # The first range is half done.
            await waiting()
            await made.servers[0].kill()
        forking.cancel()
        await asyncio.gather(forking, return_exceptions=True)

        async def ended() -> bool:
            return await made.rows("select state from job where kind = 'FORK'") != [("RUNNING",)]

        await until(ended)
        assert await digest(client, "d/fork") == await digest(client, "d/calm")
    assert await made.rows("select state, attempts from job where kind = 'FORK'") == [
        ("SUCCESS", 1)
    ]


@pytest.mark.slow
async def test_a_push(made: Cluster, tmp_path: Path) -> None:
    """Small files and some in parts, of which each is in S3 and in the datalake once."""
    async with made.front() as front, made.connect_by(front) as client:
        for number, point in enumerate(PUSHING):
            images = draw_images(tmp_path / f"more{number}", 12, prefix=f"more{number}")
            for index, image in enumerate(images[:2]):
                with image.open("ab") as file:
                    file.write(bytes([number, index]) * (PART // 2 + 1000))
            async with Killing(made, front, point) as killing:
                await client.push(f"d/pushed{number}", images[0].parent)
            assert killing.killed
            version = await client.version(f"d/pushed{number}")
            await version.download(tmp_path / f"pulled{number}")
            pulled = {path.name: path for path in (tmp_path / f"pulled{number}").glob("*.jpg")}
            assert sorted(pulled) == [image.name for image in images]
            for image in images:
                assert pulled[image.name].read_bytes() == image.read_bytes()
    assert await made.rows("select count(*) from data") == [(COUNT + 12 * len(PUSHING),)]


@pytest.mark.slow
async def test_an_export(made: Cluster, tmp_path: Path) -> None:
    """The file is that of an undisturbed export; a half one is nowhere."""

    async def export(client: Client, how: str, out: Path) -> bytes:
        out.mkdir()
        version = await client.version("d/calm")
        if how == "own":
            await version.export(out / "coco.json", "coco")
        else:
            await version.export_annotation_file("COCO", out)
        (file,) = [path for path in out.rglob("*") if path.is_file()]
        return file.read_bytes()

    async with made.front() as front, made.connect_by(front) as client:
        wanted = {
            how: await export(client, how, tmp_path / how) for how in ("by the server", "own")
        }
        for number, (how, point) in enumerate(EXPORTING):
            async with Killing(made, front, point):
                assert await export(client, how, tmp_path / f"out{number}") == wanted[how]
