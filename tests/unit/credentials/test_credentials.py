"""Which token a server gets, and which server gets a token."""

from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headrace.credentials.find import Credentials, find_credentials
from headrace.credentials.profiles import (
    Profile,
    load_profiles,
    profiles_path,
    remove_profile,
    store_profile,
)
from headrace.errors import AuthenticationError, ConfigurationError
from headrace.settings import Settings

HUB = "https://hub.example"
OTHER = "https://other.example"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HEADRACE_TOKEN", raising=False)
    return tmp_path / "home"


def stored(name: str, address: str = HUB, organization: str | None = None) -> str:
    """Store a profile; its token."""
    token = f"hr_{name}"
    store_profile(name, Profile(address=address, token=token, organization=organization))
    return token


# --- which one wins --------------------------------------------------------------------------------------


def test_the_order_of_sources() -> None:
    only = stored("hub.example", organization="vision")
    work = stored("work")
    variable = {"HEADRACE_TOKEN": " hr_variable\n"}

    found = find_credentials(HUB, api_token="hr_given", environment=variable)
    assert (found.token, found.source, found.profile) == ("hr_given", "api_token=", None)
    found = find_credentials(HUB, profile="work", environment=variable)
    assert (found.token, found.source, found.profile) == (work, "profile 'work'", "work")
    found = find_credentials(HUB, environment=variable)
    assert (found.token, found.source) == ("hr_variable", "HEADRACE_TOKEN")
    found = find_credentials(HUB, environment={}, settings=Settings(profile="work"))
    assert (found.token, found.profile) == (work, "work")
    found = find_credentials(HUB, environment={})
    assert (found.token, found.organization) == (only, "vision")


def test_an_organization_that_was_chosen_wins_over_that_of_the_profile() -> None:
    stored("work", organization="vision")
    assert find_credentials(HUB, environment={}, organization="x").organization == "x"
    settings = Settings(organization="set")
    assert find_credentials(HUB, environment={}, settings=settings).organization == "set"


def test_a_token_and_a_profile_exclude_each_other() -> None:
    stored("work")
    with pytest.raises(ConfigurationError, match="exclude each other"):
        find_credentials(HUB, api_token="hr_x", profile="work")


def test_without_any_token_all_cures_are_in_one_sentence() -> None:
    with pytest.raises(ConfigurationError) as caught:
        find_credentials(f"{HUB}/some/page?secret=x", environment={})
    assert str(caught.value) == (
        "https://hub.example needs a token (pass api_token=, set HEADRACE_TOKEN, or run:"
        " headrace login https://hub.example)"
    )


def test_several_profiles_for_a_server_are_named() -> None:
    stored("a")
    stored("b")
    with pytest.raises(ConfigurationError, match=r"several profiles are for .*: a, b"):
        find_credentials(HUB, environment={})


def test_an_unknown_profile_has_its_nearest_name() -> None:
    with pytest.raises(ConfigurationError, match="headrace login URL --profile NAME"):
        find_credentials(HUB, profile="work")
    stored("work")
    with pytest.raises(ConfigurationError, match="did you mean 'work'"):
        find_credentials(HUB, profile="wrok")


# --- which server gets it --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["http://hub.example", "https://hub.example:8443", "https://hub.example.evil.test"]
)
def test_a_profile_is_bound_to_scheme_host_and_port(address: str) -> None:
    secret = stored("work")
    settings = Settings(allow_http=True)
    with pytest.raises(ConfigurationError) as caught:
        find_credentials(address, profile="work", settings=settings)
    assert "https://hub.example" in str(caught.value)
    with pytest.raises(ConfigurationError, match="needs a token"):
        find_credentials(address, environment={}, settings=settings)
    assert secret not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["https://hub.example:443", "https://HUB.example/", HUB + "/api"]
)
def test_ways_to_write_the_same_server(address: str) -> None:
    token = stored("work")
    assert find_credentials(address, environment={}).token == token


def test_only_the_variables_that_are_meant_for_a_server_are_read() -> None:
    variables = {"HEADRACE_TOKEN": "hr_x", "PICSELLIA_TOKEN": "theirs"}
    found = find_credentials(HUB, variables=["PICSELLIA_TOKEN"], environment=variables)
    assert (found.token, found.source) == ("theirs", "PICSELLIA_TOKEN")
    with pytest.raises(ConfigurationError, match="needs a token"):
        find_credentials(HUB, variables=[], environment=variables)


@pytest.mark.parametrize(
    "address", ["http://hub.example", "http://192.168.1.5:8430", "http://127.0.0.1.evil.test"]
)
def test_no_token_crosses_the_network_in_the_clear(address: str) -> None:
    with pytest.raises(ConfigurationError, match="is not encrypted") as caught:
        find_credentials(address, api_token="hr_s3cret")
    assert "HEADRACE_ALLOW_HTTP=1" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert (
        find_credentials(address, api_token="hr_x", settings=Settings(allow_http=True)).token
        == "hr_x"
    )


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8430", "http://localhost:1", "http://[::1]:8430"]
)
def test_this_machine_needs_no_encryption(address: str) -> None:
    assert find_credentials(address, api_token="hr_x").token == "hr_x"


@pytest.mark.parametrize("token", ["", "  ", "hr_a b", "hr_a\r\nX: y", "hr_é"])
def test_what_cannot_be_a_token(token: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        find_credentials(HUB, api_token=token)
    assert not token.strip() or token not in str(caught.value)


# --- what is said ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("credentials", "hint"),
    [
        (
            Credentials(HUB, "hr_s3cret", "profile 'work'", "work"),
            "it may be revoked or expired: headrace login https://hub.example --profile work",
        ),
        (
            Credentials(HUB, "hr_s3cret", "HEADRACE_TOKEN"),
            (
                "it may be revoked or expired: correct HEADRACE_TOKEN, or unset it and run:"
                " headrace login https://hub.example"
            ),
        ),
    ],
)
def test_a_refusal_names_server_source_request_and_cure(
    credentials: Credentials, hint: str
) -> None:
    error = credentials.refused(AuthenticationError("the token was revoked", request_id="01JD9K"))
    assert error.message == (
        f"hub.example refused the token from {credentials.source} (401, request 01JD9K):"
        " the token was revoked"
    )
    assert error.hint == hint
    assert error.request_id == "01JD9K"


def test_nothing_shows_the_token() -> None:
    stored("work")
    found = find_credentials(HUB, environment={})
    assert "hr_work" not in repr(found) + repr(load_profiles())


# --- the file --------------------------------------------------------------------------------------------


def test_nothing_is_written_before_it_is_needed(home: Path) -> None:
    assert load_profiles() == {}
    assert not home.exists()


def test_the_file_is_for_its_owner_alone(home: Path) -> None:
    before = os.umask(0)
    try:
        stored("work")
        stored("second")
    finally:
        os.umask(before)
    path = profiles_path()
    assert path.parent == home / "config"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_can_open_is_refused(mode: int) -> None:
    secret = stored("work")
    profiles_path().chmod(mode)
    with pytest.raises(ConfigurationError) as caught:
        find_credentials(HUB, environment={})
    assert f"chmod 600 {profiles_path()}" in str(caught.value)
    assert secret not in str(caught.value)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        stored("second")
    profiles_path().chmod(0o600)
    assert find_credentials(HUB, environment={}).token == secret


def test_a_damaged_file_is_named_and_quoted_nowhere() -> None:
    stored("work")
    profiles_path().write_text('{"profiles": {"work": "hr_s3cret"}}')
    with pytest.raises(ConfigurationError, match="is damaged") as caught:
        load_profiles()
    assert "s3cret" not in str(caught.value)


def test_a_failed_write_leaves_the_old_file(monkeypatch: pytest.MonkeyPatch) -> None:
    stored("work")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            stored("second")
    assert list(load_profiles()) == ["work"]
    assert [each.name for each in profiles_path().parent.iterdir()] == [profiles_path().name]


def test_profiles_of_many_processes_are_all_kept() -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(stored, [f"p{number}" for number in range(16)]))
    assert len(load_profiles()) == 16


def test_a_profile_is_forgotten() -> None:
    stored("work")
    stored("second")
    remove_profile("work")
    remove_profile("work")
    assert list(load_profiles()) == ["second"]
    assert "hr_work" not in json.dumps(profiles_path().read_text())
