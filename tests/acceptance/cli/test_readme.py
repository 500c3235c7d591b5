"""The README, the tutorial and how-tos: every command and script runs in order and prints what the page shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import docs_run

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        pytest.param("docs/tutorial.md", marks=pytest.mark.slow),
        pytest.param("docs/how-to/bring-your-data.md", marks=pytest.mark.slow),
        pytest.param("docs/how-to/convert.md", marks=pytest.mark.slow),
        pytest.param("docs/how-to/run-processings.md", marks=pytest.mark.slow),
        pytest.param("docs/how-to/use-without-await.md", marks=pytest.mark.slow),
    ],
)
def test_the_page_shows_what_its_commands_print(page: str, tmp_path: Path) -> None:
    """Where only the wording changed: ``tools/python tools/docs_run.py PAGE`` writes it into the page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    assert docs_run.in_clone(text, tmp_path) == text


def test_another_output_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```console\n$ echo one\ntwo\n```\n\n```python\nprint(3)\n```\n\n```text\n4\n```\n"
    )
    assert docs_run.main(["--check", str(page)]) == 1
    assert docs_run.main([str(page)]) == 0
    assert page.read_text().count("two") == page.read_text().count("4") == 0
    assert docs_run.main(["--check", str(page)]) == 0


def test_an_ellipsis_stands_for_any_text() -> None:
    shown = "Serving … (Ctrl-C stops)\n"
    assert docs_run._kept(shown, "Serving lake (Ctrl-C stops)\n") == shown
    assert docs_run._kept(shown, "Serving lake\n") == "Serving lake\n"


def test_a_script_that_fails_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(docs_run.PageError, match="ValueError"):
        docs_run.run_page("```python\nraise ValueError\n```\n", tmp_path)


def test_the_page_shows_the_processing() -> None:
    page = (ROOT / "docs" / "how-to" / "run-processings.md").read_text(encoding="utf-8")
    assert (ROOT / "examples" / "tag_crowded.py").read_text(encoding="utf-8") in page
