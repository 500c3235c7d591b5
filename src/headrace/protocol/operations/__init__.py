"""The table of all operations of the API, by name."""

# No __future__ import here: its name "annotations" would hide the module of that name.

from types import ModuleType
from typing import Any

from headrace.protocol.operation import Operation
from headrace.protocol.operations import (
    annotating,
    assets,
    assignments,
    campaigns,
    datalake,
    datasets,
    extended,
    jobs,
    label_details,
    labels,
    processings,
    session,
    shapes,
    storage,
    tags,
    undo,
    uploading,
    users,
)
from headrace.protocol.operations import annotations as annotation_operations

_MODULES: tuple[ModuleType, ...] = (
    session,
    users,
    storage,
    datalake,
    uploading,
    tags,
    datasets,
    assets,
    extended,
    labels,
    label_details,
    annotation_operations,
    annotating,
    shapes,
    campaigns,
    assignments,
    jobs,
    processings,
    undo,
)

OPERATIONS: dict[str, Operation[Any, Any]] = {
    value.name: value
    for declared in (*_MODULES, *shapes.SHAPES)
    for value in vars(declared).values()
    if isinstance(value, Operation)
}
