"""Jobs of both kinds (reference 14)."""

from __future__ import annotations

from typing import Any

from tests.support.plain_platform.kinds import BOOL, INT, NAME, TEXT, UUID, needed, or_null, record
from tests.support.plain_platform.routes import Call, Route, missing
from tests.support.plain_platform.session import ORGANIZATION, in_organization

JOB_RUN = "/api/v2/job/{job}"


def _get(call: Call) -> dict[str, str]:
    return call.at(call.store.jobs, "job").look()


def _get_run(call: Call) -> dict[str, str]:
    return call.at(call.store.job_runs, "job").look()


def _find(call: Call) -> dict[str, str]:
    """Jobs of the second kind only."""
    in_organization(call)
    job = call.store.job_runs.get(call.query["id"])
    if job is None:
        raise missing("job")
    return job.look()


def _succeed(call: Call) -> dict[str, str]:
    job = call.at(call.store.job_runs, "job")
    job.looks_left, job.fails = 0, False
    return job.look()


def _fail(call: Call) -> dict[str, str]:
    job = call.at(call.store.job_runs, "job")
    job.looks_left, job.fails = 0, True
    return job.look()


def _run(call: Call) -> dict[str, str]:
    job = call.at(call.store.job_runs, "job")
    job.looks_left = max(1, job.looks_left)
    return job.look()


def _log(call: Call) -> None:
    call.at(call.store.job_runs, "job")


def _save_log(call: Call) -> dict[str, Any]:
    call.at(call.store.job_runs, "job")
    return {"logging_object_name": call.body["logging_object_name"]}


ROUTES = [
    Route("GET", "/api/job/{job}", _get),
    Route("GET", JOB_RUN, _get_run),
    Route("GET", f"{ORGANIZATION}/jobv2s/find", _find, query={"id": needed(UUID)}),
    Route("POST", f"{JOB_RUN}/succeed", _succeed),
    Route("POST", f"{JOB_RUN}/fail", _fail),
    Route("POST", f"{JOB_RUN}/running", _run),
    Route(
        "POST",
        f"{JOB_RUN}/logging",
        _log,
        body=record(
            {
                "line_nb": needed(INT),
                "log": needed(or_null(TEXT)),
                "final": BOOL,
                "part": TEXT,
                "special": or_null(TEXT),
            }
        ),
    ),
    Route(
        "POST",
        f"{JOB_RUN}/logging/save",
        _save_log,
        body=record({"logging_object_name": needed(NAME)}),
    ),
]
