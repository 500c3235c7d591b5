"""Names that torture file systems, up and down again, over both doors (F33)."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from zipfile import ZipFile

import msgspec
import pytest

from headrace import formats
from headrace.errors import BadRequestError, LossyWriteError
from headrace.model.enums import AnnotationFileType
from headrace.model.names import safe_parts
from headrace.sdk.client.client import Client
from tests.support.data.images import draw_images

NAMES = [
    "a.jpg", "A.jpg", "a.JPG", "é.png", unicodedata.normalize("NFD", "é.png"), "ß.jpg", "SS.jpg",
    "x" * 251 + ".jpg", "x" * 250 + "y.jpg", "blank .jpg", " lead.jpg", "CON.jpg", "con.png", "aux.jpg",
    "line\nbreak.jpg", "tab\t.jpg", "🙂.jpg", "\u202egpj.jpg", "c:drive.jpg", "back\\slash.jpg", "-rf.jpg",
    "*?<>|.jpg", "dot..jpg", "sub/a.jpg", "SUB/A.jpg", "sub.jpg/a.jpg", "~.jpg", "%41.jpg", "'\".jpg",
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of these names, each with a content of its own."""
    (drawn,) = draw_images(tmp_path / "drawn", 1)
    found = tmp_path / "torture"
    for number, name in enumerate(NAMES):
        path = found / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(drawn.read_bytes() + b"%d" % number)
    return found


def contents(folder: Path) -> dict[str, bytes]:
    found = {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }
    return {name: content for name, content in found.items() if not name.startswith(".headrace/")}


@pytest.mark.parametrize("layout", ["names", "tree"])
async def test_f33_up_and_down_again(
    client: Client, folder: Path, tmp_path: Path, layout: str
) -> None:
    """Every file arrives under a name that every system takes, and whose it is can be told."""
    up = contents(folder)
    report = await client.push("torture/v1", folder)
    assert (report.files, report.uploaded) == (len(NAMES), len(NAMES))
    version = await client.version("torture/v1")
    out = tmp_path / "out"
    for _ in range(2):
        pulled = await version.download(out, layout=layout)
        assert pulled.failed == 0
    assert pulled.skipped == len(NAMES)
    down = contents(out)
    for name in down:
        safe_parts(name)
    folded = {unicodedata.normalize("NFC", name.casefold()) for name in down}
    assert len(folded) == len(NAMES)
    names = {
        a.object_name if layout == "tree" else a.filename: a async for a in version.iter_assets()
    }
    renamed = mapped(pulled.names_file) if pulled.renamed else {}
    told = {renamed.get(str(asset.id), name): up[asset.filename] for name, asset in names.items()}
    assert told == down


async def test_f33_a_tree_goes_up_again_as_it_came_down(
    client: Client, folder: Path, tmp_path: Path
) -> None:
    await client.push("torture/v1", folder)
    first, second = tmp_path / "first", tmp_path / "second"
    await (await client.version("torture/v1")).download(first, layout="tree")
    report = await client.push("torture/v2", first)
    assert (report.files, report.transfer.failed) == (len(NAMES), 0)
    await (await client.version("torture/v2")).download(second)
    assert contents(second) == contents(first)
    assert sorted(contents(second).values()) == sorted(contents(folder).values())


@pytest.mark.parametrize(("format", "below"), [("yolo", "labels/train"), ("voc", "Annotations")])
async def test_f33_exports_call_files_as_downloads_do(
    client: Client, folder: Path, tmp_path: Path, format: str, below: str
) -> None:
    """Names that are unsafe anywhere are changed alike, so that pictures and annotations lie side by side."""
    await client.push("torture/v1", folder)
    version = await client.version("torture/v1")
    await version.set_type("OBJECT_DETECTION")
    label = await version.create_label("thing")
    ids = {}
    async for asset in version.iter_assets():
        ids[str(asset.id)] = asset.filename
        await (await asset.create_annotation()).create_rectangle(1, 2, 3, 4, label)
    pulled, out = tmp_path / "pulled", tmp_path / "out"
    downloaded = await version.download(pulled)
    report = await version.export(out, format)
    assert (report.images, report.shapes) == (len(NAMES), len(NAMES))
    down = mapped(downloaded.names_file)
    names = mapped(out / ".headrace" / "names.jsonl")
    assert {no for no, name in ids.items() if not is_safe(name)} <= {*names}
    for no, local in names.items():
        if (
            len(ids[no]) < 200
        ):  # of longer ones the label file's end needs more room than the picture's
            assert down[no] == local
        assert (out / below / local).with_suffix(".txt" if format == "yolo" else ".xml").is_file()
    (finding,) = [each for each in report.findings if each.code == "S01"]
    assert finding.count == len(names)
    with pytest.raises(LossyWriteError, match="S01"):
        await version.export(tmp_path / "strict", format, strict=True)
    assert not (tmp_path / "strict").exists()


def mapped(names: Path | str) -> dict[str, str]:
    lines = Path(names).read_bytes().splitlines()
    return {line["id"]: line["local"] for line in map(msgspec.json.decode, lines)}


def is_safe(name: str) -> bool:
    try:
        safe_parts(name)
    except BadRequestError:
        return False
    return True


@pytest.mark.lakes_only("the platform's own export is compared")
async def test_f33_the_platforms_own_file_has_all_of_them(
    client: Client, folder: Path, tmp_path: Path
) -> None:
    await client.push("torture/v1", folder)
    version = await client.version("torture/v1")
    await version.set_type("OBJECT_DETECTION")
    label = await version.create_label("thing")
    async for asset in version.iter_assets():
        await (await asset.create_annotation()).create_rectangle(1, 2, 3, 4, label)
    path = await version.export_annotation_file(AnnotationFileType.PASCAL_VOC, tmp_path / "out")
    with ZipFile(path) as packed:
        members = packed.namelist()
        lines = packed.read("names.jsonl").splitlines()
    assert len(members) == len(set(members)) == len(NAMES) + 1
    assert {msgspec.json.decode(line)["filename"] for line in lines} >= {"CON.jpg", "c:drive.jpg"}
    for name in members:
        safe_parts(name)


@pytest.mark.parametrize("format", ["yolo", "coco", "voc"])
async def test_images_of_an_export_have_names_of_their_own(
    client: Client, folder: Path, tmp_path: Path, format: str
) -> None:
    """Each image is there once, and where the annotations of the export look for it."""
    await client.push("torture/v1", folder)
    version = await client.version("torture/v1")
    report = await version.export(tmp_path / "out", format, media="copy")
    assert (report.media, report.images) == (len(NAMES), len(NAMES))
    images = {
        content: name for name, content in contents(tmp_path / "out").items() if b"JFIF" in content
    }
    assert images.keys() == set(contents(folder).values())
    assert len(images) == len(NAMES)
    if format == "voc":
        return  # Without annotations, VOC has no file that says which images there are.
    with formats.read(tmp_path / "out", format) as source:
        paths = {sample.path for sample in source}
    assert paths == set(images.values())
