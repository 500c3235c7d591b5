"""Pages that follow from code are the code's; links lead somewhere; the README shows what runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from headrace.cli.app import COMMANDS, FAMILIES
from headrace.platform.filters.fields import ASSET_FIELDS, DATA_FIELDS
from headrace.protocol.operations import OPERATIONS
from tools import make_api_table, make_cli_page

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("tool", ["make_api_table", "make_cli_page"])
def test_made_pages_are_fresh(tool: str) -> None:
    script = ROOT / "tools" / f"{tool}.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_stale_page_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (make_api_table, make_cli_page):
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
    pairs = [f"{family} {name}" for family, (*_, names) in FAMILIES.items() for name in names]
    assert not [one for one in [*COMMANDS, *pairs] if f"## headrace {one}\n" not in commands]


def test_the_query_page_names_every_field() -> None:
    page = (ROOT / "docs" / "reference" / "query.md").read_text()
    own = [name for name in ASSET_FIELDS if not name.startswith("data.")]
    missing = [
        name
        for name in [*DATA_FIELDS, *own]
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
    assert set(used) <= {*COMMANDS, *FAMILIES}
