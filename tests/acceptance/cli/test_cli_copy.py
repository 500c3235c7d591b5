"""``headrace copy``: what it says, and its exit status."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace import blocking
from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import Place, headrace
from tests.support.processes.cli import new_lake as new_place
from tests.support.storage import on_lake


@pytest.fixture
def filled(place: Place, drawn: Drawn) -> Place:
    place.done("push", "demo/v1", drawn.images)
    place.done("import", "demo/v1", drawn.annotations)
    return place


def new_lake(path: Path) -> None:
    """A new lake to copy to, wherever the version is copied from."""
    with on_lake():
        new_place(path)


def test_a_version_is_copied_and_again(filled: Place, tmp_path: Path) -> None:
    new_lake(tmp_path / "other")
    planned = filled.run("copy", "demo/v1", tmp_path / "other", "--dry-run")
    assert planned.out.startswith("demo/v1: would copy 12 assets, 12 annotations, ")
    first = filled.run("copy", "demo/v1", tmp_path / "other")
    assert first.status == 0, first
    *_, last = first.out.splitlines()
    digest = filled.done("version digest", "demo/v1")["digest"]
    assert last == f"verified: 12 assets, demo/v1@{digest}"
    again = filled.run("copy", f"demo/v1@{digest}", tmp_path / "other")
    assert "12 assets and 12 annotations are there already, nothing to do" in again.out
    named = filled.done("copy", "demo/v1", tmp_path / "other", "named/v7", "--no-verify")
    assert (named["schema"], named["target"], named["reused"]) == (
        "headrace.copy/1",
        "named/v7",
        12,
    )
    assert (named["copied"], named["verified"], named["missing"]) == (12, 0, 0)


def test_what_is_missing_ends_with_1(filled: Place, tmp_path: Path) -> None:
    other = tmp_path / "other"
    new_lake(other)
    filled.done("copy", "demo/v1", other)
    for target in (other, filled.lake):
        with blocking.connect(target) as client:
            annotation = client.version("demo/v1").list_assets()[0].get_annotation()
            annotation.update(status="REFUSED" if target == other else "ACCEPTED")
    refused = filled.run("copy", "demo/v1", other)
    assert refused.status == 1
    assert "1 annotation changed at the target since" in refused.out
    assert filled.run("copy", "demo/v1", other, "--json").json()["missing"] == 1


@pytest.mark.folder_of_files("damages a file of the lake where it lies")
@pytest.mark.parametrize("longer", [True, False])
def test_a_damaged_file_of_the_source_is_not_copied(
    filled: Place, tmp_path: Path, longer: bool
) -> None:
    other = tmp_path / "other"
    new_lake(other)
    one, *_ = sorted((filled.lake / "objects").rglob("*.png"))
    content = one.read_bytes()
    one.write_bytes(content + b"x" if longer else content[:-1] + bytes([content[-1] ^ 1]))
    for _ in range(2):
        outcome = filled.run("copy", "demo/v1", other)
        assert outcome.status == 1
        assert "failed: scene_" in outcome.out
        with blocking.connect(other) as client:
            assert len(client.version("demo/v1").list_assets()) == 11
            assert len(client.get_datalake().list_data()) == 11
    one.write_bytes(content)
    assert filled.run("copy", "demo/v1", other).status == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo", "{lake}"], "'demo' is not a version name"),
        (["demo/v1", "{lake}", "v2"], "'v2' is not a version name"),
        (["demo/v1@sha256:0", "{lake}"], "ends in no digest"),
    ],
)
def test_wrong_names(lake: Place, arguments: list[str], message: str) -> None:
    outcome = lake.run("copy", *[each.format(lake=lake.target) for each in arguments])
    assert (outcome.status, message in outcome.err) == (2, True)


def test_one_token_is_not_sent_to_two_servers(tmp_path: Path) -> None:
    refused = headrace(
        "copy", "http://localhost:1", "d/v", "http://localhost:2", HEADRACE_TOKEN="secret-token"
    )
    assert refused.status == 1
    assert "HEADRACE_TOKEN is one token, and this copy is between two servers" in refused.err
    assert "--from-profile" in refused.err
    assert "secret-token" not in refused.err


def test_the_blocking_twin(filled: Place, tmp_path: Path) -> None:
    new_lake(tmp_path / "other")
    seen = []

    def confirm(planned: object) -> bool:
        seen.append(planned)
        return True

    with blocking.connect(filled.lake) as client:
        report = blocking.copy_version(client, "demo/v1", tmp_path / "other", confirm=confirm)
    assert (report.copied, len(seen)) == (12, 1)
    assert report.source_digest == report.target_digest
