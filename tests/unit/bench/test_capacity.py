"""The capacity model: its page is what it prints, and the slowest resource decides."""

import re
from dataclasses import replace

import pytest

from bench import capacity
from bench.capacity import CONSTANTS, PAGE, PLANTS, TABLES, WORK, duration, estimate, filled, main

SMALL, MEDIUM, _ = PLANTS


def test_the_page_has_the_tables_that_the_program_prints() -> None:
    """Where this fails: ``tools/python -m bench.capacity --write``."""
    text = PAGE.read_text(encoding="utf-8")
    assert filled(text) == text
    assert set(re.findall(r"<!-- capacity: (\w+) -->", text)) == set(TABLES)


def test_a_constant_that_changes_changes_the_page(monkeypatch) -> None:
    text = PAGE.read_text(encoding="utf-8")
    slower = replace(CONSTANTS["client.import"], value=10 * CONSTANTS["client.import"].value)
    monkeypatch.setitem(capacity.CONSTANTS, "client.import", slower)
    assert filled(text) != text


def test_a_page_without_a_place_for_a_table_is_refused() -> None:
    with pytest.raises(ValueError, match="0 places for the table plants"):
        filled("# A page")


def test_every_constant_is_used_and_says_where_it_was_measured() -> None:
    assert all(each.measured for each in CONSTANTS.values())
    source = (PAGE.parent.parent / "bench" / "capacity.py").read_text(encoding="utf-8")
    jobs = {f"{what}.{kind}" for what in ("database", "log") for kind in ("fork", "delete")}
    unused = [name for name in CONSTANTS if source.count(f'"{name}"') < 2 and name not in jobs]
    assert unused == []


@pytest.mark.parametrize("work", WORK)
def test_twice_the_assets_take_twice_as_long(work) -> None:
    once, twice = (estimate(work, assets, MEDIUM) for assets in (1e6, 2e6))
    assert twice.seconds == pytest.approx(2 * once.seconds)
    assert twice.first == once.first


def test_more_of_what_limits_helps_until_the_next_limit() -> None:
    before = estimate("import", 1e8, SMALL)
    assert before.first == "client CPU"
    (_, first), (_, second), *_ = before.limits
    enough = replace(SMALL, clients=100)
    assert estimate("import", 1e8, enough).seconds == pytest.approx(second)
    assert second < first


def test_more_of_anything_else_does_not() -> None:
    seconds = estimate("import", 1e8, SMALL).seconds
    assert estimate("import", 1e8, replace(SMALL, servers=9, reads_s=1e9)).seconds == seconds


def test_a_job_is_as_fast_in_a_larger_plant() -> None:
    assert len({estimate("delete", 1e8, each).seconds for each in PLANTS}) == 1


def test_one_estimate_on_the_command_line(capsys) -> None:
    assert (
        main(["--work", "import", "--assets", "1e8", "--plant", "small", "--clients", "100"]) == 0
    )
    lines = capsys.readouterr().out.splitlines()
    assert "client CPU" not in lines[0]
    assert any(line.endswith("server CPU") for line in lines)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(4.2, "4.2 s"), (42, "42 s"), (90, "1.5 min"), (3_700, "62 min"), (36_000, "10 h"), (864_000, "10 d")],
)  # fmt: skip
def test_durations_are_short(seconds, text) -> None:
    assert duration(seconds) == text
