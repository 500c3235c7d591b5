"""What people write as a target, and what they get for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from headrace.backend.connect import open_backend
from headrace.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectError,
    HeadraceError,
    NotALakeError,
    NotFoundError,
    PermissionDeniedError,
)
from headrace.protocol.operations.session import PING, Ping
from tests.support.lakes.servers import Running, new_lake, running


@pytest.fixture
async def lake(tmp_path: Path) -> Path:
    return (await new_lake(tmp_path / "lake"))[0]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path / "served") as found:
        yield found


@pytest.mark.sqlite_only("names the file of a lake")
@pytest.mark.parametrize(
    "form", ["{}", "sqlite:///{}", "{}/headrace.db", "sqlite:///{}/headrace.db"]
)
async def test_a_lake_has_several_names(lake: Path, form: str) -> None:
    backend, ping, organization = await open_backend(form.format(lake))
    assert (ping.username, organization.name) == ("local", "local")
    assert ping.default_organization == organization.id
    assert backend.limits.extensions
    assert backend.name == str(lake)
    await backend.aclose()


async def test_a_server_answers_like_its_lake(server: Running) -> None:
    backend, ping, organization = await open_backend(server.address, api_token=server.token)
    local, local_ping, local_organization = await open_backend(server.platform.context.path)
    assert (ping, organization) == (local_ping, local_organization)
    assert backend.limits.extensions
    assert not backend.limits.whole_pixels
    assert await backend.call(PING, Ping()) == ping
    await backend.aclose()
    await local.aclose()


async def test_the_token_of_the_environment(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_TOKEN", server.token)
    backend, _, _ = await open_backend(server.address + "/")
    await backend.aclose()
    monkeypatch.setenv("HEADRACE_TOKEN", "hr_wrong")
    backend, _, _ = await open_backend(server.address, api_token=server.token)
    await backend.aclose()


async def test_without_a_token_both_cures_are_named(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEADRACE_TOKEN", raising=False)
    with pytest.raises(ConfigurationError) as caught:
        await open_backend(server.address)
    assert "api_token" in str(caught.value)
    assert "HEADRACE_TOKEN" in str(caught.value)


async def test_a_wrong_token(server: Running) -> None:
    with pytest.raises(AuthenticationError) as caught:
        await open_backend(server.address, api_token="hr_s3cret")
    assert "s3cret" not in repr(caught.value) + str(caught.value)
    with pytest.raises(ConfigurationError) as refused:
        await open_backend(server.address, api_token="hr_s3cret\r\nX: y")
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("where", ["lake", "server"])
async def test_organizations(lake: Path, server: Running, where: str) -> None:
    target, token = (lake, None) if where == "lake" else (server.address, server.token)
    backend, _, organization = await open_backend(
        target, api_token=token, organization_name="local"
    )
    await backend.aclose()
    backend, _, same = await open_backend(
        target, api_token=token, organization_id=str(organization.id), organization_name="other"
    )
    assert same == organization
    await backend.aclose()
    with pytest.raises(NotFoundError):
        await open_backend(target, api_token=token, organization_name="acme")
    with pytest.raises((NotFoundError, PermissionDeniedError)):
        await open_backend(target, api_token=token, organization_id=UUID(int=5))
    with pytest.raises(ConfigurationError, match="organization_id"):
        await open_backend(target, api_token=token, organization_id="acme")


@pytest.mark.parametrize(
    "target",
    [
        "ftp://host/lake",
        "s3://bucket",
        "sqlite://host/x",
        "sqlite:///",
        "http://",
    ],
)
async def test_targets_that_cannot_be_meant(target: str) -> None:
    with pytest.raises(ConfigurationError):
        await open_backend(target, api_token="t")


async def test_folders_that_are_no_lake(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(NotALakeError, match="headrace init"):
            await open_backend(folder)


async def test_a_server_that_is_not_there() -> None:
    with pytest.raises(ConnectError, match=r"127\.0\.0\.1:1"):
        await open_backend("http://127.0.0.1:1", api_token="t")


async def test_a_server_that_is_something_else(server: Running) -> None:
    """The files of a headrace server are no API: a wrong path prefix is dropped, a wrong host says what it is."""
    with pytest.raises(HeadraceError):
        await open_backend(server.address.replace("http://", "https://"), api_token="t")
