"""The blocking twin where people call it (F43): a plain script, a running loop, threads, a forked child, a left-open client."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headrace import blocking
from headrace.errors import ConfigurationError, NotALakeError
from tests.support.data.images import draw_images, write_coco

NAMES = [f"image_{index:04d}.jpg" for index in range(6)]


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    draw_images(tmp_path / "images", 6)
    blocking.create_lake(tmp_path / "lake")
    with blocking.connect(tmp_path / "lake") as client:
        client.push("drawings/first", tmp_path / "images")
    return tmp_path / "lake"


@pytest.fixture
def version(lake: Path) -> Iterator[blocking.DatasetVersion]:
    with blocking.connect(lake) as client:
        yield client.version("drawings/first")


def test_the_main_job(lake: Path, tmp_path: Path) -> None:
    client = blocking.connect(str(lake))
    version = client.version("drawings/first")
    file = write_coco(tmp_path / "in.json", NAMES)
    counts = version.import_annotations_coco_file(file)
    assert sum(counts.values()) == version.retrieve_stats().nb_objects
    assert version.export(tmp_path / "out.json").images == 6
    assert version.download(tmp_path / "files").moved == 6
    assert version.digest().assets == 6
    assert [label.name for label in version.list_labels()] == ["cat", "dog", "car", "never used"]
    assert len(version.load_annotations()) == 6
    assert sum(len(each.polygons) for each in version.iter_annotations()) == 7
    client.close()


def test_lists_and_handles_are_blocking_ones(version: blocking.DatasetVersion) -> None:
    assets = version.list_assets(order_by=["filename"])
    assert isinstance(assets, blocking.MultiAsset)
    assert isinstance(assets[0], blocking.Asset)
    assert isinstance(assets[1:3], blocking.MultiAsset)
    assert [asset.filename for asset in assets] == NAMES
    assert [asset.filename for asset in version.iter_assets(order_by=["filename"])] == NAMES
    assert assets[0] in assets
    assert len(assets[:2] + assets[1:4]) == 4
    tag = version.create_asset_tag("t")
    assert tag.attach_on(assets[:2]) == 2
    assert tag.attach_on([assets[2], assets[3]]) == 2
    assert {a.id for a in version.list_assets(tags=tag)} == {a.id for a in assets[:4]}
    assert {tag} == set(assets[0].get_tags())
    assert isinstance(assets[0].get_data(), blocking.Data)
    assert version.find_asset(data=assets[0].get_data()) == assets[0]
    del assets[0]
    assets.append(version.find_asset(filename=NAMES[0]))
    assert [asset.filename for asset in assets] == [*NAMES[1:], NAMES[0]]
    assert repr(version).startswith("DatasetVersion('drawings/first'")


def test_an_iterator_that_is_left_half_way(version: blocking.DatasetVersion) -> None:
    for asset in version.iter_assets():
        assert asset.filename == NAMES[-1]
        break
    assert len(version.list_assets()) == 6


def test_errors_arrive_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(NotALakeError, match="headrace init"):
        blocking.connect(tmp_path)


async def test_inside_a_running_loop(lake: Path) -> None:
    """As in a notebook or a request handler that is ``async`` but calls blocking code."""
    with blocking.connect(lake) as client:
        assert len(client.version("drawings/first").list_assets()) == 6
        elsewhere = asyncio.to_thread(client.version, "drawings/first")
        assert (await elsewhere).version == "first"


def test_several_threads_at_once(version: blocking.DatasetVersion) -> None:
    with ThreadPoolExecutor(8) as pool:
        labels = list(pool.map(lambda _: version.get_or_create_label("same").id, range(16)))
        walks = list(pool.map(lambda _: len(list(version.iter_assets())), range(8)))
    assert len(set(labels)) == 1
    assert walks == [6] * 8


def test_a_call_from_a_callback_is_refused(
    version: blocking.DatasetVersion, tmp_path: Path
) -> None:
    """It would wait for the very loop that it holds up."""
    with pytest.raises(ConfigurationError, match="callback"):
        version.download(tmp_path / "out", progress=lambda _: version.sync())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_goes_on_with_what_it_inherited(version: blocking.DatasetVersion) -> None:
    """As in a data loader's worker: the same handles work, in the child and afterwards in the parent."""
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.SimpleQueue[list[str]] = context.SimpleQueue()

    def work() -> None:
        answers.put([asset.filename for asset in version.iter_assets(order_by=["filename"])])

    children = [context.Process(target=work) for _ in range(2)]
    for child in children:
        child.start()
    assert [answers.get() for _ in children] == [NAMES, NAMES]
    for child in children:
        child.join(30)
        assert child.exitcode == 0
    assert len(version.list_assets()) == 6


def script(text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(text), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_script_that_closes_nothing_ends_quietly(lake: Path) -> None:
    done = script(
        """
        import sys
        from headrace import blocking
        client = blocking.connect(sys.argv[1])
        print(len(client.version("drawings/first").list_assets()))
        """,
        str(lake),
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "6\n", "")


def test_an_error_in_a_with_block_is_the_one_that_is_seen(lake: Path) -> None:
    done = script(
        """
        import sys
        from headrace import blocking
        with blocking.connect(sys.argv[1]) as client:
            raise SystemExit(client.version("drawings/first").version)
        """,
        str(lake),
    )
    assert (done.returncode, done.stderr) == (1, "first\n")


def test_any_operation_by_name(version: blocking.DatasetVersion, lake: Path) -> None:
    with blocking.connect(lake) as client:
        page = client.request("list_assets", version_id=version.id, limit=2).record
        assert (len(page.items), page.count) == (2, 6)


def test_an_interrupt_ends_the_call_and_the_process(lake: Path, tmp_path: Path) -> None:
    """Ctrl-C in the middle of a push: the process ends, what is in the lake is sound, the next push goes on."""
    # So many that the signal comes before the end, however quick the push is.
    draw_images(tmp_path / "many", 1500)
    text = """
        import sys
        from headrace import blocking
        client = blocking.connect(sys.argv[1])
        client.push("d/v", sys.argv[2], progress=lambda event: print(event.done, flush=True))
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(text), str(lake), str(tmp_path / "many")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while int(process.stdout.readline()) < 20:
        continue
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert errors.rstrip().endswith("KeyboardInterrupt")
    with blocking.connect(lake) as client:
        report = client.push("d/v", tmp_path / "many")
        assert report.uploaded + report.reused == 1500
        assert report.reused > 0
        assert len(client.version("d/v").list_assets()) == 1500
        assert len(client.get_datalake().list_data()) == 1500
