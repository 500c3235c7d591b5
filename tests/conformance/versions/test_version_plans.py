"""How SQLite runs the statements of these rooms: key lists drive, indexes answer, no large table is scanned."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from headrace.storage.database.queries import Queries
from headrace.storage.database.sqlite_functions import register
from tests.support.stocked_lake import stocked

ROOMS = (
    "datasets",
    "versions",
    "assets",
    "labels",
    "annotations",
    "annotating",
    "stats",
    "removal",
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
    "annotations.load": "n USING INDEX annotation_no (bucket=? AND version=? AND no=?)",
    "annotating.range_of_assets": "n USING PRIMARY KEY"
    " (bucket=? AND version=? AND asset=? AND no<?)",
    "annotating.range_of_numbers": "n USING INDEX annotation_no (bucket=? AND version=? AND no=?)",
    "annotating.of_assets": "n USING PRIMARY KEY (bucket=? AND version=? AND asset=?)",
    "annotating.again": "n USING INDEX annotation_no (bucket=? AND version=? AND no=?)",
    "removal.annotations_of_assets": "n USING PRIMARY KEY (bucket=? AND version=? AND asset=?)",
    "assignments.present": "t USING PRIMARY KEY (bucket=? AND campaign=? AND asset=?)",
    "assignments.open_of": "t USING PRIMARY KEY (bucket=? AND campaign=? AND asset=?)",
    "assignments.of_annotations": "n USING INDEX annotation_no (bucket=? AND version=? AND no=?)",
    "removal.assets_of_data": "a USING INDEX asset_of_data (lake_bucket=? AND data=?)",
}

PAGES = {
    "assets.page": "a USING PRIMARY KEY (bucket=? AND version=? AND seq<?)",
    "annotations.ids": "n USING INDEX annotation_no (bucket=? AND version=?)",
    "annotating.with_label": "n USING PRIMARY KEY (bucket=? AND version=? AND (asset,no)>(?,?))",
    "annotating.filtered": "n USING INDEX annotation_no (bucket=? AND version=? AND no<?)",
    "assignments.page": "t USING PRIMARY KEY (bucket=? AND campaign=? AND asset<?)",
    "assignments.in_step": "t USING PRIMARY KEY (bucket=? AND campaign=? AND asset>?)",
    "removal.range": "asset USING PRIMARY KEY (bucket=? AND version=?)",
}

Plan = Callable[[str], list[str]]


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

    def steps(statement: str) -> list[str]:
        sql = queries.text(statement)
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
        "annotating.count",
        "annotating.ordered",
        "annotations.ids",
        "assets.count",
        "assets.ordered",
        "removal.range",
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
