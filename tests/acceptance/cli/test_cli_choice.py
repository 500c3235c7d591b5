"""Images chosen by name, and labels by a map, in the commands that move data; by a lake's folder and by a server."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import Place, fed, headrace

MAP = """\
drop = ["triangle"]
[merge]
shape = ["box", "disc"]
"""


@pytest.fixture
def names(drawn: Drawn) -> list[str]:
    return sorted(path.name for path in drawn.images.iterdir())


def in_version(place: Place) -> list[str]:
    files: list[str] = place.done("ls", "demo/v1", "--limit", "100")["files"]
    return sorted(files)


def categories(path: Path) -> Counter[str]:
    document = json.loads(path.read_text())
    names = {each["id"]: each["name"] for each in document["categories"]}
    return Counter(names[each["category_id"]] for each in document["annotations"])


def shapes_on(drawn: Drawn, names: list[str]) -> Counter[str]:
    """The number of drawn shapes of each label on some images."""
    ids = {each["id"] for each in drawn.coco["images"] if each["file_name"] in names}
    labels = {each["id"]: each["name"] for each in drawn.coco["categories"]}
    return Counter(
        labels[each["category_id"]] for each in drawn.coco["annotations"] if each["image_id"] in ids
    )


def test_globs_in_each_command(
    place: Place, drawn: Drawn, names: list[str], tmp_path: Path
) -> None:
    pushed = place.done("push", "demo/v1", drawn.images, "--exclude", "*_00[0-2].png")
    assert pushed["assets"] == 9
    assert in_version(place) == names[3:]
    listed = place.done("ls", "demo/v1", "--include", "*_00*", "--limit", "2")
    assert (listed["chosen"], len(listed["files"]), listed["assets"]) == (7, 2, 9)
    assert set(listed["files"]) < set(names[3:10])
    bare = place.run("ls", "demo/v1", "--exclude", "*_00*", "--quiet")
    assert sorted(bare.out.split()) == names[10:]
    assert place.done("ls", "--data", "--include", names[4])["files"] == [names[4]]
    few = ["--include", "*_00[3-9]*", "--exclude", "*_009.*", "--include", "*_011*"]
    chosen = [*names[3:9], names[11]]
    assert place.done("pull", "demo/v1", tmp_path / "out", *few)["moved"] == 7
    assert sorted(os.listdir(tmp_path / "out")) == chosen
    imported = place.done("import", "demo/v1", drawn.annotations, *few)
    (file,) = imported["files"]
    assert (file["images"], file["images_imported"]) == (7, 7)
    exported = place.done("export", "demo/v1", tmp_path / "out.json", "--format", "coco", *few)
    assert exported["images"] == 7
    assert exported["shapes"] == file["shapes_imported"]
    files = {
        each["file_name"] for each in json.loads((tmp_path / "out.json").read_text())["images"]
    }
    assert files == set(chosen)
    odd = place.run("pull", "demo/v1", tmp_path / "odd", "--include", "[a")
    assert (odd.status, odd.out) == (2, "")
    assert "'[a' is not a glob" in odd.err
    none = place.run(
        "export", "demo/v1", tmp_path / "none.json", "--format", "coco", "--include", "x"
    )
    assert none.status == 1
    assert "choose nothing" in none.err
    assert not (tmp_path / "none.json").exists()


def test_stats_of_chosen_assets(
    place: Place, drawn: Drawn, names: list[str], tmp_path: Path
) -> None:
    place.done("push", "demo/v1", drawn.images)
    place.done("import", "demo/v1", drawn.annotations)
    everything = place.done("stats", "demo/v1")
    assert place.done("stats", "demo/v1", "--include", "*") == everything
    first = place.done("stats", "demo/v1", "--include", "*_00[0-4].*")
    rest = place.done("stats", "demo/v1", "--exclude", "*_00[0-4].*")
    assert (first["assets"], first["annotations"], rest["assets"]) == (5, 5, 7)
    assert Counter(first["labels"]) == shapes_on(drawn, names[:5])
    assert Counter(rest["labels"]) == shapes_on(drawn, names[5:])
    assert first["shapes"] + rest["shapes"] == everything["shapes"]
    both = place.run(
        "stats", "demo/v1", "-q", f'filename = "{names[1]}"', "--include", "*_00[0-4].*"
    )
    assert both.out.startswith("demo/v1: 1 asset chosen, 1 annotation, ")
    listed = tmp_path / "names.txt"
    listed.write_text(f"{names[2]}\nnone.png\n")
    part = place.run("stats", "demo/v1", "--files-from", listed, "--json")
    assert part.status == 1
    assert Counter(part.json()["labels"]) == shapes_on(drawn, names[2:3])
    assert part.json()["names_not_found"] == {"count": 1, "examples": ["none.png"]}
    assert place.done("stats", "demo/v1", "--include", "x")["shapes"] == 0


def test_a_list_of_names_from_a_file_and_from_a_pipe(
    lake: Place, drawn: Drawn, names: list[str], tmp_path: Path
) -> None:
    listed = tmp_path / "names.txt"
    listed.write_text(f"\ufeff./{names[0]}\r\n{names[1]}\n\nnone.png", encoding="utf-8")
    pushed = lake.run("push", "demo/v1", drawn.images, "--files-from", listed, "--json")
    assert pushed.status == 1
    report = pushed.json()
    assert (report["assets"], report["names_not_found"]) == (
        2,
        {"count": 1, "examples": ["none.png"]},
    )
    assert in_version(lake) == names[:2]

    # Without folders, names are paths, as find writes them.
    folder = tmp_path / "some" / "sub"
    folder.mkdir(parents=True)
    odd = "new\nline.png"
    for name, source in (("a.png", names[2]), (odd, names[3])):
        shutil.copy(drawn.images / source, folder / name)
    paths = b"".join(os.fsencode(f"./sub/{name}") + b"\0" for name in ("a.png", odd))
    paths += os.fsencode(drawn.images / names[4]) + b"\0"
    outcome = fed(
        paths,
        "push",
        lake.target,
        "demo/v2",
        "--files-from",
        "-",
        "-0",
        "--json",
        cwd=tmp_path / "some",
    )
    assert outcome.status == 0, outcome
    files: list[str] = lake.done("ls", "demo/v2")["files"]
    assert sorted(files) == sorted([names[4], "sub/a.png", f"sub/{odd}"])

    outcome = fed(
        names[1].encode(), "pull", lake.target, "demo/v1", tmp_path / "out", "--files-from", "-"
    )
    assert outcome.status == 0, outcome
    assert os.listdir(tmp_path / "out") == [names[1]]


def test_a_list_that_cannot_be_read(lake: Place, drawn: Drawn, tmp_path: Path) -> None:
    gone = lake.run("push", "demo/v1", drawn.images, "--files-from", tmp_path / "gone")
    assert gone.status == 2
    assert "--files-from" in gone.err
    assert "no such file" in gone.err
    alone = lake.run("push", "demo/v1", drawn.images, "-0")
    assert alone.status == 2
    assert "--files-from" in alone.err


def test_a_label_map_in_each_command(place: Place, drawn: Drawn, tmp_path: Path) -> None:
    labels = tmp_path / "map.toml"
    labels.write_text(MAP)
    want = {"shape": drawn.labels["box"] + drawn.labels["disc"]}
    place.done("push", "demo/v1", drawn.images)
    (file,) = place.done("import", "demo/v1", drawn.annotations, "--labels", labels)["files"]
    assert (file["labels"], file["labels_created"]) == (want, ["shape"])
    assert file["shapes_dropped"] == drawn.labels["triangle"]
    assert place.done("stats", "demo/v1")["labels"] == want

    place.done("import", "demo/v1", drawn.annotations)
    out = tmp_path / "out.json"
    exported = place.done("export", "demo/v1", out, "--format", "coco", "--labels", labels)
    assert exported["labels"] == want
    assert exported["shapes_dropped"] == drawn.labels["triangle"]
    assert categories(out) == want

    converted = headrace(
        "convert",
        drawn.annotations,
        tmp_path / "two.json",
        "--to",
        "coco",
        "--labels",
        labels,
        "--json",
    )
    assert converted.json()["labels"] == want
    assert categories(tmp_path / "two.json") == want


def test_mistakes_in_a_label_map(lake: Place, drawn: Drawn, tmp_path: Path) -> None:
    labels = tmp_path / "map.toml"
    labels.write_text('drop = ["triangl"]')
    lake.done("push", "demo/v1", drawn.images)
    lake.done("import", "demo/v1", drawn.annotations)
    dst = tmp_path / "out"
    for line in (
        ["export", lake.target, "demo/v1", dst, "--format", "coco"],
        ["import", lake.target, "demo/v1", drawn.annotations],
        ["convert", drawn.annotations, dst, "--to", "coco"],
    ):
        said = headrace(*line, "--labels", labels)
        assert said.status == 1
        assert "did you mean 'triangle'?" in said.err
        assert not dst.exists()
    assert lake.done("stats", "demo/v1")["labels"] == drawn.labels
    missing = headrace(
        "convert", drawn.annotations, dst, "--to", "coco", "--labels", tmp_path / "no.toml"
    )
    assert missing.status == 1
    assert "no.toml: no such file" in missing.err


def test_an_interrupted_import_is_not_continued_with_another_map(
    lake: Place, drawn: Drawn, tmp_path: Path
) -> None:
    labels = tmp_path / "map.toml"
    lake.done("push", "demo/v1", drawn.images)
    for name in ("one", "two"):
        labels.write_text(f'[rename]\nbox = "{name}"')
        lake.done("import", "demo/v1", drawn.annotations, "--labels", labels)
        assert name in lake.done("stats", "demo/v1")["labels"]
