"""Settings: arguments, environment, the project's file, the user's file; mistakes name their place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headrace.app_folders import config_folder
from headrace.errors import ConfigurationError, HeadraceWarning
from headrace.server.settings import ServerSettings
from headrace.settings import Settings, UndoPolicy, load_settings


def test_nothing_is_set_by_default(tmp_path: Path) -> None:
    settings = load_settings(folder=tmp_path, environment={})
    assert (settings.profile, settings.organization, settings.max_workers) == (None, None, None)


def test_each_place_wins_over_the_next(tmp_path: Path) -> None:
    user = tmp_path / "home" / "config" / "config.toml"
    user.parent.mkdir(parents=True)
    user.write_text(
        'profile = "user"\norganization = "user"\nmax_workers = 1\nundo_days = 1\n',
        encoding="utf-8",
    )
    (tmp_path / "headrace.toml").write_text(
        'profile = "file"\norganization = "file"\nmax_workers = 2\n', encoding="utf-8"
    )
    environment = {
        "HEADRACE_HOME": str(tmp_path / "home"),
        "HEADRACE_PROFILE": "environment",
        "HEADRACE_ORGANIZATION": "environment",
    }
    settings = load_settings(folder=tmp_path, environment=environment, profile="argument")
    assert settings.profile == "argument"
    assert settings.organization == "environment"
    assert settings.max_workers == 2
    assert settings.undo_days == 1


ATTACK = """
token = "hr_theirs"
state = "/tmp/planted"
trust_storage = true
public_url = "https://elsewhere.example.com"
allow_http = true
metrics = "0.0.0.0:9464"
max_workers = 3
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [("headrace.toml", ATTACK), ("pyproject.toml", "[tool.headrace]" + ATTACK)],
)
def test_a_cloned_repository_cannot_choose_what_is_personal(
    tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    inner = tmp_path / "src"
    inner.mkdir()
    for folder in (tmp_path, inner):
        with pytest.warns(HeadraceWarning) as caught:
            settings = load_settings(folder=folder, environment={"HEADRACE_HOME": str(inner)})
        assert settings == Settings(max_workers=3)
        (warning,) = caught
        said = str(warning.message)
        assert (
            f"{tmp_path / name}: allow_http, metrics, public_url, state, token, trust_storage are ignored:"
            in said
        )
        assert "headrace login URL" in said
        assert "hr_theirs" not in said


def test_a_project_cannot_shorten_what_can_be_undone(tmp_path: Path) -> None:
    def loaded(text: str) -> Settings:
        (tmp_path / "headrace.toml").write_text(text, encoding="utf-8")
        return load_settings(folder=tmp_path, environment={"HEADRACE_HOME": str(tmp_path)})

    with pytest.warns(HeadraceWarning, match="cannot lower undo_bytes, lower undo_days"):
        assert loaded("undo_days = 0\nundo_bytes = 1\nmax_workers = 2\n") == Settings(max_workers=2)
    assert loaded("undo_days = 7\nundo_bytes = 4000000000\n").undo_days == 7
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text("undo_days = 30\n", encoding="utf-8")
    with pytest.warns(HeadraceWarning, match="cannot lower undo_days"):
        assert loaded("undo_days = 8\n").undo_days == 30
    assert loaded("undo_days = 90\n").undo_days == 90
    (tmp_path / "config" / "config.toml").write_text("undo_days = 1\n", encoding="utf-8")
    assert loaded("undo_days = 2\n").undo_days == 2


def test_the_own_file_may_set_what_is_personal(tmp_path: Path) -> None:
    user = tmp_path / "config" / "config.toml"
    user.parent.mkdir()
    user.write_text('state = "/s"\ntrust_storage = true\nallow_http = true\n', encoding="utf-8")
    settings = load_settings(folder=tmp_path, environment={"HEADRACE_HOME": str(tmp_path)})
    assert settings == Settings(state="/s", trust_storage=True, allow_http=True)


def test_a_variable_with_a_slip_is_named(tmp_path: Path) -> None:
    with pytest.warns(HeadraceWarning, match="did you mean HEADRACE_TOKEN"):
        load_settings(folder=tmp_path, environment={"HEADRACE_TOKN": "x"})
    # Not near any: somebody's own, and no warning, which would be an error here.
    load_settings(folder=tmp_path, environment={"HEADRACE_VENV": "x"})


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
        ("organisation = 'x'\n", "did you mean 'organization'"),
        ("profile = \n", "is not valid TOML"),
        ("url_ttl = 0\n", "url_ttl must be at least 1"),
        ("max_body = -1\n", "max_body must be at least 1"),
        ("query_seconds = 0\n", "query_seconds must be more than 0"),
        ("stop_seconds = -0.5\n", "stop_seconds must not be negative"),
        ("ready_seconds = 0\n", "ready_seconds must be more than 0"),
        ("ready_free_bytes = -1\n", "ready_free_bytes must not be negative"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "headrace.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=said):
        load_settings(folder=tmp_path, environment={})


def test_a_server_takes_its_part_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "headrace.toml").write_text("url_ttl = 60\nundo_days = 20\n", encoding="utf-8")
    environment = {
        "HEADRACE_URL_TTL": "90",
        "HEADRACE_PUBLIC_URL": "https://data.example.com/lake",
        "HEADRACE_MAX_BODY": "2000",
    }
    settings = load_settings(folder=tmp_path, environment=environment, max_body=3000)
    assert ServerSettings.of(settings) == ServerSettings(
        url_ttl=90,
        public_url="https://data.example.com/lake",
        max_body=3000,
        undo=UndoPolicy(days=20),
    )
    assert ServerSettings.of(load_settings(folder=tmp_path, environment={})).stop_seconds == 30


def test_a_bad_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="HEADRACE_MAX_WORKERS"):
        load_settings(folder=tmp_path, environment={"HEADRACE_MAX_WORKERS": "many"})


def test_a_number_in_the_environment_is_text(tmp_path: Path) -> None:
    settings = load_settings(folder=tmp_path, environment={"HEADRACE_MAX_WORKERS": "12"})
    assert settings.max_workers == 12


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


def test_one_variable_moves_all_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path / "home"))
    assert config_folder() == tmp_path / "home" / "config"
    assert load_settings(folder=tmp_path).state_folder() == tmp_path / "home" / "state"
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("name", ["headrace.toml", "pyproject.toml"])
def test_a_pipe_or_device_in_place_of_the_file_is_not_read(tmp_path: Path, name: str) -> None:
    def loaded() -> Settings:
        return load_settings(folder=tmp_path, environment={"HEADRACE_HOME": str(tmp_path)})

    for make in (os.mkfifo, lambda path: path.symlink_to("/dev/zero")):
        make(tmp_path / name)
        if name == "pyproject.toml":
            assert loaded() == Settings()
        else:
            with pytest.raises(ConfigurationError, match="not a regular file"):
                loaded()
        (tmp_path / name).unlink()
