"""The documentation site builds without a network, and a link that leads nowhere fails the build."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import docs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def environment() -> None:
    docs.prepare()


def build(config: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Build a site with a proxy that leads nowhere, so that nothing can be fetched."""
    command = [sys.executable, docs.__file__, "build", "-f", str(config), "-d", str(site)]
    nowhere = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    return subprocess.run(command, env=nowhere, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what the site is made from."""
    for name in ("docs", "src"):
        shutil.copytree(docs.ROOT / name, tmp_path / name)
    (tmp_path / "tools").mkdir()
    shutil.copy(docs.ROOT / "tools" / "docs_roles.py", tmp_path / "tools")
    shutil.copy(docs.ROOT / "mkdocs.yml", tmp_path)
    return tmp_path


def test_the_site_builds_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    done = build(docs.ROOT / "mkdocs.yml", tmp_path / "site")
    assert done.returncode == 0, done.stderr
    pages = sorted((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\"?https?:", text)
    assert "headrace.DatasetVersion.export" in (tmp_path / "site/reference/sdk.html").read_text()


def test_a_broken_link_fails(copy: Path) -> None:
    with (copy / "docs" / "tutorial.md").open("a") as page:
        page.write("\nSee [this](how-to/nowhere.md).\n")
    done = build(copy / "mkdocs.yml", copy / "site")
    assert done.returncode == 1
    assert "how-to/nowhere.md" in done.stderr


def test_a_broken_anchor_fails(copy: Path) -> None:
    with (copy / "docs" / "tutorial.md").open("a") as page:
        page.write("\nSee [this](security.md#no-such-heading).\n")
    done = build(copy / "mkdocs.yml", copy / "site")
    assert done.returncode == 1
    assert "no-such-heading" in done.stderr


def test_a_broken_reference_in_a_docstring_fails(copy: Path) -> None:
    module = copy / "src" / "headrace" / "sdk" / "client" / "connect.py"
    text = module.read_text(encoding="utf-8")
    position = text.index('"""', text.index("def connect("))
    module.write_text(f'{text[:position]}"""See :meth:`no_such_name`. {text[position + 3 :]}')
    done = build(copy / "mkdocs.yml", copy / "site")
    assert done.returncode == 1
    assert "no_such_name" in done.stderr
