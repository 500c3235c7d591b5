"""Every operation of the table, with every id in its request exchanged for one of another organization: not found.

The walk through the table is made by one organization of a lake; before each of its calls the same is tried with the
ids of another one, which has a living thing of every kind.
"""

from __future__ import annotations

from pathlib import Path

from headrace.backend.local import LocalBackend
from headrace.protocol.operations.session import GET_ORGANIZATION
from tests.conformance.wire.scenario import register, walk
from tests.support.lakes.owned import NOT_FOUND, Swapping, rows_of, stock, with_ids
from tests.support.lakes.stocked_lake import stocked, stranger

PASSED_OVER = {
    ("attach_tag", "ids"),
    ("detach_tag", "ids"),
    ("delete_many_data", "ids"),
    ("list_data_by_key", "ids"),
    ("list_assets_by_key", "ids"),
    ("list_assets_by_key", "data_ids"),
    ("list_assets", "assignment_step_id"),
    ("list_assets", "assignment_user_id"),
    ("list_assignments", "user_id"),
    ("list_assignments", "step_id"),
}
"""Lists of keys and filters: what names nothing there is no error, and finds nothing."""

AGAIN = "import_annotations"
"""A chunk that is in an import's ledger is answered as it was first, whatever it holds this time."""


async def test_ids_of_another_organization_are_not_found(tmp_path: Path) -> None:
    async with stocked(tmp_path / "lake") as lake:
        owned = await stock(await stranger(lake), tmp_path)
        await register(lake.platform, tmp_path)
        organization = await lake.call(
            GET_ORGANIZATION, organization_id=lake.access.organization_id
        )
        before = rows_of(lake)
        backend = Swapping(LocalBackend(lake.platform, lake.access), owned)
        made = await walk(backend, organization, tmp_path)
        wrong = {
            place: outcomes
            for place, outcomes in backend.seen.items()
            if outcomes != {"answered" if place in PASSED_OVER else NOT_FOUND}
            and not (place[0] == AGAIN and outcomes == {"answered", NOT_FOUND})
        }
        assert wrong == {}
        assert {name for name, _ in backend.seen} >= with_ids()
        assert made.called >= with_ids()
        after = rows_of(lake)
        lost = {table: rows - after[table] for table, rows in before.items()}
        assert not any(lost.values())
