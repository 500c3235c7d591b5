"""The filters of listings as SQL conditions.

The conditions stand on the aliases ``d`` (data) and ``a`` (asset) alone, so a statement may use them wherever both
are in sight (``d`` only, for listings of data); those on tasks also on the statement's own ``:version``. Their text is
all our own; what callers wrote is bound as ``:f1``, ``:f2``, ….
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from headrace.errors import BadRequestError
from headrace.model.ids import InvalidIdError, Key, Kind, decode
from headrace.platform.filters.conditions import Conditions
from headrace.platform.filters.documents import add_custom_metadata
from headrace.platform.filters.fields import ASSET_FIELDS, DATA_FIELDS
from headrace.platform.filters.queries import add_query
from headrace.protocol.operations.assets import ListAssets
from headrace.protocol.operations.assignments import UNASSIGNED, ListAssignments
from headrace.protocol.operations.datalake import FindData
from headrace.protocol.operations.listing import ALL_TYPES, ALL_UPLOAD_STATUSES, DataQuery

_TASK = (
    "assignment t where t.bucket = a.bucket and t.asset = a.seq and t.campaign ="
    " (select g.no from campaign g where g.version = :version and g.state <> 'DELETING')"
)


class Filters(NamedTuple):
    """``sql`` is empty or begins with ``" and "``; ``params`` holds the values of its names."""

    sql: str
    params: dict[str, object]


def compile_data_filters(request: DataQuery | FindData) -> Filters:
    """What a listing of data (alias ``d``) leaves out, by ``q``, metadata, statuses and types.

    Scope (the lake) and keys (``ids``, ``filename`` …) are the statement's own affair. Raises a 400 where ``q`` is
    none or names what does not exist.
    """
    conditions = Conditions()
    _add_states(conditions, request)
    if isinstance(request, DataQuery):
        add_query(conditions, request.q, DATA_FIELDS)
        add_custom_metadata(conditions, request.custom_metadata)
    return Filters(conditions.sql(), conditions.params)


def compile_asset_filters(request: ListAssets) -> Filters:
    """The same for a listing of assets (alias ``a``) joined with their data (alias ``d``)."""
    conditions = Conditions()
    _add_states(conditions, request)
    add_query(conditions, request.q, ASSET_FIELDS)
    add_custom_metadata(conditions, request.custom_metadata)
    _add_assignment(conditions, request)
    return Filters(conditions.sql(), conditions.params)


def compile_assignment_filters(request: ListAssignments) -> tuple[Filters, bool]:
    """The same for a listing of tasks (alias ``t``) joined with both; and whether it looks at more than the task."""
    tasks = Conditions()
    if request.status is not None:
        tasks.add(f"t.status = {tasks.bind(str(request.status))}")
    if request.step_id is not None:
        tasks.add(_in_step(tasks, request.step_id))
    if request.user_id == UNASSIGNED:
        tasks.add("t.account is null")
    elif request.user_id is not None:
        tasks.add(_of_user(tasks, request.user_id))
    of_tasks = tasks.sql()
    _add_states(tasks, request)
    add_query(tasks, request.q, ASSET_FIELDS)
    add_custom_metadata(tasks, request.custom_metadata)
    return Filters(tasks.sql(), tasks.params), tasks.sql() != of_tasks


def _add_assignment(conditions: Conditions, request: ListAssets) -> None:
    tests = []
    if request.assignment_status is not None:
        tests.append(f"t.status = {conditions.bind(str(request.assignment_status))}")
    if request.assignment_step_id is not None:
        tests.append(_in_step(conditions, request.assignment_step_id))
    if request.assignment_user_id is not None:
        tests.append(_of_user(conditions, request.assignment_user_id))
    if tests:
        conditions.add(f"exists (select 1 from {_TASK} and {' and '.join(tests)})")


def _in_step(conditions: Conditions, id: UUID) -> str:
    """The condition that a task is in a step; false for what is no step."""
    key = _key(id, Kind.STEP)
    if key is None:
        return "false"
    scope, made = conditions.bind(key.scope), conditions.bind(key.created_ms)
    campaign = f"select g.no from campaign g where g.no = {scope} and g.created = {made}"
    return f"t.campaign = ({campaign}) and t.step = {conditions.bind(key.seq)}"


def _of_user(conditions: Conditions, id: UUID | str) -> str:
    """The condition that a task is a user's; false for what is no user."""
    key = _key(id, Kind.USER)
    if key is None:
        return "false"
    number, made = conditions.bind(key.number), conditions.bind(key.created_ms)
    return f"t.account = (select u.no from account u where u.no = {number} and u.created = {made})"


def _key(id: UUID | str, kind: Kind) -> Key | None:
    try:
        key = decode(UUID(str(id)))
    except InvalidIdError:
        return None
    except ValueError:
        raise BadRequestError(f"{id!r} is no id", hint=f"give one, or {UNASSIGNED!r}") from None
    return key if key.kind is kind else None


def _add_states(conditions: Conditions, request: DataQuery | FindData) -> None:
    statuses, types = request.upload_statuses, request.types
    # The platform's client always names every status and type: no condition, no work.
    if statuses is not None and set(statuses) != set(ALL_UPLOAD_STATUSES):
        conditions.add(f"d.status in ({conditions.bind_all(statuses)})")
    if types is not None and set(types) != set(ALL_TYPES):
        conditions.add(f"d.kind in ({conditions.bind_all(types)})")
