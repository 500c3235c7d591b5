"""The address of a platform over PostgreSQL: what it says, how it is shown, and where its settings come from."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

import headrace
from headrace.errors import ConfigurationError, HeadraceWarning, LakeError, MissingExtraError
from headrace.settings import Settings, load_settings
from headrace.storage.database.dsn import has_password, is_dsn, shown_dsn
from headrace.storage.opening import PostgresTarget, postgres_target
from tests.support.lakes.templates import copy_empty

SECRETS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=5, max_size=30)


@pytest.mark.parametrize(
    ("dsn", "shown"),
    [
        ("postgresql://ann@db:5432/lake", "postgresql://ann@db:5432/lake"),
        ("postgres://ann:pw@db/lake", "postgresql://ann@db/lake"),
        ("POSTGRESQL://:pw@db/lake", "postgresql://db/lake"),
        ("postgresql://", "postgresql://"),
        ("postgresql:///lake", "postgresql:///lake"),
        ("postgresql://ann:pw@one:1,two:2/lake", "postgresql://ann@one:1,two:2/lake"),
        ("postgresql://ann@[::1]:5432/lake", "postgresql://ann@[::1]:5432/lake"),
        ("postgresql://db/lake?sslmode=require&password=pw", "postgresql://db/lake"),
        ("postgresql://ann:p/w@db/lake", "postgresql://…"),
        ("postgresql://db/lake?password=a@b", "postgresql://…"),
    ],
)
def test_an_address_is_shown_without_its_password(dsn: str, shown: str) -> None:
    assert shown_dsn(dsn) == shown


@given(secret=SECRETS, escaped=st.booleans(), place=st.sampled_from(["user", "query", "ssl"]))
def test_no_password_is_ever_shown(secret: str, escaped: bool, place: str) -> None:
    password = f"s3cret{quote(secret, safe='') if escaped else secret}"
    dsn = {
        "user": f"postgresql://ann:{password}@db:5432/lake",
        "query": f"postgresql://ann@db/lake?password={password}",
        "ssl": f"postgresql://ann@db/lake?sslmode=require&sslpassword={password}",
    }[place]
    assert is_dsn(dsn)
    assert has_password(dsn)
    target = PostgresTarget(dsn=dsn, objects=None, scratch_root=Path("scratch"))
    for text in (shown_dsn(dsn), target.name, repr(target), str(target)):
        assert "s3cret" not in text


@pytest.mark.parametrize(
    "dsn", ["postgresql://db/lake", "postgresql://ann@db/lake?sslmode=require"]
)
def test_an_address_without_a_password_has_none(dsn: str) -> None:
    assert not has_password(dsn)


@pytest.mark.parametrize("target", ["lake", "./postgresql", "sqlite:///lake", Path("lake")])
def test_other_targets_are_no_databases(target: str | Path) -> None:
    assert postgres_target(target, settings=Settings()) is None
    with pytest.raises(ConfigurationError, match="a lake keeps its files in its folder"):
        postgres_target(target, objects="files", settings=Settings())


def test_what_an_address_leaves_open_comes_from_the_settings(tmp_path: Path) -> None:
    settings = Settings(
        database="postgresql://ann:pw@db/lake", objects="s3://bucket/a", scratch=str(tmp_path)
    )
    found = postgres_target("postgresql://", settings=settings)
    assert found is not None
    assert (found.dsn, found.objects) == (settings.database, "s3://bucket/a")
    assert (found.scratch_root, found.folder) == (tmp_path, None)
    other = postgres_target(
        "postgresql://other/lake", objects=tmp_path / "files", settings=settings
    )
    assert other is not None
    assert (other.dsn, other.folder) == ("postgresql://other/lake", tmp_path / "files")


def test_a_project_cannot_say_where_the_database_is(tmp_path: Path) -> None:
    """It may have come with a repository of other people, who would be sent the password of the environment."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "headrace.toml").write_text(
        "database = 'postgresql://evil/lake'\nobjects = 's3://evil/x'\nscratch = '/tmp'\n"
    )
    with pytest.warns(HeadraceWarning, match="database, objects, scratch are ignored"):
        settings = load_settings(folder=project, environment={})
    assert (settings.database, settings.objects, settings.scratch) == (None, None, None)
    variables = {"HEADRACE_DATABASE": "postgresql://db/lake", "HEADRACE_OBJECTS": "files"}
    found = load_settings(folder=tmp_path, environment=variables)
    assert (found.database, found.objects) == ("postgresql://db/lake", "files")


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ("gs://bucket/a", "files cannot be stored at gs://bucket/a"),
        ("https://user:s3cret@host/a", "files cannot be stored at https://host/a"),
        (" ", "the place of the files is empty"),
    ],
)
def test_a_place_for_files_is_a_folder_or_s3(objects: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        postgres_target("postgresql://db/lake", objects=objects, settings=Settings())
    assert caught.value.message == message
    assert caught.value.hint == "name s3://bucket/prefix or a folder"


def test_a_setting_that_is_no_database_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigurationError, match="the setting database is no address") as caught:
        postgres_target("postgresql://", settings=Settings(database="mysql://ann:s3cret@db/lake"))
    assert "s3cret" not in str(caught.value)


def test_files_are_not_put_into_a_lake(tmp_path: Path) -> None:
    copy_empty(tmp_path / "lake")
    with pytest.raises(LakeError, match="a lake"):
        postgres_target(
            "postgresql://db/lake", objects=tmp_path / "lake" / "files", settings=Settings()
        )


@pytest.mark.parametrize(
    ("package", "target", "objects", "extra"),
    [
        ("asyncpg", "postgresql://localhost:1/lake", "files", "headrace[postgres]"),
    ],
)
async def test_a_missing_package_names_its_extra(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    package: str,
    target: str,
    objects: str,
    extra: str,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    for name in [name for name in sys.modules if name.startswith(f"{package}.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingExtraError) as caught:
        await headrace.connect(target, objects=tmp_path / objects)
    assert f"pip install '{extra}'" in str(caught.value.hint)
    assert os.listdir(tmp_path) == []


async def test_a_server_and_a_lake_know_where_their_files_are(tmp_path: Path) -> None:
    for target in ("http://127.0.0.1:1", str(tmp_path)):
        with pytest.raises(ConfigurationError, match="objects is for a database"):
            await headrace.connect(target, objects="files")
