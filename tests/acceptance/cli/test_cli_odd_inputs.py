"""Odd inputs get a clear answer with a cure, hang nothing, and one bad file never stops the others."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import Outcome, Place, headrace

POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)


@pytest.fixture
def image(drawn: Drawn) -> Path:
    return min(drawn.images.iterdir())


def failures(outcome: Outcome) -> dict[str, str]:
    """The message for each file that failed, from a report or an error."""
    found = json.loads(outcome.out)
    listed = found.get("failures") or found.get("error", {}).get("failures", [])
    return {each["name"]: each["message"] for each in listed}


def fifo(path: Path) -> None:
    os.mkfifo(path)


def sock(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # the path of a socket may be 107 bytes long
    try:
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(path.name)
    finally:
        os.chdir(here)


def pointer(path: Path) -> None:
    path.write_text(POINTER)


def empty(path: Path) -> None:
    path.touch()


def nowhere(path: Path) -> None:
    path.symlink_to("gone")


def circle(path: Path) -> None:
    path.symlink_to(path.name)


def refused(path: Path) -> None:
    path.symlink_to("x" * 300)


def outside(path: Path) -> None:
    other = path.parent.parent / "other.png"
    shutil.copy(path.parent / "good.png", other)
    path.symlink_to("../other.png")


ODD: dict[str, tuple[Callable[[Path], None], str]] = {
    "fifo": (fifo, "named pipe"),
    "socket": (sock, "socket"),
    "pointer": (pointer, "git lfs pull"),
    "empty": (empty, "is empty"),
    "nowhere": (nowhere, "leads nowhere"),
    "circle": (circle, "leads in circles"),
    "refused": (refused, "too long"),
    "outside": (outside, "--follow-links"),
}


@pytest.mark.parametrize("what", ODD)
def test_a_bad_file_in_a_pushed_folder(lake: Place, image: Path, what: str, tmp_path: Path) -> None:
    make, words = ODD[what]
    folder = tmp_path / "in"
    folder.mkdir()
    shutil.copy(image, folder / "good.png")
    make(folder / "odd.png")
    for more in (["--dry-run"], [], ["--on-error", "skip"]):
        done = lake.run("push", "demo/v1", folder, *more, "--json")
        assert done.status == 1
        (message,) = failures(done).values()
        assert words in message
        assert [*failures(done)] == ["odd.png"]
    assert lake.done("ls", "demo/v1")["files"] == ["good.png"]
    text = lake.run("push", "demo/v1", folder, "--on-error", "skip")
    assert words in text.out


@pytest.mark.parametrize("what", ["fifo", "socket", "pointer", "nowhere", "circle"])
@pytest.mark.parametrize("command", ["convert", "import"])
def test_a_bad_annotation_file(
    lake: Place, image: Path, command: str, what: str, tmp_path: Path
) -> None:
    make, words = ODD[what]
    lake.done("push", "demo/v1", image)
    path = tmp_path / "odd.json"
    make(path)
    line = [path, tmp_path / "out.json", "--to", "coco"]
    if command == "import":
        line = [lake.target, "demo/v1", path]
    for more in ([], ["--from", "coco"]):
        done = headrace(command, *line, *more)
        assert (done.status, done.out) == (1, "")
        assert words.replace("--follow-links", "") in done.err
        assert "Traceback" not in done.err


def test_links_that_are_asked_for_are_read_and_circles_end(
    lake: Place, image: Path, drawn: Drawn, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    (folder / "sub.png").mkdir(parents=True)  # a folder that is called like an image
    shutil.copy(image, folder / "sub.png" / "a.png")
    (folder / "b.png").symlink_to(image)
    (folder / "c.png").symlink_to("sub.png/a.png")
    (folder / "again").symlink_to("sub.png")
    (folder / "circle").symlink_to(".")
    (folder / "up").symlink_to("..")
    (folder / "linked").symlink_to(drawn.images)
    refused = lake.run("push", "demo/v1", folder, "--on-error", "skip", "--json")
    assert refused.status == 1
    report = refused.json()
    assert (report["assets"], report["failed"], report["links"]) == (2, 1, 2)
    assert sorted(lake.done("ls", "demo/v1")["files"]) == ["c.png", "sub.png/a.png"]
    shutil.rmtree(tmp_path / "lake2", ignore_errors=True)
    (folder / "up").unlink()
    followed = lake.done("push", "demo/v2", folder, "--follow-links")
    assert (followed["assets"], followed["links"]) == (3 + len(list(drawn.images.iterdir())), 0)


def test_a_name_that_is_no_text(lake: Place, image: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    shutil.copy(image, folder / "good.png")
    shutil.copy(image, os.fsencode(folder) + b"/caf\xe9.png")
    done = lake.run("push", "demo/v1", folder, "--json")
    assert done.status == 1
    assert "rename the file" in failures(done)["caf\udce9.png"]
    assert "caf\\udce9.png" in lake.run("push", "demo/v1", folder).err
    again = lake.run("push", "demo/v1", folder, "--retry-failed", "--json")
    assert [*failures(again)] == ["caf\udce9.png"]
    assert lake.done("ls", "demo/v1")["files"] == ["good.png"]


def test_names_as_long_as_they_can_be_and_with_dots_and_blanks(
    lake: Place, image: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    names = {"n" * 251 + ".png", "a. .png", " b..png", "c .png"}
    for number, name in enumerate(sorted(names)):
        (folder / name).write_bytes(image.read_bytes() + bytes(number))
    assert lake.done("push", "demo/v1", folder)["assets"] == 4
    assert lake.done("pull", "demo/v1", tmp_path / "out")["moved"] == 4
    assert len(os.listdir(tmp_path / "out")) == 4


def test_a_url_is_no_lake_and_a_bad_name_no_version(
    lake: Place, image: Path, tmp_path: Path
) -> None:
    for url in ("http://example.org/lake?token=SECRET", "s3://bucket/lake"):
        done = headrace("init", url, cwd=tmp_path)
        assert done.status == 2
        assert "headrace serve" in done.err
        assert "SECRET" not in done.err
    assert headrace("init", "", cwd=tmp_path).status == 2
    assert [path.name for path in tmp_path.iterdir()] == ["lake"]
    for name in ("a/b/c", "a//v1", "/v1", "a/", " /v1", "a/ v1", "v1"):
        done = lake.run("push", name, image)
        assert done.status == 2, name
        assert "write dataset/version" in done.err.lower()
    assert lake.done("ls")["versions"] == []


def test_an_image_that_sizes_are_read_from_is_a_pointer(drawn: Drawn, tmp_path: Path) -> None:
    folder = tmp_path / "yolo"
    assert headrace("convert", drawn.annotations, folder, "--to", "yolo").status == 0
    (folder / "image-sizes.jsonl").unlink()
    shutil.copytree(drawn.images, folder / "images" / "train", dirs_exist_ok=True)
    pointer(folder / "images" / "train" / min(drawn.images.iterdir()).name)
    done = headrace("convert", folder, tmp_path / "out.json", "--to", "coco")
    assert done.status == 1
    assert "git lfs pull" in done.err


def test_urls_are_no_images_unless_asked_for(lake: Place, image: Path, tmp_path: Path) -> None:
    url = "https://files.example/a.png?sig=SECRET"
    listed = tmp_path / "list"
    listed.write_text(f"{url}\n")
    for line in ([url], [image, url], ["--files-from", listed]):
        done = lake.run("push", "demo/v1", *line)
        assert done.status == 1
        assert "--fetch-urls" in done.err
        assert "SECRET" not in done.err
    assert lake.done("ls")["versions"] == []
    inner = "http://127.0.0.1:1/a.png?sig=SECRET"
    done = lake.run("push", "demo/v1", image, inner, "--fetch-urls", "--json")
    assert done.status == 1
    (failure,) = done.json()["error"]["failures"]
    assert (failure["name"], failure["code"]) == ("http://127.0.0.1:1/a.png", "refused-url")
    assert "SECRET" not in done.out
    assert lake.done("ls", "demo/v1")["files"] == [image.name]


def test_a_file_that_cannot_be_pulled_stops_no_other(
    lake: Place, drawn: Drawn, tmp_path: Path
) -> None:
    lake.done("push", "demo/v1", drawn.images)
    next((lake.lake / "objects").rglob("*.png")).unlink()
    line = ["demo/v1", tmp_path / "out", "--json"]
    failed = lake.run("pull", *line)
    assert failed.status == 1
    assert failed.json()["error"]["code"] == "partial-transfer"
    assert len(failures(failed)) == 1
    skipped = lake.run("pull", *line, "--on-error", "skip")
    assert skipped.status == 1
    assert (skipped.json()["skipped"], skipped.json()["failed"]) == (11, 1)
    assert failures(skipped).keys() == failures(failed).keys()
    assert "failed:" in lake.run("pull", *line[:2], "--on-error", "skip").out
