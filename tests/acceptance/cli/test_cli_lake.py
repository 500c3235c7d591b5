"""The commands that look after a lake: what they print, what they promise, what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.cli.conftest import Drawn
from tests.acceptance.cli.test_json_documents import fits
from tests.support.processes.cli import Place, headrace


@pytest.fixture
def filled(lake: Place, drawn: Drawn) -> Path:
    lake.done("push", "demo/v1", drawn.images)
    lake.done("import", "demo/v1", drawn.annotations)
    return Path(lake.target)


def test_json_is_what_the_page_promises(filled: Path, tmp_path: Path) -> None:
    for words in (
        ("gc", filled),
        ("gc", filled, "--dry-run"),
        ("du", filled),
        ("backup", filled, tmp_path / "backups"),
        ("backup", filled, tmp_path / "backups", "--dry-run"),
        ("restore", tmp_path / "backups", tmp_path / "again"),
        ("doctor",),
        ("doctor", filled),
    ):
        fits(headrace(*words, "--json"), f"headrace.{words[0]}/1")
    listed = headrace("restore", tmp_path / "backups", "--list", "--json")
    fits(listed, "headrace.restore/1 (--list)")
    assert len(listed.json()["snapshots"]) == 1


def test_a_backup_and_its_restore(filled: Path, tmp_path: Path) -> None:
    backups, again = tmp_path / "backups", tmp_path / "again"
    taken = headrace("backup", filled, backups)
    assert taken.status == 0
    assert taken.out.startswith("Snapshot 20")
    assert "were copied" in taken.out
    rows = headrace("restore", backups, "--list", "--quiet").out.split()
    assert len(rows) == 1
    restored = headrace("restore", backups, again, "--snapshot", rows[0][:15])
    assert (restored.status, f"from snapshot {rows[0]}" in restored.out) == (0, True)
    one, two = (headrace("version", "digest", each, "demo/v1").out for each in (filled, again))
    assert one == two
    refused = headrace("restore", backups, again)
    assert (refused.status, "is a lake already" in refused.err) == (1, True)
    assert headrace("restore", backups).status == 2
    assert headrace("backup", filled, backups, "--keep", "0").status == 2


def test_what_the_lake_has_lost_fails_the_backup(filled: Path, tmp_path: Path) -> None:
    lost = next(path for path in (filled / "objects").rglob("*.png"))
    lost.unlink()
    taken = headrace("backup", filled, tmp_path / "backups")
    assert taken.status == 1
    assert "1 file that the lake does not have" in taken.out
    assert lost.relative_to(filled / "objects").as_posix() in taken.out


def test_du_names_versions(filled: Path) -> None:
    shown = headrace("du", filled).out
    assert "demo/v1:" in shown
    assert "database" in shown


def test_gc_of_a_clean_lake_and_a_wrong_age(filled: Path) -> None:
    assert headrace("gc", filled).out == "nothing to delete\n"
    assert headrace("gc", filled, "--older-than", "yesterday").status == 2
    refused = headrace("gc", filled, "--older-than", "0.5h")
    assert (refused.status, "--older-than" in refused.err) == (1, True)


def test_the_doctor_shows_no_secret(filled: Path) -> None:
    secret = "hr_" + "s3cr3t" * 5
    shown = headrace("doctor", filled, HEADRACE_TOKEN=secret, HEADRACE_HOME=str(filled.parent))
    assert shown.status == 0
    assert "HEADRACE_TOKEN" in shown.out
    assert secret not in shown.out + shown.err
    filled.chmod(0o755)
    facts = headrace("doctor", filled, "--json").json()["facts"]
    (folder,) = [each for each in facts if each["name"] == f"permissions of {filled.name}"]
    assert (folder["level"], "chmod" in folder["advice"]) == ("unsafe", True)
    assert json.dumps(facts).count("headrace") > 0
    assert headrace("doctor", filled.parent / "missing").status == 1
