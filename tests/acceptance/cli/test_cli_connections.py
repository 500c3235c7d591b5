"""headrace calls nobody: commands connect to the server that the person named, and to nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import Place, environment

RECORD = """
import json, sys
sys.modules["uvloop"] = None  # its connections are made outside of Python, where no hook sees them
seen = []
def hook(event, arguments):
    if event == "socket.connect":
        seen.append(["connect", arguments[1]])
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        name = arguments[0]
        seen.append(["name", name.decode() if isinstance(name, bytes) else name])
    elif event in ("socket.sendto", "urllib.Request", "http.client.connect"):
        seen.append([event, str(arguments)])
sys.addaudithook(hook)
from headrace.cli import main
status = main(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    json.dump({"status": status, "seen": seen}, file, default=str)
"""


def connections(place: Place, folder: Path, *words: str | Path) -> set[tuple[str, ...]]:
    """Where a command connects to, and the names that it looks up."""
    report = folder / "seen.json"
    subprocess.run(
        [sys.executable, "-c", RECORD, str(report), *map(str, words)],
        env=environment(**place.variables),
        cwd=folder,
        capture_output=True,
        check=True,
    )
    found = json.loads(report.read_text())
    assert found["status"] == 0, words
    return {(kind, json.dumps(where)) for kind, where in found["seen"]}


@pytest.mark.folder_of_files("files on S3 come from there, not from the server")
@pytest.mark.parametrize("place", ["lake", "http"], indirect=True)
def test_only_the_target_is_connected_to(place: Place, drawn: Drawn, tmp_path: Path) -> None:
    lines: list[tuple[str | Path, ...]] = [
        ("--help",),
        ("push", place.target, "demo/v1", drawn.images),
        ("import", place.target, "demo/v1", drawn.annotations),
        ("pull", place.target, "demo/v1", tmp_path / "out"),
        ("export", place.target, "demo/v1", tmp_path / "a.json", "--to", "coco"),
        ("convert", drawn.annotations, tmp_path / "voc", "--to", "voc"),
        ("stats", place.target, "demo/v1"),
    ]
    seen = {each for line in lines for each in connections(place, tmp_path, *line)}
    if place.target.startswith("http"):
        url = urlsplit(place.target)
        assert ("connect", json.dumps([url.hostname, url.port])) in seen
        allowed = {
            ("connect", json.dumps([url.hostname, url.port])),
            ("name", json.dumps(url.hostname)),
        }
        assert seen <= allowed
    else:
        assert seen == set()
