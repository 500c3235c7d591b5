"""What queries may name, and what is said of the rest."""

from __future__ import annotations

from uuid import UUID

import pytest

from headrace.errors import BadRequestError
from headrace.model.enums import AssignmentStatus, DataType, DataUploadStatus
from headrace.platform.filters import compile_asset_filters, compile_data_filters
from headrace.protocol.operations.assets import ListAssets
from headrace.protocol.operations.datalake import FindData, ListData
from headrace.storage.database.dialect import SQLITE

ANY = UUID(int=0)

REFUSED = [
    ('filname = "x"', "column 1", "did you mean 'filename'?"),
    ('  datas.filename = "x"', "column 3", "did you mean 'data.filename'?"),
    ("a.filename = 1", "column 1", "fields: filename"),
    ("filename = 3", "column 12", 'put it in quotes: "3"'),
    ("data.width = True", "column 14", "is a number"),
    ('data.width ~ "1"', "column 1", "has no '~'"),
    ('data.type = "IMAG"', "column 13", "one of IMAGE, VIDEO"),
    ('data.created_at > "yesterday"', "column 19", "2026-01-31"),
    ('tags = "x"', "column 1", "tags.name"),
    ("filename > None", "column 1", "has no '>'"),
    ('data.custom_metadata = "x"', "column 1", "data.custom_metadata.<key>"),
    ("data.custom_metadata.a >= True", "column 1", "True or False"),
]


@pytest.mark.parametrize(("text", "place", "cure"), REFUSED, ids=[text for text, _, _ in REFUSED])
def test_refuses_with_a_cure(text: str, place: str, cure: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        compile_asset_filters(ListAssets(version_id=ANY, q=text), SQLITE)
    assert place in str(caught.value)
    assert cure in str(caught.value)


def test_fields_of_assets_are_none_of_data() -> None:
    with pytest.raises(BadRequestError):
        compile_data_filters(ListData(datalake_id=ANY, q='annotations.status = "DONE"'), SQLITE)


def test_no_filter_is_no_condition() -> None:
    everything = ListAssets(
        version_id=ANY,
        q=" ",
        custom_metadata={},
        types=list(DataType),
        upload_statuses=list(DataUploadStatus),
    )
    assert compile_asset_filters(everything, SQLITE) == ("", {})
    assert compile_data_filters(ListData(datalake_id=ANY), SQLITE) == ("", {})


def test_statuses_and_types_are_bound() -> None:
    request = FindData(datalake_id=ANY, types=[DataType.VIDEO], upload_statuses=[])
    sql, params = compile_data_filters(request, SQLITE)
    assert "VIDEO" not in sql
    assert params == {"f1": "VIDEO"}
    assert "d.status in (null)" in sql


def test_assignments_are_looked_for_by_bound_values() -> None:
    request = ListAssets(version_id=ANY, assignment_status=AssignmentStatus.DONE)
    sql, params = compile_asset_filters(request, SQLITE)
    assert "DONE" not in sql
    assert params == {"f1": "DONE"}
    for nobody in ({"assignment_step_id": ANY}, {"assignment_user_id": ANY}):
        assert (
            "and false" in compile_asset_filters(ListAssets(version_id=ANY, **nobody), SQLITE).sql
        )


def test_metadata_is_searched_to_a_depth() -> None:
    deep: dict[str, object] = {"x": 1}
    for _ in range(20):
        deep = {"x": deep}
    with pytest.raises(BadRequestError):
        compile_data_filters(ListData(datalake_id=ANY, custom_metadata=deep), SQLITE)
    with pytest.raises(BadRequestError):
        compile_data_filters(
            ListData(datalake_id=ANY, q="custom_metadata" + ".x" * 20 + " = 1"), SQLITE
        )
    wide = {str(number): 1 for number in range(200)}
    with pytest.raises(BadRequestError):
        compile_data_filters(ListData(datalake_id=ANY, custom_metadata=wide), SQLITE)


@pytest.mark.parametrize(
    ("connector", "operator"), [(" and ", "!="), (" or ", "=")], ids=["and", "or"]
)
def test_many_equalities_of_a_field_are_one_sub_query(connector: str, operator: str) -> None:
    terms = [f'data.datasets.name {operator} "{number}"' for number in range(300)]
    sql, params = compile_asset_filters(ListAssets(version_id=ANY, q=connector.join(terms)), SQLITE)
    assert sql.count("select 1") == 1
    assert list(params.values()) == [str(number) for number in range(300)]


def test_different_things_of_a_field_stay_apart() -> None:
    """Two tags are two rows: an asset may have both."""
    text = 'tags.name = "a" and tags.name = "b" and (tags.name != "c" or tags.name != "d")'
    sql, _ = compile_asset_filters(ListAssets(version_id=ANY, q=text), SQLITE)
    assert sql.count("select 1") == 4


def test_an_error_in_a_merged_comparison_names_its_column() -> None:
    text = 'tags.name != "a" and tags.name != 3'
    with pytest.raises(BadRequestError, match="column 35"):
        compile_asset_filters(ListAssets(version_id=ANY, q=text), SQLITE)


def test_a_query_of_too_many_sub_queries_is_refused() -> None:
    alike = " and ".join(f'tags.name ~ "{number}"' for number in range(41))
    keys = " or ".join(f'data.custom_metadata.k{number} = "x"' for number in range(41))
    for text in (alike, keys):
        with pytest.raises(BadRequestError, match="asks 41 things of tags"):
            compile_asset_filters(ListAssets(version_id=ANY, q=text), SQLITE)
    fewer = " and ".join(f'tags.name ~ "{number}"' for number in range(40))
    assert compile_asset_filters(ListAssets(version_id=ANY, q=fewer), SQLITE).sql
