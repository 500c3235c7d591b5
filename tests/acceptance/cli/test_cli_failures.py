"""What people do wrong most, and the line that each gets: ``failures.txt`` lists the commands and the answers.

A change of a text is made there too, so that it is seen. The lines name the real cause, and end with the cure.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.make_sample import draw_dataset
from tests.support.processes.cli import headrace, new_lake

ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
TABLE = Path(__file__).with_name("failures.txt")


def cases() -> Iterator[tuple[str, int, str]]:
    """The commands, their exit statuses and their lines."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    for command, answer in zip(lines[::2], lines[1::2], strict=True):
        status, _, text = answer.partition(" ")
        yield command.removeprefix("$ headrace "), int(status.strip("[]")), text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a person has it: images, annotations, a lake with them, and files that are damaged."""
    folder = tmp_path_factory.mktemp("work")
    images, annotations = draw_dataset(folder / "drawn", count=3)
    images.rename(folder / "images")
    annotations.rename(folder / "annotations.json")
    (folder / "empty").mkdir()
    (folder / "labels").mkdir()
    (folder / "labels" / "img_7.txt").write_text("1 0.5 0.5 0.2\n")
    (folder / "broken.json").write_text('{"images": [{"id": 1,}')
    (folder / "map.toml").write_text('[rename]\nnope = "yes"\n')
    document = json.loads((folder / "annotations.json").read_text())
    document["images"][0]["file_name"] = "unknown.png"
    (folder / "unknown.json").write_text(json.dumps(document))
    new_lake(folder / "lake")
    assert headrace("push", "lake", "demo/v1", "images", cwd=folder).status == 0
    return folder


def shown(text: str, command: str) -> str:
    """Return an answer as the table has it: in one line, without the ids that differ in every run."""
    line = text.removesuffix("\n").replace("\n", " ⏎ ")
    return re.sub(ID, lambda found: found[0] if found[0] in command else "ID", line)


@pytest.mark.parametrize(("command", "status", "text"), [*cases()])
def test_a_failure_has_its_line(folder: Path, command: str, status: int, text: str) -> None:
    before = sorted(folder.iterdir())
    outcome = headrace(*shlex.split(command), cwd=folder, HEADRACE_HOME=str(folder / "none"))
    assert (outcome.status, shown(outcome.err, command)) == (status, text)
    assert outcome.out == ""
    assert sorted(folder.iterdir()) == before


def test_the_table_is_long_enough_to_be_worth_its_name() -> None:
    found = list(cases())
    assert len(found) >= 40
    assert all(text.startswith("error: ") for _, _, text in found)
