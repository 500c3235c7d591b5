"""Settings: arguments before the environment before the nearest file; mistakes name their place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headrace.errors import ConfigurationError
from headrace.settings import load_settings


def test_nothing_is_set_by_default(tmp_path: Path) -> None:
    settings = load_settings(folder=tmp_path, environment={})
    assert (settings.token, settings.organization, settings.max_workers) == (None, None, None)


def test_arguments_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "headrace.toml").write_text(
        'token = "file"\norganization = "file"\nmax_workers = 2\n', encoding="utf-8"
    )
    environment = {"HEADRACE_TOKEN": "environment", "HEADRACE_ORGANIZATION": "environment"}
    settings = load_settings(folder=tmp_path, environment=environment, token="argument")
    assert settings.token == "argument"
    assert settings.organization == "environment"
    assert settings.max_workers == 2


def test_the_nearest_folder_counts(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "headrace.toml").write_text("max_workers = 9\n", encoding="utf-8")
    (tmp_path / "a" / "pyproject.toml").write_text(
        "[tool.headrace]\nmax_workers = 3\n", encoding="utf-8"
    )
    assert load_settings(folder=inner, environment={}).max_workers == 3


def test_a_project_file_without_a_word_of_headrace_is_passed_over(tmp_path: Path) -> None:
    inner = tmp_path / "a"
    inner.mkdir()
    (inner / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    (tmp_path / "headrace.toml").write_text("max_workers = 9\n", encoding="utf-8")
    assert load_settings(folder=inner, environment={}).max_workers == 9


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("max_workers = 'many'\n", "headrace.toml"),
        ("max_workers = 0\n", "at least 1"),
        ("tokem = 'x'\n", "did you mean 'token'"),
        ("token = \n", "is not valid TOML"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "headrace.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=said):
        load_settings(folder=tmp_path, environment={})


def test_a_bad_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="HEADRACE_MAX_WORKERS"):
        load_settings(folder=tmp_path, environment={"HEADRACE_MAX_WORKERS": "many"})


def test_a_number_in_the_environment_is_text(tmp_path: Path) -> None:
    settings = load_settings(folder=tmp_path, environment={"HEADRACE_MAX_WORKERS": "12"})
    assert settings.max_workers == 12


def test_the_token_is_not_shown(tmp_path: Path) -> None:
    settings = load_settings(folder=tmp_path, environment={"HEADRACE_TOKEN": "hr_secret"})
    assert "hr_secret" not in repr(settings)


def test_a_relative_folder_of_the_system_for_state_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "LOCALAPPDATA" if os.name == "nt" else "XDG_STATE_HOME"
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setenv(name, "relative")
    assert load_settings(folder=tmp_path, environment={}).state_folder() == (
        tmp_path / ".local" / "state" / "headrace"
    )
    monkeypatch.setenv(name, str(tmp_path / "given"))
    assert load_settings(folder=tmp_path, environment={}).state_folder() == (
        tmp_path / "given" / "headrace"
    )
