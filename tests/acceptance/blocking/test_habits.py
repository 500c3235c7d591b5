"""What scripts of the official client count on: with ``headrace.blocking.Client``, and not with ``connect``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from headrace import blocking
from headrace.blocking import exceptions
from headrace.blocking.exif import exif_metadata
from headrace.blocking.sdk.annotation import MultiAnnotation
from headrace.blocking.sdk.asset import MultiAsset
from headrace.blocking.sdk.data import Data, MultiData
from headrace.blocking.services.error_manager import ErrorManager
from headrace.blocking.types.enums import InferenceType, JobStatus
from headrace.errors import JobFailedError, StorageError
from headrace.platform.versions import fork
from tests.support.lakes.servers import running

NAMES = ["0.png", "1.png", "2.png", "3.png"]


@pytest.fixture
def images(tmp_path: Path) -> list[str]:
    (tmp_path / "images").mkdir()
    for number, name in enumerate(NAMES):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / "images" / name)
    return [str(tmp_path / "images" / name) for name in NAMES]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[blocking.Client]:
    blocking.create_lake(tmp_path / "lake")
    with blocking.Client(api_token="any", host=str(tmp_path / "lake")) as opened:
        yield opened


@pytest.fixture
def version(client: blocking.Client, images: list[str]) -> blocking.DatasetVersion:
    version = client.create_dataset("d").create_version("v")
    version.add_data(client.get_datalake().upload_data(images))
    return version


def test_nothing_is_an_error(client: blocking.Client, version: blocking.DatasetVersion) -> None:
    lake, assets = client.get_datalake(), version.list_assets()
    calls: dict[str, Callable[[], Any]] = {
        "no assets": lambda: version.list_assets(q='filename = "none"'),
        "no ids": lambda: version.list_assets(ids=[]),
        "no data": lambda: lake.list_data(filenames=["none"]),
        "no annotations": version.list_annotations,
        "an empty slice": lambda: assets[:0],
        "half of nothing": lambda: assets[:1].split(0.1),
        "a list of nothing": lambda: MultiAsset(version.connection, version.id, []),
        "cleared": assets.clear,
        "popped": assets[:1].pop,
        "nothing sent": lambda: lake.upload_data([]),
        "one ratio": lambda: version.split_into_multi_assets([1]),
        "no campaign": version.get_campaign,
    }
    for name, call in calls.items():
        with pytest.raises(exceptions.NoDataError):
            print(name, call())


def test_connect_has_no_habits(tmp_path: Path, images: list[str]) -> None:
    blocking.create_lake(tmp_path / "lake")
    with blocking.connect(tmp_path / "lake") as client:
        lake = client.get_datalake()
        assert len(lake.list_data()) == 0
        assert isinstance(lake.upload_data(images[:1]), MultiData)
        version = client.create_dataset("d").create_version("v")
        assert len(version.list_assets()) == 0
        version.add_data(lake.list_data())
        assets = version.list_assets()
        assert len(assets[:0]) == 0
        assets.clear()
        assert assets.items == []
        assert len(version.synchronize(tmp_path / "images")) == 0
        with pytest.raises(exceptions.BadRequestError) as caught:
            version.find_asset()
        assert not isinstance(caught.value, AssertionError)


@pytest.mark.parametrize(
    ("builtin", "call"),
    [
        (AssertionError, lambda version: version.find_asset()),
        (AssertionError, lambda version: version.add_tags([])),
        (AssertionError, lambda version: version.synchronize("no such folder")),
        (ValueError, lambda version: version.add_data([])),
        (ValueError, lambda version: version.fork("")),
        (ValueError, lambda version: version.train_test_split(1.5)),
        (ValueError, lambda version: version.train_test_val_split([1.0])),
        (ValueError, lambda version: version.create_campaign().sync_assets()),
        (ValueError, lambda version: version.create_campaign().add_step("x", "CREATION")),
    ],
)
def test_refusals_are_the_builtin_errors_too(
    version: blocking.DatasetVersion,
    builtin: type[Exception],
    call: Callable[[blocking.DatasetVersion], Any],
) -> None:
    with pytest.raises(builtin):
        call(version)


def test_what_calls_return(
    client: blocking.Client, version: blocking.DatasetVersion, images: list[str], tmp_path: Path
) -> None:
    lake = client.get_datalake()
    assert isinstance(lake.upload_data(images[:1]), Data)
    assert isinstance(lake.upload_data(images[:2]), MultiData)
    (tmp_path / "empty").mkdir()
    missing = version.synchronize(str(tmp_path / "empty"))
    assert sorted(asset.filename for asset in missing) == NAMES
    assert version.synchronize(str(tmp_path / "images")) is None
    read = version.sync()
    assert (read["version"], read["id"], read["tags"]) == ("v", str(version.id), [])
    assert client.sync()["name"] == client.name


def test_a_failed_job_is_a_status_or_an_error(
    version: blocking.DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(fork.ForkWork, "write", fail)
    with pytest.raises(JobFailedError, match="the disk is full"):
        version.fork("waited")
    _, job = version.fork("asked", wait=False)
    assert job.wait_for_done() == JobStatus.FAILED


def test_lists_behave_as_theirs(client: blocking.Client, version: blocking.DatasetVersion) -> None:
    assets = version.list_assets()
    assert [len(part) for part in assets.split(0.7)] == [3, 1]
    assert assets.split(0.5)[0].items == assets.items[:2]
    assert assets == assets.items[::-1]
    assert assets != assets.items[:2]
    two = MultiAsset(client.connection, version.id, assets.items[:2])
    assert two == assets[:2]
    assert len(two + assets[2]) == 3
    two += assets[3]
    assert len(two) == 3
    assets.sort(key=lambda asset: asset.filename)
    assert [asset.filename for asset in assets] == NAMES
    assert assets[0].ids == [assets[0].id]
    assert assets.target_type == assets[0].target_type == "ASSET"
    assert assets[0].connexion == client.connection
    assets[0].create_annotation()
    made = MultiAnnotation(client.connection, version.id, version.list_annotations().items)
    assert made.dataset_version_id == version.id
    data = MultiData(client.connection, client.get_datalake().id, [assets[0].get_data()])
    assert data[0].filename == "0.png"


def test_an_error_manager_collects(
    client: blocking.Client, images: list[str], tmp_path: Path
) -> None:
    lake, errors = client.get_datalake(), ErrorManager()
    (tmp_path / "odd.xyz").write_bytes(b"odd")
    gone = str(tmp_path / "gone.png")
    sent = lake.upload_data(
        [*images[:2], gone], None, None, 4, errors, [{"n": 1}, {"n": 2}, {"n": 3}]
    )
    assert [(each.filename, each.metadata) for each in sent] == [
        ("0.png", {"n": 1}),
        ("1.png", {"n": 2}),
    ]
    (error,) = errors.errors
    assert isinstance(error, exceptions.UploadError)
    assert error.path == gone
    errors.clear()
    with pytest.raises(exceptions.NothingDoneError):
        lake.upload_data(gone, error_manager=errors)
    assert errors.has_errors()
    sized = lake.upload_data(str(tmp_path / "odd.xyz"), sizes=(30, 20))
    assert (sized.width, sized.height) == (30, 20)
    real = lake.upload_data(images[2], sizes=[(30, 20)])
    assert (real.width, real.height) == (8, 8)


def test_folders_hold_what_was_asked_for(
    version: blocking.DatasetVersion, client: blocking.Client, tmp_path: Path
) -> None:
    version.set_type("OBJECT_DETECTION")
    label = version.create_label("a")
    for asset in version.list_assets():
        asset.create_annotation().create_rectangle(1, 1, 3, 3, label)

    def left(name: str, call: Callable[[str], Any]) -> list[str]:
        (tmp_path / name).mkdir()
        call(str(tmp_path / name))
        return sorted(str(p.relative_to(tmp_path / name)) for p in (tmp_path / name).rglob("*"))

    assets = version.list_assets()
    assert left("version", version.download) == NAMES
    assert left("assets", assets.download) == NAMES
    assert left("asset", assets[0].download) == [assets[0].filename]
    assert left("data", client.get_datalake().list_data().download) == NAMES
    assert left("synchronized", lambda path: version.synchronize(path, True)) == NAMES
    xml = [name.replace(".png", ".xml") for name in NAMES]
    assert left("voc", version.build_pascal_voc_locally) == xml
    for kind in ("COCO", "YOLO", "PASCAL_VOC"):
        exported = left(kind, lambda path, kind=kind: version.export_annotation_file(kind, path))
        assert len([name for name in exported if "." in name]) == 1, exported
    # A second time nothing more appears.
    version.download(str(tmp_path / "version"))
    assert sorted(path.name for path in (tmp_path / "version").iterdir()) == NAMES


SCRIPT = """
import sys
from headrace.blocking import Client
used = Client(api_token=sys.argv[2], host=sys.argv[1])
used.list_datasets()
dropped = Client(api_token=sys.argv[2], host=sys.argv[1])
del dropped
never_closed = Client(api_token=sys.argv[2], host=sys.argv[1])
"""


@pytest.mark.parametrize("kind", ["lake", "http"])
async def test_a_client_that_is_never_closed_leaves_no_word(tmp_path: Path, kind: str) -> None:
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    async with running(tmp_path / "lake") as server:
        host = server.address if kind == "http" else str(tmp_path / "lake")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "always", str(tmp_path / "script.py"), host, server.token),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
    assert (process.returncode, out, err) == (0, b"", b"")


def test_enumerations_read_texts_as_theirs(version: blocking.DatasetVersion) -> None:
    assert InferenceType.validate("object_detection") is InferenceType.OBJECT_DETECTION
    assert InferenceType.values()[0] == "NOT_CONFIGURED"
    for call in (lambda: InferenceType.validate("none"), lambda: version.set_type("none")):
        with pytest.raises(TypeError, match="unknown InferenceType 'none'"):
            call()


def test_what_is_missing_is_an_official_error_too(
    client: blocking.Client, version: blocking.DatasetVersion, images: list[str], tmp_path: Path
) -> None:
    lake = client.get_datalake()
    for given in (tmp_path / "none.png", [images[0], tmp_path / "none.png"]):
        with pytest.raises(exceptions.NothingDoneError, match="no such file") as caught:
            lake.upload_data(given)
        assert isinstance(caught.value, FileNotFoundError)
    asset = version.list_assets()[0]
    assert (asset.large, asset.duration) == (True, 0)
    annotation = asset.create_annotation()
    with pytest.raises(exceptions.BadRequestError, match="not a point"):
        annotation.create_point([1, 2, 3], version.create_label("a"))


def test_exif_tags_become_metadata(client: blocking.Client, tmp_path: Path) -> None:
    exif = Image.Exif()
    for tag, value in {
        0x0132: "2024:05:06 07:08:09",
        0x013B: "Ann",
        0x011A: 72.0,
        0x0128: 2,
        0x0103: 6,
        0x010F: "Maker",
        0xA001: 1,
    }.items():
        exif[tag] = value
    Image.new("RGB", (8, 6)).save(tmp_path / "a.jpg", exif=exif)
    Image.new("RGB", (8, 6)).save(tmp_path / "b.png")
    (tmp_path / "c.txt").write_text("no image")
    lake = client.get_datalake()
    data = lake.upload_data(tmp_path / "a.jpg", fill_metadata=True, metadata={"acquired_by": "me"})
    assert data.metadata == {
        "acquired_at": "2024-05-06T07:08:09",
        "acquired_by": "me",
        "resolution_x": 72.0,
        "resolution_unit": "inches",
        "compression": "JPEG (old-style)",
        "manufacturer": "Maker",
        "color_space": "1",
    }
    assert lake.upload_data(tmp_path / "b.png", fill_metadata=True).metadata is None
    assert exif_metadata(tmp_path / "c.txt") == {}
