"""Changes of several tables are sent as one statement, with their parameters numbered on."""

from __future__ import annotations

from headrace.storage.database.postgres.together import Change, together

INSERT = Change("insert into a (x, y) values ($1, $2)", [1, "one"])
UPDATE = Change("update b set x = x + $2 where no = $1 and name <> '$1'", [3, 4])
DELETE = Change("delete from c where no = $1", [5])
SELECT = Change("select $1", [6])


def test_changes_of_different_tables_are_one_statement() -> None:
    (found,) = together([INSERT, UPDATE, DELETE])
    assert " ".join(found.sql.split()) == (
        "with c0 as ( insert into a (x, y) values ($1, $2) ), "
        "c1 as ( update b set x = x + $4 where no = $3 and name <> '$1' ), "
        "c2 as ( delete from c where no = $5 ) select"
    )
    assert found.values == [1, "one", 3, 4, 5]


def test_a_change_alone_stays_as_it_is() -> None:
    assert list(together([UPDATE])) == [UPDATE]
    assert list(together([])) == []


def test_changes_of_one_table_stay_apart() -> None:
    first, second = together([INSERT, UPDATE, UPDATE, DELETE])
    assert first.values == [1, "one", 3, 4]
    assert second.values == [3, 4, 5]


def test_what_is_no_change_of_one_table_stays_alone() -> None:
    first, second, third = together([INSERT, UPDATE, SELECT, DELETE])
    assert first.values == [1, "one", 3, 4]
    assert (second, third) == (SELECT, DELETE)
