"""When tables of PostgreSQL that have grown are looked at."""

from __future__ import annotations

from headrace.storage.database.postgres.growth import FIRST_ROWS, Growth


def test_a_table_is_due_at_first_and_then_each_time_it_has_doubled() -> None:
    growth = Growth()
    due = [bool(growth.due({"asset": FIRST_ROWS // 2})) for _ in range(20)]
    assert [number for number, each in enumerate(due, start=1) if each] == [2, 4, 8, 16]


def test_each_table_is_counted_by_itself() -> None:
    growth = Growth()
    assert growth.due({"asset": FIRST_ROWS, "data": FIRST_ROWS - 1}) == ["asset"]
    assert growth.due({"data": 1}) == ["data"]
    assert growth.due({}) == []
