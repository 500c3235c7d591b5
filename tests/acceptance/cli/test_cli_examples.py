"""The examples of the help pages do what they say, on a lake that holds what they name."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

import pytest

from headrace.cli.console.examples import EXAMPLES
from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import Place, headrace, new_lake
from tests.support.tiers import slow

NEEDS_MORE = (
    "https://",
    "postgresql://",
    "serve ",
    "blur.py",
    "tags.py",
    "crop",
    " ID",
    "campaign sync",
    "login ",
    "logout",
    "--profile ",
    "--reopen",
)
"""Words of examples that need a server, a program, a lake that has moved, or the id of something that was removed."""

LINES = [line for lines in EXAMPLES.values() for line in lines]
HERE = [line for line in LINES if not any(word in line for word in NEEDS_MORE)]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, drawn: Drawn) -> Path:
    """A folder with what the examples name: ``lake`` with ``bccd/v1``, ``images/``, ``annotations.json``, ``map.toml``."""
    folder = tmp_path_factory.mktemp("world")
    place = new_lake(folder / "lake")
    shutil.copytree(drawn.images, folder / "images")
    shutil.copy(drawn.annotations, folder / "annotations.json")
    (folder / "map.toml").write_text('[rename]\nbox = "parcel"\n', encoding="utf-8")
    place.done("push", "bccd/v1", folder / "images", "--tag", "night")
    place.done("import", "bccd/v1", folder / "annotations.json")
    place.done("version create", "bccd/raw")
    place.done("version create", "bccd/more")
    place.done("tag add", "bccd/v1", "dusk")
    place.done("processing add", "blur", "--command", "true")
    place.done("token create", "--name", "ci")
    place.done("backup", folder / "backups")
    place.done("organization add", "local", "ann")
    return folder


@pytest.fixture(scope="module")
def campaign(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a campaign on ``bccd/v1``, of the steps ``draw`` and ``check``."""
    folder = tmp_path_factory.mktemp("campaign") / "world"
    shutil.copytree(world, folder)
    place = Place(str(folder / "lake"), folder / "lake", {})
    place.done("campaign create", "bccd/v1")
    for step in ("draw", "check"):
        place.done("campaign add-step", "bccd/v1", step)
    place.done("campaign sync", "bccd/v1")
    return folder


@pytest.mark.parametrize(
    "line", [line if number % 4 == 0 else slow(line) for number, line in enumerate(HERE)]
)
def test_an_example_runs(world: Path, campaign: Path, tmp_path: Path, line: str) -> None:
    folder = tmp_path / "here"
    shutil.copytree(campaign if line.startswith("campaign") else world, folder)
    outcome = headrace(
        *shlex.split(line), cwd=folder, HOME=str(tmp_path), XDG_STATE_HOME=str(tmp_path / "state")
    )
    if line.split()[0] == "init" and (world / line.split()[1]).exists():
        assert "already" in outcome.err  # the first page begins where there is no lake yet
    else:
        assert outcome.status == 0, (line, outcome, os.listdir(folder))


def test_most_examples_run_here() -> None:
    assert len(HERE) > len(LINES) / 2
