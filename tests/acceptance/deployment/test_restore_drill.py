"""The drill of docs/backup.md: rows from a dump, files as the bucket has them since, and everything is there again."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import headrace
from tests.support.data.images import contents, draw_images, write_coco
from tests.support.postgres_server import fresh_database, program
from tests.support.processes.cli import headrace as command
from tests.support.s3_server import fresh_prefix, s3_server

COUNT = 40


def run(dsn: str, files: str, name: str, *arguments: str | Path) -> dict[str, object]:
    """Run a command on a platform; it must end well."""
    outcome = command(
        *name.split(), "postgresql://", *arguments, "--json",
        HEADRACE_DATABASE=dsn, HEADRACE_OBJECTS=files, **s3_server().environment(),
    )  # fmt: skip
    assert outcome.status == 0, outcome
    return outcome.json()


def postgres(name: str, dsn: str, *arguments: str) -> None:
    """Run a program of PostgreSQL on a database, whose password no argument holds."""
    parts = urlsplit(dsn)
    place = ("--host", "127.0.0.1", "--port", str(parts.port), "--username", str(parts.username))
    subprocess.run(
        [program(name), *place, "--dbname", parts.path[1:], *arguments],
        env={**os.environ, "PGPASSWORD": str(parts.password)},
        check=True,
        capture_output=True,
    )


@pytest.mark.slow
async def test_a_dump_and_the_bucket_give_everything_back(tmp_path: Path) -> None:
    images = draw_images(tmp_path / "images", COUNT)
    coco = write_coco(tmp_path / "coco.json", [path.name for path in images])
    dump = tmp_path / "rows.dump"
    with fresh_prefix() as files, fresh_database("template0") as dsn:
        run(dsn, files, "init")
        run(dsn, files, "push", "drawings/v1", tmp_path / "images")
        run(dsn, files, "import", "drawings/v1", coco)
        before = run(dsn, files, "version digest", "drawings/v1")["digest"]
        postgres("pg_dump", dsn, "--format", "custom", "--file", str(dump))

        # What happens afterwards: files go, a version goes, others come, and garbage is collected.
        async with headrace.connect(dsn, objects=files) as client:
            lake = await client.get_datalake()
            for each in await lake.list_data(limit=10):
                await each.delete()
        run(dsn, files, "version delete", "drawings/v1", "--yes")
        more = draw_images(tmp_path / "more", 5, prefix="later")
        run(dsn, files, "push", "drawings/v2", more[0].parent)
        run(dsn, files, "gc")
        assert run(dsn, files, "check", "--read-data")["ok"] is True

        with fresh_database("template0") as restored:
            postgres("pg_restore", restored, "--no-owner", "--exit-on-error", str(dump))
            found = run(restored, files, "check", "--read-data")
            assert found["ok"] is True
            assert run(restored, files, "version digest", "drawings/v1")["digest"] == before
            run(restored, files, "pull", "drawings/v1", tmp_path / "back")
            assert contents(tmp_path / "back") == contents(tmp_path / "images")
            exported = run(
                restored, files, "export", "drawings/v1", tmp_path / "back.json", "--to", "coco"
            )
            assert exported["images"] == COUNT
