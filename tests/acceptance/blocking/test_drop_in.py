"""The official client's names: what a script finds after ``picsellia`` became ``headrace.blocking`` in its imports."""

from __future__ import annotations

import ast
import asyncio
import inspect
import sysconfig
from importlib import import_module
from pathlib import Path

import pytest

from headrace import blocking, errors
from headrace.blocking import exceptions
from headrace.blocking.types import enums, schemas
from headrace.credentials.profiles import Profile, store_profile
from headrace.model.records import VersionStats
from tests.support.lakes.servers import running

OFFICIAL = Path(sysconfig.get_paths()["purelib"]) / "picsellia"
OURS = Path(blocking.__file__).parent

# The classes of the official client that cannot be raised here: models, experiments, deployments, charts.
ELSEWHERE = {
    "BadConfigurationContinuousTrainingError",
    "ContextDataNotDefined",
    "ContextSourceNotDefined",
    "CustomMetadataSchemaUpdateError",
    "MonitorError",
    "MonitoringConnectionError",
    "NoBaseExperimentError",
    "NoBaseModelVersionError",
    "NoShadowModel",
    "PredictionError",
}


def classes(module: str) -> dict[str, ast.ClassDef]:
    """The classes of an official module; it is read, not imported."""
    tree = ast.parse((OFFICIAL / module).with_suffix(".py").read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def test_every_error_has_its_name() -> None:
    official = classes("exceptions").keys()
    assert set(exceptions.__all__) | ELSEWHERE == set(official)
    for name in exceptions.__all__:
        assert issubclass(getattr(exceptions, name), Exception)


def test_errors_are_caught_by_either_name(tmp_path: Path) -> None:
    blocking.create_lake(tmp_path / "lake")
    with blocking.connect(tmp_path / "lake") as client:
        for kind in (
            exceptions.ResourceNotFoundError,
            errors.NotFoundError,
            exceptions.PicselliaError,
        ):
            with pytest.raises(kind):
                client.get_dataset("none")
        client.create_dataset("one")
        with pytest.raises(exceptions.ResourceConflictError):
            client.create_dataset("one")
        version = client.get_dataset("one").create_version("v")
        with pytest.raises(exceptions.NoDataError):
            version.list_annotations()
        with pytest.raises(exceptions.FileNotFoundException):
            version.import_annotations_coco_file(tmp_path / "none.json")
        (tmp_path / "bad.json").write_text("{")
        with pytest.raises(exceptions.UnparsableAnnotationFileException):
            version.import_annotations_coco_file(tmp_path / "bad.json")


@pytest.mark.parametrize("name", enums.__all__)
def test_enumerations_have_the_official_members(name: str) -> None:
    node = classes("types/enums")[name]
    members = {
        target.id: ast.literal_eval(each.value)
        for each in node.body
        if isinstance(each, ast.Assign)
        for target in each.targets
        if isinstance(target, ast.Name)
    }
    ours = getattr(enums, name)
    assert {member.name: member.value for member in ours} == members
    for member in ours:
        assert ours.parse(member.name.lower()) is member


def test_schemas_have_official_names() -> None:
    assert set(schemas.__all__) <= classes("types/schemas").keys()
    assert schemas.DatasetVersionStats is VersionStats


@pytest.mark.parametrize(
    "path", sorted((OURS / "sdk").glob("[a-z]*.py")), ids=lambda path: path.stem
)
def test_modules_are_called_as_the_official_ones(path: Path) -> None:
    module = import_module(f"headrace.blocking.sdk.{path.stem}")
    assert set(module.__all__) <= classes(f"sdk/{path.stem}").keys()
    for name in module.__all__:
        assert getattr(module, name) is getattr(blocking._generated, name)


def test_the_package_shows_the_official_names() -> None:
    tree = ast.parse((OFFICIAL / "__init__.py").read_text(encoding="utf-8"))
    official = {
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        and node.module
        and node.module.startswith("picsellia.sdk")
        for alias in node.names
    }
    have = {name for name in official if hasattr(blocking._generated, name)}
    assert have <= set(blocking.__all__)
    assert {"Asset", "DatasetVersion", "Rectangle", "Worker"} <= have


def test_the_client_is_made_as_the_official_one() -> None:
    (made,) = [
        node for node in classes("client")["Client"].body
        if isinstance(node, ast.FunctionDef) and node.name == "__init__"
    ]  # fmt: skip
    official = [argument.arg for argument in made.args.args]
    ours = inspect.signature(blocking.Client.__init__).parameters
    assert [name for name, one in ours.items() if one.kind is not one.KEYWORD_ONLY] == official
    assert ast.literal_eval(made.args.defaults[3]) == blocking.client.HOST


async def test_where_a_client_connects_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEADRACE_TOKEN", "PICSELLIA_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    async with running(tmp_path / "served") as server:

        def names(**given: str) -> tuple[str, bool]:
            with blocking.Client(host=server.address, **given) as client:
                client.sync()
                (user,) = client.list_users()
                return client.name, user.username == client.username

        def all_ways() -> None:
            assert names(api_token=server.token) == ("local", True)
            assert names(api_token=server.token, organization_name="local") == ("local", True)
            with pytest.raises(exceptions.ResourceNotFoundError, match="other"):
                names(api_token=server.token, organization_name="other")
            with pytest.raises(errors.ConfigurationError, match="needs a token"):
                names()
            monkeypatch.setenv("PICSELLIA_TOKEN", server.token)
            assert names() == ("local", True)
            monkeypatch.setenv("HEADRACE_TOKEN", "wrong")
            with pytest.raises(exceptions.UnauthorizedError, match="token from HEADRACE_TOKEN"):
                names()

        await asyncio.to_thread(all_ways)


async def test_the_default_host_gets_only_a_token_that_is_meant_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PICSELLIA_TOKEN", raising=False)
    async with running(tmp_path / "served") as server:
        monkeypatch.setenv("HEADRACE_TOKEN", server.token)
        monkeypatch.setattr(blocking.client, "HOST", server.address)

        def opened(**given: str) -> str:
            with blocking.Client(**given) as client:
                return client.username

        def all_ways() -> None:
            with pytest.raises(errors.ConfigurationError, match="needs a token"):
                opened()
            store_profile("work", Profile(address=server.address, token=server.token))
            assert opened() == "local"
            assert opened(profile="work") == "local"
            monkeypatch.setattr(blocking.client, "HOST", "https://nobody.invalid")
            assert opened(profile="work") == "local"
            with pytest.raises(errors.ConfigurationError, match="is for http://127"):
                opened(profile="work", host="https://nobody.invalid")
            monkeypatch.setattr(blocking.client, "HOST", server.address)
            monkeypatch.setenv("PICSELLIA_TOKEN", "wrong")
            with pytest.raises(exceptions.UnauthorizedError, match="token from PICSELLIA_TOKEN"):
                opened()

        await asyncio.to_thread(all_ways)


def test_a_lake_is_a_host_too(tmp_path: Path) -> None:
    blocking.create_lake(tmp_path / "lake")
    with blocking.Client(host=tmp_path / "lake") as client:
        assert client.list_datasets() == []
        (user,) = client.list_users()
        dataset = client.create_dataset("one")
        dataset.add_user(user, "admin")
        assert dataset.list_users() == [user]
    with pytest.raises(errors.ConfigurationError, match="session"):
        blocking.Client(host=str(tmp_path / "lake"), session=object())  # type: ignore[arg-type]
