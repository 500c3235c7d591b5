"""`tools/demo --cluster`: from nothing to two servers over PostgreSQL and S3, and back to a lake."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import headrace
from tests.acceptance.cli.test_demo import demo


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform != "linux", reason="the servers are programs for Linux")
async def test_it_ends_with_a_lake_that_equals_the_platform(tmp_path: Path) -> None:
    done = demo(tmp_path, "--cluster")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(re.findall(r"^serving +http://127\.0\.0\.1:\d+", done.stdout, re.MULTILINE)) == 2
    found = re.search(
        r"^equal +(sha256:[0-9a-f]{64}) on both servers and in the lake (\S+)$",
        done.stdout,
        re.MULTILINE,
    )
    assert found, done.stdout
    lake = Path(found[2])
    async with headrace.connect(lake) as client:
        assert str(await (await client.version("demo/v1")).digest()) == found[1]
    assert (lake.parent / "coco.json").is_file()
    # No password, and no key of S3, in any command that was shown.
    assert not re.search(r"postgresql://[^\s@]*:", done.stdout)


def test_it_takes_no_other_option(tmp_path: Path) -> None:
    refused = demo(tmp_path, "--cluster", "--lake", "x")
    assert refused.returncode == 2
    assert "--cluster takes no other option" in refused.stderr
