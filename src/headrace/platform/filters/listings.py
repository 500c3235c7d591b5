"""Compile the filters of listings to SQL conditions.

The conditions use the aliases ``d`` (data) and ``a`` (asset; not in listings of data), so a statement may use them
wherever it has both; conditions on tasks also use the statement's ``:version``. Their text never contains what callers
wrote: values are bound as ``:f1``, ``:f2``, ….
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

import msgspec

from headrace.errors import BadRequestError
from headrace.model.enums import AssignmentStatus
from headrace.model.ids import InvalidIdError, Key, Kind, decode
from headrace.platform.filters.conditions import Conditions, join
from headrace.platform.filters.documents import add_custom_metadata, compare_document
from headrace.platform.filters.fields import Field, FieldKind, asset_fields, data_fields, find_field
from headrace.platform.filters.merge import check_cost, merge
from headrace.platform.filters.values import EQUAL, allow, compare
from headrace.protocol.operations.assets import ListAssets
from headrace.protocol.operations.assignments import UNASSIGNED, ListAssignments
from headrace.protocol.operations.datalake import FindData
from headrace.protocol.operations.listing import ALL_TYPES, ALL_UPLOAD_STATUSES, DataQuery
from headrace.protocol.query.nodes import And, Comparison, Node, comparisons
from headrace.protocol.query.parser import parse
from headrace.storage.database.dialect import SQLITE, Dialect

_TASK = (
    "assignment t where t.bucket = a.bucket and t.asset = a.seq and t.campaign ="
    " (select g.no from campaign g where g.version = :version and g.state <> 'DELETING')"
)

_LABEL = "annotations.label.name"
_OF_TASK = ("assignment_user_id", "assignment_status", "assignment_step_id")


class Filters(NamedTuple):
    """``sql`` is empty or begins with ``" and "``; ``params`` holds the values of its names."""

    sql: str
    params: dict[str, object]


class LabelFilters(NamedTuple):
    """A listing of assets that must all have labels: what to ask of labels, and of the assets besides.

    Each of ``labels`` is a condition on labels (alias ``b``); an asset has a label that meets the first one, one that
    meets the second, and so on.
    """

    labels: list[Filters]
    others: Filters


def compile_data_filters(request: DataQuery | FindData, dialect: Dialect) -> Filters:
    """Compile the filters of a listing of data (alias ``d``): ``q``, metadata, statuses and types.

    The statement itself selects the lake and the keys (``ids``, ``filename`` …).

    Raises:
        BadRequestError: ``q`` is malformed or names an unknown field.
    """
    conditions = Conditions(dialect)
    _add_states(conditions, request)
    if isinstance(request, DataQuery):
        _add_query(conditions, request.q, data_fields(dialect))
        add_custom_metadata(conditions, request.custom_metadata)
    return Filters(conditions.sql(), conditions.params)


def compile_asset_filters(request: ListAssets, dialect: Dialect, *, tasks: bool = False) -> Filters:
    """Compile the filters of a listing of assets (alias ``a``) joined with their data (alias ``d``).

    With ``tasks`` the statement also joins the tasks (alias ``t``), which is fastest if :func:`has_task_filters`.
    """
    conditions = Conditions(dialect)
    _add_states(conditions, request)
    _add_query(conditions, request.q, asset_fields(dialect))
    add_custom_metadata(conditions, request.custom_metadata)
    tests = _of_task(conditions, *(getattr(request, name) for name in _OF_TASK))
    if tests and not tasks:
        tests = [conditions.dialect.has_one(f"{_TASK} and {' and '.join(tests)}")]
    for test in tests:
        conditions.add(test)
    return Filters(conditions.sql(), conditions.params)


def compile_label_filters(request: ListAssets, dialect: Dialect) -> LabelFilters | None:
    """Take the conditions on labels out of a listing of assets; None where it has none that all its assets must meet.

    Raises:
        BadRequestError: ``q`` is malformed or names an unknown field.
    """
    node = parse(request.q) if request.q else None
    terms = node.terms if isinstance(node, And) else () if node is None else (node,)
    fields = asset_fields(dialect)
    labels: list[Filters] = []
    others: list[Node] = []
    for term in terms:
        name = ".".join(term.field) if isinstance(term, Comparison) else ""
        if not isinstance(term, Comparison) or not _is_of_label(fields, term, name):
            others.append(term)
            continue
        conditions = Conditions(dialect)
        conditions.add(compare(conditions, fields[name], term, term.values))
        labels.append(Filters(conditions.sql(), conditions.params))
        if name != _LABEL:
            others.append(
                term
            )  # a shape of this kind has the label: the marks tell only that some shape has it
    if not labels:
        return None
    conditions = Conditions(dialect)
    _add_states(conditions, request)
    for term in others:
        _add_node(conditions, fields, term)
    add_custom_metadata(conditions, request.custom_metadata)
    return LabelFilters(labels, Filters(conditions.sql(), conditions.params))


def _is_of_label(fields: dict[str, Field], comparison: Comparison, name: str) -> bool:
    return (
        name.startswith("annotations.")
        and name.endswith(".label.name")
        and name in fields
        and not comparison.negated
        and None not in comparison.values
    )


def has_task_filters(request: ListAssets) -> bool:
    """Whether a listing of assets is filtered by their tasks."""
    return any(getattr(request, name) is not None for name in _OF_TASK)


def has_only_task_filters(request: ListAssets) -> bool:
    """Whether a listing of assets is filtered by their tasks and nothing else."""
    others = msgspec.structs.replace(request, **dict.fromkeys(_OF_TASK))
    return has_task_filters(request) and not compile_asset_filters(others, SQLITE).sql


def compile_assignment_filters(request: ListAssignments, dialect: Dialect) -> tuple[Filters, bool]:
    """Compile the filters of a listing of tasks (alias ``t``) joined with assets and data.

    Returns:
        The filters, and whether they use more than the task's own columns.
    """
    tasks = Conditions(dialect)
    for test in _of_task(tasks, request.user_id, request.status, request.step_id):
        tasks.add(test)
    of_tasks = tasks.sql()
    _add_states(tasks, request)
    _add_query(tasks, request.q, asset_fields(dialect))
    add_custom_metadata(tasks, request.custom_metadata)
    return Filters(tasks.sql(), tasks.params), tasks.sql() != of_tasks


def _of_task(
    conditions: Conditions,
    user: UUID | str | None,
    status: AssignmentStatus | None,
    step: UUID | None,
) -> list[str]:
    """Compile the conditions on a task. The first one uses its index, the others do not."""
    tests: list[str] = []

    def column(name: str) -> str:
        return conditions.dialect.unindexed(f"t.{name}") if tests else f"t.{name}"

    if user == UNASSIGNED:
        tests.append(f"{column('account')} is null")
    elif user is not None:
        tests.append(_of_user(conditions, column("account"), user))
    if status is not None:
        tests.append(f"{column('status')} = {conditions.bind(str(status))}")
    if step is not None:
        tests.append(_in_step(conditions, column("step"), step))
    return tests


def _in_step(conditions: Conditions, column: str, id: UUID) -> str:
    """The condition that a task is in a step; false if the id is not a step's."""
    key = _key(id, Kind.STEP)
    if key is None:
        return "false"
    scope, made = conditions.bind(key.scope), conditions.bind(key.created_ms)
    campaign = f"select g.no from campaign g where g.no = {scope} and g.created = {made}"
    test = f"{conditions.dialect.unindexed('t.campaign')} = ({campaign})"
    return f"{test} and {column} = {conditions.bind(key.seq)}"


def _of_user(conditions: Conditions, column: str, id: UUID | str) -> str:
    """The condition that a task is assigned to a user; false if the id is not a user's."""
    key = _key(id, Kind.USER)
    if key is None:
        return "false"
    number, made = conditions.bind(key.number), conditions.bind(key.created_ms)
    return f"{column} = (select u.no from account u where u.no = {number} and u.created = {made})"


def _key(id: UUID | str, kind: Kind) -> Key | None:
    try:
        key = decode(UUID(str(id)))
    except InvalidIdError:
        return None
    except ValueError:
        raise BadRequestError(f"{id!r} is not an id", hint=f"give one, or {UNASSIGNED!r}") from None
    return key if key.kind is kind else None


def _add_states(conditions: Conditions, request: DataQuery | FindData) -> None:
    statuses, types = request.upload_statuses, request.types
    # The official client always names every status and type, which needs no condition.
    if statuses is not None and set(statuses) != set(ALL_UPLOAD_STATUSES):
        conditions.add(f"d.status in ({conditions.bind_all(statuses)})")
    if types is not None and set(types) != set(ALL_TYPES):
        conditions.add(f"d.kind in ({conditions.bind_all(types)})")


def _add_query(conditions: Conditions, text: str | None, fields: dict[str, Field]) -> None:
    """Add the condition of a query over ``fields``; an empty query adds none.

    Raises:
        BadRequestError: The query is malformed; the error points at the column.
    """
    node = parse(text) if text else None
    if node is not None:
        _add_node(conditions, fields, node)


def _add_node(conditions: Conditions, fields: dict[str, Field], node: Node) -> None:
    # Each comparison is checked as it was written, since errors name its column.
    for comparison in comparisons(node):
        _compile(Conditions(conditions.dialect), fields, comparison)
    merged = merge(node)
    check_cost(fields, merged)
    conditions.add(_compile(conditions, fields, merged))


def _compile(conditions: Conditions, fields: dict[str, Field], node: Node) -> str:
    if not isinstance(node, Comparison):
        connector = "and" if isinstance(node, And) else "or"
        return join(connector, [_compile(conditions, fields, term) for term in node.terms])
    field, keys = find_field(fields, node)
    if field.kind is FieldKind.JSON:
        condition = compare_document(conditions, field.column, keys, node)
    else:
        condition = _compare(conditions, field, node)
    # The negation of null (an unknown width, say) is true: an unknown width is not large.
    return f"not coalesce({condition}, false)" if node.negated else condition


def _compare(conditions: Conditions, field: Field, comparison: Comparison) -> str:
    values = [value for value in comparison.values if value is not None]
    parts = []
    if values:
        test = compare(conditions, field, comparison, values)
        parts.append(_has_one(conditions, field, test) if field.source else test)
    if None in comparison.values:
        allow(comparison, EQUAL, "compared with None")
        known = f"{field.column} is not null"
        parts.append(
            f"not {_has_one(conditions, field, known)}" if field.source else f"not {known}"
        )
    return join("or", parts) if parts else "false"


def _has_one(conditions: Conditions, field: Field, test: str) -> str:
    return conditions.dialect.has_one(f"{field.source} and {test}")
