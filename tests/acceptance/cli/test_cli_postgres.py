"""A platform over PostgreSQL by the command line: made, filled, served and looked after; and what can be wrong with it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec
import pytest
from msgspec import Struct

from tests.acceptance.cli.conftest import Drawn
from tests.support.postgres_server import fresh_database, postgres_server
from tests.support.processes.cli import Outcome, Place, headrace, running
from tests.support.processes.serving import asked, children, free_port
from tests.support.s3_server import s3_server
from tools.documents.lakes import MigrateSchemaDocument

TARGET = "postgresql://"


class Plant(Struct):
    """A database, and the place of its files, a folder or a URL; commands find both in the variables."""

    dsn: str
    files: Any
    more: dict[str, str] = {}

    @property
    def variables(self) -> dict[str, str]:
        return {"HEADRACE_DATABASE": self.dsn, "HEADRACE_OBJECTS": str(self.files), **self.more}

    def run(self, command: str, *arguments: str | Path) -> Outcome:
        outcome = headrace(*command.split(), TARGET, *arguments, **self.variables)
        assert postgres_server().password not in outcome.out + outcome.err
        return outcome

    def done(self, command: str, *arguments: str | Path) -> dict[str, Any]:
        outcome = self.run(command, *arguments, "--json")
        assert outcome.status == 0, outcome
        return outcome.json()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Plant]:
    """An empty database, and no folder yet."""
    with fresh_database("template0") as dsn:
        yield Plant(dsn, tmp_path / "files", {"XDG_STATE_HOME": str(tmp_path / "state")})


@pytest.fixture
def plant(empty: Plant) -> Plant:
    """A new platform."""
    empty.done("init")
    return empty


def test_the_main_job(plant: Plant, drawn: Drawn, tmp_path: Path) -> None:
    plant.done("push", "bccd/v1", drawn.images)
    plant.done("import", "bccd/v1", drawn.annotations)
    stats = plant.done("stats", "bccd/v1")
    assert stats["assets"] == len(drawn.coco["images"])
    assert stats["labels"] == drawn.labels
    assert plant.done("export", "bccd/v1", tmp_path / "out.json", "--to", "coco")["images"] == 12
    token = plant.done("token create", "--name", "ci")["token"]
    assert [each["name"] for each in plant.done("token list")["tokens"]] == ["ci"]
    assert plant.done("organization list")["organizations"][0]["name"] == "local"
    operations = [each["operation"] for each in plant.done("audit")["entries"]]
    assert {"add_data", "token.create"} <= {*operations}
    assert plant.done("check")["ok"] is True
    usage = plant.done("du")
    assert usage["files"] == 12
    assert usage["database_bytes"] > 0
    assert plant.done("gc", "--dry-run")["objects"] == 0
    facts = {each["name"]: each for each in plant.done("doctor")["facts"]}
    assert facts["files"]["value"] == str(plant.files)
    assert facts["schema"]["level"] == facts["files"]["level"] == "ok"
    document = plant.done("migrate-schema", "--dry-run")
    assert msgspec.convert(document, MigrateSchemaDocument, strict=True).before > 0
    server_place(plant, token, len(drawn.coco["images"]))


def server_place(plant: Plant, token: str, count: int) -> None:
    """Two processes serve it; no command line has the password, and the waits for locks are figures."""
    metrics = ("--metrics", f"127.0.0.1:{free_port()}")
    options = ("--port", "0", *metrics, "--processes", "2", "--json")
    with running("serve", TARGET, *options, **plant.variables) as command:
        ready = json.loads(command.first_line())
        secret = postgres_server().password
        for pid in [command.process.pid, *children(command.process.pid)]:
            assert secret not in Path(f"/proc/{pid}/cmdline").read_text()
        status, body = asked(ready["url"], "GET", "/readyz")
        assert (status, json.loads(body)["status"]) == (200, "ok")
        place = Place(ready["url"], plant.files, {"HEADRACE_TOKEN": token})
        for _ in range(4):
            assert place.done("stats", "bccd/v1")["assets"] == count
        where = urlsplit(ready["metrics"])
        status, body = asked(f"http://{where.netloc}", "GET", "/metrics")
        assert status == 200
        assert b'headrace_pool_wait_seconds_count{pool="read"}' in body
        command.process.send_signal(signal.SIGINT)
        outcome = command.outcome()
        assert outcome.status == 0, outcome
        assert secret not in outcome.out + outcome.err


# --- what can be wrong ------------------------------------------------------------------------------------


def changed(dsn: str, **parts: str) -> str:
    """The address with another ``user``, ``password``, ``port`` or ``name``."""
    found = urlsplit(dsn)
    user, password = parts.get("user", found.username), parts.get("password", found.password)
    port, name = parts.get("port", found.port), parts.get("name", found.path[1:])
    return f"postgresql://{user}:{password}@{found.hostname}:{port}/{name}"


class Wrong(Struct):
    """A command that fails: what is wrong with the plant, the code of its error, what the message and the cure say."""

    command: str
    spoil: Callable[[Plant], Plant]
    code: str
    message: str
    cure: str
    made: bool = True


def with_dsn(**parts: str) -> Callable[[Plant], Plant]:
    return lambda plant: Plant(changed(plant.dsn, **parts), plant.files, plant.more)


def with_parameters(text: str) -> Callable[[Plant], Plant]:
    return lambda plant: Plant(f"{plant.dsn}?{text}", plant.files, plant.more)


def statement(*texts: str) -> Callable[[Plant], Plant]:
    def spoil(plant: Plant) -> Plant:
        postgres_server().run(*texts, database=urlsplit(plant.dsn).path[1:])
        return plant

    return spoil


def other_files(plant: Plant) -> Plant:
    """The files of another platform."""
    files = plant.files.with_name("others")
    with fresh_database("template0") as dsn:
        assert headrace("init", TARGET, **Plant(dsn, files, plant.more).variables).status == 0
    return Plant(plant.dsn, files, plant.more)


def no_files(plant: Plant) -> Plant:
    return Plant(plant.dsn, plant.files.with_name("missing"), plant.more)


def full_files(plant: Plant) -> Plant:
    plant.files.mkdir()
    (plant.files / "thesis.txt").write_text("mine")
    return plant


WRONG = [
    Wrong("ls", with_dsn(port="1"), "connect", "postgresql://", ""),
    Wrong("ls", with_dsn(password="s3cret"), "configuration", "password", "PGPASSWORD"),
    Wrong("ls", with_dsn(name="nowhere"), "configuration", "no database nowhere", "createdb"),
    Wrong("ls", with_parameters("sslmode=require"), "configuration", "offers no TLS", "sslmode"),
    Wrong("ls", with_parameters("sslmode=verify-full"), "configuration", "certificate", "root.crt"),
    Wrong("ls", with_parameters("fsize=1"), "configuration", "does not know: fsize", "address"),
    Wrong("ls", lambda plant: plant, "not-a-lake", "no catalog", "headrace init", made=False),
    Wrong(
        "ls",
        statement("update schema_version set version = 999"),
        "lake-version",
        "999",
        "pip install -U headrace",
    ),
    Wrong("ls", other_files, "configuration", "files of another platform", "HEADRACE_OBJECTS"),
    Wrong("ls", no_files, "configuration", "there is no folder", "--objects"),
    Wrong("init", lambda plant: plant, "lake", "holds a platform already", "empty database"),
    Wrong("init", statement("create table mine (no int)"), "lake", "mine", "empty", made=False),
    Wrong("init", full_files, "lake", "is not empty", "empty place", made=False),
    Wrong("init", with_dsn(password="s3cret"), "configuration", "password", "", made=False),
    Wrong("serve", with_dsn(port="1"), "connect", "postgresql://", ""),
    Wrong("migrate-schema", with_dsn(name="nowhere"), "configuration", "nowhere", ""),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda each: f"{each.command} {each.message}")
def test_what_is_wrong_is_one_error_that_names_the_cure(empty: Plant, wrong: Wrong) -> None:
    if wrong.made:
        empty.done("init")
    plant = wrong.spoil(empty)
    before, tables = content(plant.files.parent), tables_of(empty.dsn)
    outcome = plant.run(wrong.command, "--json")
    assert outcome.status == 1, outcome
    error = outcome.json()["error"]
    assert error["code"] == wrong.code, error
    assert wrong.message in error["message"], error
    assert wrong.cure in (error["hint"] or ""), error
    assert "s3cret" not in outcome.out + outcome.err
    # Nothing is half-made, neither in the database nor beside it.
    assert (content(plant.files.parent), tables_of(empty.dsn)) == (before, tables)


def content(folder: Path) -> set[str]:
    """The files and folders below a folder, without those that hold state."""
    found = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    return {name for name in found if not name.startswith("state")}


def tables_of(dsn: str) -> int:
    query = "select count(*) from pg_class where relnamespace = 'public'::regnamespace"
    ((count,),) = postgres_server().run(query, database=urlsplit(dsn).path[1:])
    return int(count)


def test_nothing_is_written_into_the_files(plant: Plant, drawn: Drawn) -> None:
    """Of a platform, as of a lake: what is not its own would be garbage there."""
    plant.done("push", "bccd/v1", drawn.images)
    before = content(plant.files)
    inside = plant.files / "new"
    for command, place, *options in (
        ("pull", plant.files),
        ("pull", inside),
        ("export", inside, "--to", "coco"),
        ("sync", plant.files),
    ):
        outcome = plant.run(str(command), "bccd/v1", place, *options)
        assert outcome.status != 0, outcome
        assert "the folder of a platform's files" in outcome.err
    assert content(plant.files) == before


def test_a_user_who_may_only_read_is_refused_with_the_cure(plant: Plant, drawn: Drawn) -> None:
    name = f"reader_{uuid4().hex}"
    database = urlsplit(plant.dsn).path[1:]
    made = f"create role {name} login password 's3cret'"
    rights = f"grant select on all tables in schema public to {name}"
    postgres_server().run(made, rights, database=database)
    try:
        reading = with_dsn(user=name, password="s3cret")(plant)
        assert reading.done("ls")["versions"] == []
        outcome = reading.run("push", "bccd/v1", drawn.images, "--json")
        assert outcome.status == 1, outcome
        error = outcome.json()["error"]
        assert "has no right to do this" in error["message"]
        assert "grant the user its rights" in error["hint"]
        assert "s3cret" not in outcome.out + outcome.err
    finally:
        postgres_server().run(f"drop owned by {name}", f"drop role {name}", database=database)


def test_a_job_without_a_server_says_what_it_waits_for(plant: Plant, drawn: Drawn) -> None:
    plant.done("push", "bccd/v1", drawn.images)
    words = ("version", "fork", TARGET, "bccd/v1", "bccd/v2")
    with running(*words, **plant.variables) as command:
        line = command.first_line(errors=True)
    assert "waits for a server of postgresql://" in line
    assert "headrace serve" in line


@pytest.mark.parametrize("target", [TARGET, "postgresql://ann@db/lake"])
def test_a_backup_is_of_lakes(tmp_path: Path, target: str) -> None:
    for words in (["backup", target, tmp_path / "b"], ["restore", tmp_path / "b", target]):
        outcome = headrace(*words)
        assert outcome.status == 2, outcome
        said = " ".join(outcome.err.split())
        assert f"{target} is a database, and LAKE is a lake's folder" in said
        assert "headrace migrate copies a platform into a lake's folder" in said
    assert os.listdir(tmp_path) == []


def test_a_password_is_refused_in_a_command_line(empty: Plant) -> None:
    for words in (["ls", empty.dsn], ["token", "create", empty.dsn], ["init", empty.dsn]):
        outcome = headrace(*words)
        assert outcome.status == 2, outcome
        assert postgres_server().password not in outcome.out + outcome.err
        assert "PGPASSWORD" in outcome.err


@pytest.mark.parametrize("given", ["variables", "file"])
def test_a_password_comes_from_where_postgresql_looks(
    empty: Plant, tmp_path: Path, given: str
) -> None:
    found = urlsplit(empty.dsn)
    target = f"postgresql://{found.username}@{found.hostname}:{found.port}{found.path}"
    variables = {"XDG_STATE_HOME": str(tmp_path / "state")}
    if given == "file":
        passfile = tmp_path / "pgpass"
        passfile.write_text(f"*:*:*:{found.username}:{found.password}\n")
        passfile.chmod(0o600)
        variables["PGPASSFILE"] = str(passfile)
    else:
        variables["PGPASSWORD"] = str(found.password)
    made = headrace("init", target, "--objects", empty.files, **variables)
    assert made.status == 0, made
    assert f"Platform created: {target}" in made.out
    assert os.path.isfile(empty.files / "headrace.json")


@pytest.mark.parametrize("command", ["init", "serve", "check", "gc", "du", "doctor"])
def test_a_lake_takes_no_place_for_files(tmp_path: Path, command: str) -> None:
    outcome = headrace(command, tmp_path / "lake", "--objects", tmp_path / "files")
    assert outcome.status in (1, 2), outcome
    assert "a lake keeps its files in its folder" in outcome.err.replace("\n", " ")
    assert os.listdir(tmp_path) == []


# --- files in S3 ------------------------------------------------------------------------------------------


def in_s3(plant: Plant, url: str, **variables: str) -> Plant:
    """The same platform with its files in S3."""
    more = plant.more | s3_server().environment() | variables
    return Plant(plant.dsn, url, more)


@pytest.mark.slow
def test_the_main_job_on_s3(empty: Plant, drawn: Drawn, tmp_path: Path) -> None:
    plant = in_s3(empty, s3_server().fresh_prefix())
    plant.done("init")
    plant.done("push", "bccd/v1", drawn.images)
    plant.done("import", "bccd/v1", drawn.annotations)
    assert plant.done("stats", "bccd/v1")["labels"] == drawn.labels
    pulled = plant.done("pull", "bccd/v1", tmp_path / "pulled")
    assert (pulled["failed"], len(list((tmp_path / "pulled").iterdir()))) == (0, 12)
    assert plant.done("check")["ok"] is True
    assert plant.done("du")["objects"] >= 12


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bucket", "variables", "code", "message"),
    [
        ("no-such-bucket", {}, "configuration", "no-such-bucket"),
        ("", {"AWS_SECRET_ACCESS_KEY": "s3cret"}, "configuration", "s3://"),
        ("unreachable", {}, "connect", "the object storage http://127.0.0.1:"),
    ],
)
def test_a_wrong_store_is_one_error_and_the_database_stays_empty(
    empty: Plant, bucket: str, variables: dict[str, str], code: str, message: str
) -> None:
    url = s3_server().fresh_prefix()
    if bucket == "unreachable":
        url = f"s3://bucket/prefix?endpoint=http://127.0.0.1:{free_port()}"
    elif bucket:
        place = urlsplit(url)
        url = f"s3://{bucket}{place.path}?{place.query}"
    tables = tables_of(empty.dsn)
    outcome = in_s3(empty, url, **variables).run("init", "--json")
    assert outcome.status == 1, outcome
    error = outcome.json()["error"]
    assert error["code"] == code, error
    assert message in error["message"], error
    assert error["hint"]
    assert "s3cret" not in outcome.out + outcome.err
    assert tables_of(empty.dsn) == tables
