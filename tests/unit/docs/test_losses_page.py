"""The page of losses is what the formats declare."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import make_loss_table


def test_the_page_is_fresh() -> None:
    assert make_loss_table.main(["--check"]) == 0


def test_a_stale_page_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_loss_table, "PAGE", tmp_path / "losses.md")
    assert make_loss_table.main(["--check"]) == 1
    assert make_loss_table.main([]) == 0
    assert make_loss_table.main(["--check"]) == 0
    assert make_loss_table.main(["--nonsense"]) == 2


def test_it_says_what_each_format_cannot() -> None:
    page = make_loss_table.page()
    assert "to **COCO**: track" in page
    assert "polygon (its box)" in page
