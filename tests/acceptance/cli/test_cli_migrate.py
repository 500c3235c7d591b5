"""``headrace migrate``: a lake into PostgreSQL and back, in the words of the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from headrace.storage.database.dsn import shown_dsn
from tests.acceptance.cli.conftest import Drawn
from tests.support.postgres_server import fresh_database
from tests.support.processes.cli import Outcome, Place, headrace
from tools.make_json_page import DOCUMENTS

DATABASE = "postgresql://"


@pytest.fixture
def dsn() -> Iterator[str]:
    with fresh_database("template0") as address:
        yield address


def fits(outcome: Outcome, form: str = "headrace.migrate/1") -> None:
    msgspec.convert(outcome.json(), DOCUMENTS[form], strict=True)


def test_there_and_back(lake: Place, drawn: Drawn, dsn: str, tmp_path: Path) -> None:
    lake.done("push", "demo/v1", drawn.images)
    lake.done("import", "demo/v1", drawn.annotations)
    digest = lake.run("version digest", "demo/v1", "--quiet").out
    files, back = tmp_path / "files", tmp_path / "back"
    variables = {"HEADRACE_DATABASE": dsn, "HEADRACE_OBJECTS": str(files)}

    planned = headrace("migrate", lake.lake, DATABASE, "--dry-run", **variables)
    assert re.search(r"\d+ rows and 12 files \(.*\) would be copied to postgresql://", planned.out)
    assert not files.exists()

    moved = headrace("migrate", lake.lake, DATABASE, **variables)
    assert moved.status == 0, moved
    assert re.search(r"\d+ rows and 12 files .* moved to postgresql://", moved.out)
    assert re.search(r"both sides have the digest sha256:[0-9a-f]{64}", moved.out)
    assert "is only read from now on" in moved.out
    fits(headrace("migrate", lake.lake, DATABASE, "--json", **variables))
    there = headrace("version", "digest", DATABASE, "demo/v1", "--quiet", **variables)
    assert there.out == digest

    # Every later command on the lake names the new address, and one that writes is refused.
    read = headrace("ls", lake.lake)
    assert read.status == 0
    assert f"has moved to {shown_dsn(dsn)}" in read.err
    written = headrace("push", lake.lake, "demo/v2", drawn.images)
    assert written.status == 1
    assert f"has moved to {shown_dsn(dsn)}" in written.err
    assert f"headrace migrate {lake.lake} --reopen" in written.err

    copied = headrace("migrate", DATABASE, back, **variables)
    assert copied.status == 0, copied
    assert headrace("check", back, "--read-data").status == 0
    assert headrace("version", "digest", back, "demo/v1", "--quiet").out == digest

    reopened = headrace("migrate", lake.lake, "--reopen", "--json")
    fits(reopened, "headrace.migrate/1 (--reopen)")
    assert headrace("push", lake.lake, "demo/v2", drawn.images).status == 0

    password = dsn.partition("//")[2].partition(":")[2].partition("@")[0]
    said = [planned, moved, there, read, written, copied, reopened]
    assert not [each for each in said if password in each.out + each.err]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["LAKE"], "DST is missing"),
        (["LAKE", "other"], "one of SRC and DST must be a lake's folder"),
        ([DATABASE, DATABASE], "one of SRC and DST must be a lake's folder"),
        (["LAKE", DATABASE, "--reopen"], "--reopen takes a lake alone"),
        (["LAKE", "postgresql://me:secret@db/x"], "was given with its password"),
    ],
)
def test_wrong_words(lake: Place, arguments: list[str], message: str) -> None:
    refused = headrace("migrate", *(lake.lake if each == "LAKE" else each for each in arguments))
    assert refused.status == 2
    assert message in refused.err
    assert "secret" not in refused.err


def test_what_is_wrong_is_one_line_with_a_cure(lake: Place, tmp_path: Path) -> None:
    nowhere = "postgresql://me@127.0.0.1:1/x"
    for arguments, message in (
        ([lake.lake, nowhere], "needs a place for its files"),
        ([lake.lake, nowhere, "--objects", tmp_path / "files"], "cannot be reached"),
        ([nowhere, tmp_path / "new", "--objects", tmp_path / "files"], "cannot be reached"),
        ([tmp_path / "none", nowhere, "--objects", tmp_path / "files"], "there is no lake"),
        ([lake.lake, "--reopen"], "has not moved"),
    ):
        refused = headrace("migrate", *arguments, "--json")
        assert refused.status == 1, refused
        assert message in json.loads(refused.out)["error"]["message"]
        assert json.loads(refused.out)["error"]["hint"]
    assert not (tmp_path / "files").exists()
    assert not (tmp_path / "new").exists()
