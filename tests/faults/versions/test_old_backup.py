"""A backup that an earlier headrace took is restored by this one.

``tests/data/backups`` holds the backups, the digests of the versions then, and the script that made them.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import headrace
from tests.support.lakes.cared import digests

DATA = Path(__file__).parents[2] / "data" / "backups"


async def test_old_backups_are_restored_and_continued(tmp_path: Path) -> None:
    with tarfile.open(DATA / "first.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    expected = json.loads((DATA / "first.json").read_text(encoding="utf-8"))
    backups = tmp_path / "backups"
    assert [each.id for each in await headrace.list_snapshots(backups)] == [*expected]
    for name, found in expected.items():
        await headrace.restore_lake(backups, tmp_path / name, snapshot=name, progress=None)
        assert await digests(tmp_path / name) == found
    report = await headrace.backup_lake(tmp_path / name, backups, keep=2, progress=None)
    assert (report.copied, report.missing_count) == (0, 0)
    assert report.removed == [next(iter(expected))]
