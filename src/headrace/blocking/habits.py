"""What scripts of the official client count on, for clients made by ``headrace.blocking.Client``.

The client of :func:`headrace.blocking.connect` has none of these habits: there an empty list is a list, and every error
is one of ``headrace.errors``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import msgspec

from headrace.errors import BadRequestError, ConflictError, JobFailedError, NoDataError
from headrace.sdk.base.session import Session

_SESSIONS: WeakSet[Session] = WeakSet()

_ERRORS: dict[str, type[Exception]] = {
    "DatasetVersion.add_data": ValueError,
    "DatasetVersion.create_label_group": ValueError,
    "DatasetVersion.find_asset": AssertionError,
    "DatasetVersion.fork": ValueError,
    "DatasetVersion.split_into_multi_assets": NoDataError,
    "DatasetVersion.synchronize": AssertionError,
    "DatasetVersion.train_test_split": ValueError,
    "DatasetVersion.train_test_val_split": ValueError,
    "Datalake.find_data": AssertionError,
    "AnnotationCampaign.add_step": ValueError,
    "Client.create_dataset": AssertionError,
    "Client.get_datalake": ValueError,
    "Client.get_dataset_by_id": ValueError,
    "Client.get_dataset_version_by_id": ValueError,
    "Client.get_job_by_id": ValueError,
    "Dataset.get_version_by_id": ValueError,
    "Datalake.list_data": ValueError,
    "DatasetVersion.list_assets": ValueError,
    "AnnotationCampaign.launch": ValueError,
    "AnnotationCampaign.sync_assets": ValueError,
    "Label.set_group": ValueError,
    "LabelGroup.set_parent": ValueError,
}
"""The built-in error, or other one, by which a script expects a call to refuse its arguments."""

_ASSERTING = ("add_tags", "remove_tags", "create_multiple_")
"""Beginnings of the methods of all classes that refuse their arguments by an AssertionError."""

_COMBINED: dict[tuple[type, type], type[Exception]] = {}


def adopt(session: Session) -> None:
    """Follow the habits in all calls of a session."""
    _SESSIONS.add(session)


def has(session: Session) -> bool:
    """Return whether the calls of a session follow the habits."""
    return session in _SESSIONS


def check_arguments(method: Callable[..., Any], args: list[Any]) -> None:
    """Raise what the official client raises for arguments that headrace takes."""
    kind, _, name = _name(method).partition(".")
    if not (args and isinstance(args[0], list) and not args[0]):
        return
    if (kind, name) == ("DatasetVersion", "add_data"):
        raise combined(BadRequestError("there are no data to add"), ValueError)
    if name in ("add_tags", "remove_tags"):
        raise combined(BadRequestError("there are no tags"), AssertionError)


def result(method: Callable[..., Any], value: Any) -> Any:
    """Return what the official client returns for the result of a call."""
    if _name(method) == "DatasetVersion.synchronize" and not len(value):
        return None
    return value


def error(method: Callable[..., Any], caught: Exception) -> Exception:
    """Return an error that is also of the class by which the official client says the same."""
    name = _name(method)
    refusal = isinstance(caught, BadRequestError | ConflictError | NotADirectoryError)
    if not refusal:
        return caught
    wanted = _ERRORS.get(name)
    if wanted is None and name.partition(".")[2].startswith(_ASSERTING):
        wanted = AssertionError
    return caught if wanted is None else combined(caught, wanted)


def ending(method: Callable[..., Any], caught: JobFailedError) -> Any:
    """Return the status of a failed job that a script waited for, which it looks at; any other call raises."""
    if _name(method) != "Job.wait_for_done":
        raise caught
    return caught.job.status


def combined(caught: Exception, wanted: type[Exception]) -> Exception:
    """Return the error as one that ``except`` finds by its own class and by another."""
    own = type(caught)
    if issubclass(own, wanted):
        return caught
    made = _COMBINED.get((own, wanted))
    if made is None:
        made = _COMBINED[own, wanted] = type(
            own.__name__, (own, wanted), {"__module__": own.__module__}
        )
    found = made.__new__(made, *caught.args)
    found.__dict__.update(caught.__dict__)
    found.args = caught.args
    return found


def record_dict(handle: Any) -> dict[str, Any]:
    """Return the record of a handle as the JSON object that it came from."""
    record = handle.record if hasattr(handle, "record") else handle.session.organization
    found = msgspec.to_builtins(record)
    assert isinstance(found, dict)
    return found


def _name(method: Callable[..., Any]) -> str:
    owner = getattr(method, "__self__", None)
    return f"{type(owner).__name__}.{getattr(method, '__name__', '')}"
