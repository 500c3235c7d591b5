"""Generated pages are fresh, reference pages are complete, and links and paths lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml

import headrace
from headrace import formats, processing
from headrace.cli.app import COMMANDS, SUBCOMMANDS
from headrace.platform.filters.fields import asset_fields, data_fields
from headrace.protocol.operations import OPERATIONS
from headrace.server.settings import ServerSettings
from headrace.settings import Settings
from headrace.storage.database.dialect import SQLITE
from tools import make_api_table, make_cli_page

ROOT = Path(__file__).resolve().parents[3]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [ROOT / "README.md", *DOCS]
SOURCE = ROOT / "src" / "headrace"
FILE = re.compile(r"`([\w.-]+(?:/[\w.-]+)+\.(?:py|md|sql|sh|lock|toml))`")
FOREIGN = ("pycocotools/", "picsellia_annotations/", "common/")
"""Files of other projects that pages name."""


def test_the_home_page_leads_to_every_page() -> None:
    home = ROOT / "docs" / "index.md"
    linked = set(re.findall(r"\]\(([\w/-]+\.md)\)", home.read_text(encoding="utf-8")))
    assert linked == {str(page.relative_to(home.parent)) for page in DOCS if page != home}


@pytest.mark.parametrize("tool", ["make_api_table", "make_cli_page"])
def test_made_pages_are_fresh(tool: str) -> None:
    script = ROOT / "tools" / f"{tool}.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_stale_page_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (make_api_table, make_cli_page):
        monkeypatch.setattr(module, "page", cache(module.page))
        monkeypatch.setattr(module, "PAGE", tmp_path / "page.md")
        assert module.main(["--check"]) == 1
        assert module.main([]) == 0
        assert module.main(["--check"]) == 0
        (tmp_path / "page.md").write_text("old")
        assert module.main(["--check"]) == 1


def test_every_operation_and_command_has_its_line() -> None:
    operations = (ROOT / "docs" / "reference" / "operations.md").read_text()
    assert not [name for name in OPERATIONS if f"`{name}`:" not in operations]
    commands = (ROOT / "docs" / "reference" / "cli.md").read_text()
    pairs = [f"{family} {name}" for family, (*_, names) in SUBCOMMANDS.items() for name in names]
    assert not [one for one in [*COMMANDS, *pairs] if f"## headrace {one}\n" not in commands]


def test_the_query_page_names_every_field() -> None:
    page = (ROOT / "docs" / "reference" / "query.md").read_text()
    own = [name for name in asset_fields(SQLITE) if not name.startswith("data.")]
    missing = [
        name
        for name in [*data_fields(SQLITE), *own]
        if f"`{name}`" not in page and f"`{name}.<key>`" not in page
    ]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    gone = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not gone


def test_the_readme_names_commands_that_exist() -> None:
    used = re.findall(
        r"^\$ (?:\w+=\S+ )?headrace (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    assert used
    assert set(used) <= {*COMMANDS, *SUBCOMMANDS}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    named = [name for name in FILE.findall(page.read_text()) if not name.startswith(FOREIGN)]
    assert not [name for name in named if not any((at / name).is_file() for at in (ROOT, SOURCE))]


def test_the_architecture_page_names_folders_that_exist() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    folders = re.findall(r"`((?:[a-z_0-9]+/)+)`", page)
    assert folders
    assert not [name for name in folders if not any((at / name).is_dir() for at in (ROOT, SOURCE))]
    layers = re.search(r"\n## Layers\n(.*?)\n## ", page, re.DOTALL)
    assert layers
    packages = {path.stem for path in SOURCE.iterdir() if path.suffix in ("", ".py")}
    packages -= {"__init__", "__main__", "__pycache__", "_version", "py"}
    assert not [name for name in sorted(packages) if f"`{name}`" not in layers[1]]


def test_the_navigation_lists_every_page() -> None:
    def files(entries: list[dict[str, object]]) -> list[str]:
        found: list[str] = []
        for entry in entries:
            for value in entry.values():
                found += files(value) if isinstance(value, list) else [str(value)]
        return found

    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in DOCS]
    assert sorted(files(config["nav"])) == sorted(pages)


def test_the_reference_has_every_public_name() -> None:
    reference = ROOT / "docs" / "reference"
    sdk = (reference / "sdk.md").read_text()
    elsewhere = {"HeadraceError", "__version__", "blocking", "errors", "formats"}
    names = [name for name in headrace.__all__ if name not in elsewhere]
    assert not [name for name in names if f"::: headrace.{name}\n" not in sdk]
    page = (reference / "formats-api.md").read_text()
    names = [name for name in formats.__all__ if not name.endswith("Keywords")]
    assert not [name for name in names if f"::: headrace.formats.{name}\n" not in page]
    page = (reference / "processing-api.md").read_text()
    names = processing.__all__
    assert not [name for name in names if f"::: headrace.processing.{name}\n" not in page]
    page = (reference / "testing-api.md").read_text()
    modules = [path.stem for path in (SOURCE / "testing").glob("[a-z]*.py")]
    assert not [name for name in modules if f"::: headrace.testing.{name}\n" not in page]


def test_the_settings_page_names_every_setting_and_variable() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    sources = "".join(path.read_text() for path in SOURCE.rglob("*.py"))
    variables = set(re.findall(r"\b((?:HEADRACE|PICSELLIA)_[A-Z][A-Z_]*[A-Z])\b", sources))
    variables |= {f"HEADRACE_{name.upper()}" for name in Settings.__struct_fields__}
    fields = {*Settings.__struct_fields__, *ServerSettings.__struct_fields__}
    assert not [name for name in sorted(variables | fields) if f"`{name}`" not in page]
