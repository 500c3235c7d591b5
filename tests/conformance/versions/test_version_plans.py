"""How SQLite runs the statements of these rooms: key lists drive, indexes answer, no large table is scanned."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import apsw
import pytest

from headrace.model.ids import Kind, encode, scoped
from headrace.platform.filters import compile_asset_filters, compile_assignment_filters
from headrace.protocol.operations.assets import ListAssets
from headrace.protocol.operations.assignments import ListAssignments
from headrace.storage.database.dialect import SQLITE
from headrace.storage.database.queries import Queries
from headrace.storage.database.sqlite.functions import register
from tests.support.lakes.stocked_lake import stocked

pytestmark = pytest.mark.sqlite_only("reads plans of SQLite")

ROOMS = (
    "datasets",
    "versions",
    "assets",
    "labels",
    "annotations",
    "single_annotations",
    "counters",
    "deletion",
    "jobs",
    "campaigns",
    "assignments",
)
SMALL = {"j", "s", "v", "k", "g", "t", "version", "dataset", "job"}
"""What may be scanned: lists of keys, tables with a row a dataset, version, campaign, lake or job, and sub-queries' results."""

KEY_LISTS = {
    "assets.by_ids": "a USING PRIMARY KEY (bucket=? AND version=? AND seq=?)",
    "assets.by_filenames": "a USING INDEX asset_filename (bucket=? AND version=? AND filename=?)",
    "assets.by_filename_startswith": "a USING INDEX asset_filename"
    " (bucket=? AND version=? AND filename>? AND filename<?)",
    "assets.by_object_names": "d USING INDEX data_object_name"
    " (lake_bucket=? AND lake=? AND object_name=?)",
    "assets.by_data_ids": "a USING INDEX asset_data"
    " (bucket=? AND version=? AND lake_bucket=? AND data=?)",
    "assets.rows": "a USING PRIMARY KEY (bucket=? AND version=? AND seq=?)",
    "assets.present": "a USING INDEX asset_data"
    " (bucket=? AND version=? AND lake_bucket=? AND data=?)",
    "assets.candidates": "d USING PRIMARY KEY (lake_bucket=? AND no=?)",
    "assets.known_tags": "t USING PRIMARY KEY (family=? AND scope=? AND key=?)",
    "labels.by_names": "b USING INDEX label_name (version=? AND name=?)",
    "annotations.targets": "a USING PRIMARY KEY (bucket=? AND version=? AND seq=?)",
    "annotations.contents": "c USING PRIMARY KEY (dataset_bucket=? AND dataset=? AND no=?)",
    "annotations.sizes": "a USING PRIMARY KEY (bucket=? AND version=? AND seq=?)",
    "annotations.ids_of_assets": "n USING PRIMARY KEY (bucket=? AND version=? AND asset=?)",
    "annotations.load_of_assets": "n USING PRIMARY KEY (bucket=? AND version=? AND asset=?)",
    "annotations.load": "n USING INDEX annotation_no (bucket=? AND version=? AND no=?)",
    "single_annotations.range_of_assets": "n USING PRIMARY KEY"
    " (bucket=? AND version=? AND asset=? AND no<?)",
    "single_annotations.range_of_numbers": "n USING INDEX annotation_no (bucket=? AND version=? AND no=?)",
    "single_annotations.of_assets": "n USING PRIMARY KEY (bucket=? AND version=? AND asset=?)",
    "single_annotations.with_shapes": "n USING INDEX annotation_no (bucket=? AND version=? AND no=?)",
    "deletion.annotations_of_assets": "n USING PRIMARY KEY (bucket=? AND version=? AND asset=?)",
    "assignments.present": "t USING PRIMARY KEY (bucket=? AND campaign=? AND asset=?)",
    "assignments.open_of": "t USING PRIMARY KEY (bucket=? AND campaign=? AND asset=?)",
    "assignments.of_annotations": "n USING INDEX annotation_no (bucket=? AND version=? AND no=?)",
    "deletion.assets_of_data": "a USING INDEX asset_of_data (lake_bucket=? AND data=?)",
}

PAGES = {
    "assets.page": "a USING PRIMARY KEY (bucket=? AND version=? AND seq<?)",
    "annotations.ids": "n USING INDEX annotation_no (bucket=? AND version=?)",
    "single_annotations.with_label": "n USING PRIMARY KEY (bucket=? AND version=? AND (asset,no)>(?,?))",
    "single_annotations.filtered": "n USING INDEX annotation_no (bucket=? AND version=? AND no<?)",
    "assets.page_of_tasks": "t USING PRIMARY KEY (bucket=? AND campaign=? AND asset<?)",
    "assignments.page": "t USING PRIMARY KEY (bucket=? AND campaign=? AND asset<?)",
    "assignments.in_step": "t USING INDEX assignment_place (bucket=? AND campaign=? AND step=? AND asset>?)",
    "deletion.range": "asset USING PRIMARY KEY (bucket=? AND version=?)",
}

TASKS = [
    ({"status": "TO_REWORK"}, "assignment_status", "status=?"),
    ({"step_id": encode(Kind.STEP, 0, 0, scoped(1, 1))}, "assignment_place", "step=?"),
    ({"user_id": encode(Kind.USER, 0, 0, 1)}, "assignment_account", "account=?"),
    (
        {"status": "DONE", "step_id": encode(Kind.STEP, 0, 0, scoped(1, 1))},
        "assignment_status",
        "status=?",
    ),
    ({"status": "DONE", "user_id": encode(Kind.USER, 0, 0, 1)}, "assignment_account", "account=?"),
]
"""Filters on tasks, the index that finds them, and by what."""


class Plan(Protocol):
    def __call__(self, statement: str, filters: str = "", /) -> list[str]: ...


@pytest.fixture(params=["new", "analysed"])
async def plan(request: pytest.FixtureRequest, tmp_path: Path) -> Plan:
    """Plans of statements, with and without the statistics of a lake in use."""
    async with stocked(tmp_path / "lake") as lake:
        if request.param == "analysed":
            filled = await lake.filled(300)
            await filled.send(*(filled.item(asset, 1, 2) for asset in range(300)))
            await lake.version("second", dataset=(await lake.dataset("more")).id)
    connection = apsw.Connection(str(tmp_path / "lake" / "headrace.db"))
    register(connection)
    if request.param == "analysed":
        connection.execute("analyze")
    queries = Queries("sqlite")

    def steps(statement: str, filters: str = "", /) -> list[str]:
        sql = queries.text(statement, filters)
        names = dict.fromkeys(re.findall(r"(?<![\w:]):(\w+)", sql))
        bound = names or (None,) * sql.count("?")
        found = connection.execute(f"explain query plan {sql}", bound)
        return [row[3].replace("COVERING ", "") for row in found]

    return steps


def statements() -> list[str]:
    return [name for name in Queries("sqlite").names() if name.partition(".")[0] in ROOMS]


def test_no_statement_scans_a_large_table(plan: Plan) -> None:
    scans = [
        (statement, step)
        for statement in statements()
        for step in plan(statement)
        if (match := re.match(r"SCAN (\w+)", step))
        and match[1] not in SMALL
        # A list of keys, or a constant row.
        and match[1] not in ("json_each", "CONSTANT")
    ]
    assert scans == []


def test_only_listings_walk_a_whole_version(plan: Plan) -> None:
    walking = {
        statement
        for statement in statements()
        for step in plan(statement)
        if re.search(
            r" (a|n|l|asset|annotation|asset_tag) USING .*\(bucket=\? AND version=\?\)$", step
        )
    }
    assert walking == {
        "single_annotations.count",
        "single_annotations.ordered",
        "annotations.export_all",
        "annotations.ids",
        "assets.count",
        "assets.ordered",
        "deletion.range",
    }


def test_key_lists_drive_and_indexes_answer(plan: Plan) -> None:
    for statement, index in KEY_LISTS.items():
        first, *others = plan(statement)
        assert first.startswith("SCAN j VIRTUAL TABLE"), statement
        # The lakes of an organization may stand between the keys and the data.
        driven = next(step for step in others if not step.startswith(("SCAN k", "SEARCH k")))
        assert driven == f"SEARCH {index}", statement


def test_pages_come_in_order_without_sorting(plan: Plan) -> None:
    for statement, index in PAGES.items():
        steps = plan(statement)
        assert steps[0] == f"SEARCH {index}", statement
        assert not any("TEMP B-TREE" in step for step in steps), statement


@pytest.mark.parametrize(("wanted", "index", "by"), TASKS)
def test_filters_on_tasks_find_them_in_order(
    plan: Plan, wanted: dict[str, Any], index: str, by: str
) -> None:
    """However few tasks there are among however many, a page reads them and nothing else."""
    tasks, _ = compile_assignment_filters(
        ListAssignments(campaign_id=UUID(int=0), **wanted), SQLITE
    )
    of_task = {f"assignment_{name}": value for name, value in wanted.items()}
    assets = compile_asset_filters(
        ListAssets(version_id=UUID(int=0), **of_task), SQLITE, tasks=True
    )
    found = f"SEARCH t USING INDEX {index} (bucket=? AND campaign=? AND {by}"
    for statement, filters in (
        ("assignments.page", tasks),
        ("assets.page_of_tasks", assets),
    ):
        steps = plan(statement, filters.sql)
        assert steps[0] == f"{found} AND asset<?)", statement
        assert not any("TEMP B-TREE" in step for step in steps), statement
    for statement, filters in (
        ("assignments.count", tasks),
        ("assignments.count_matching", tasks),
        ("assets.ordered_of_tasks", assets),
        ("assets.count_of_tasks", assets),
        ("assets.count_tasks", assets),
    ):
        assert plan(statement, filters.sql)[0] == f"{found})", statement
