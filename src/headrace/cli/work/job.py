"""``headrace job``: list jobs, show one, print its log, and cancel it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from headrace.cli.console.errors import DONE, FAILED
from headrace.cli.console.options import DEFAULT_ACCOUNT, DEFAULT_OUTPUT, Account, Flag, Output
from headrace.cli.console.result import Form, Result
from headrace.cli.console.target import connected

if TYPE_CHECKING:
    from headrace.sdk.job import Job

ENDED_WELL = ("success", "succeeded")


async def list_(
    target: str,
    /,
    *,
    limit: Annotated[int, Parameter(validator=Number(gte=1, lte=1000))] = 20,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """List the newest jobs: id, status, kind, and how far they are.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        limit: Maximum number of jobs.
    """
    async with connected(target, account) as client:
        jobs = [_data(job) for job in await client.list_jobs(limit)]
    return Result(
        command="job.list",
        data={"jobs": jobs},
        lines=[_line(job) for job in jobs] or ["no jobs yet"],
    )


async def show(
    target: str,
    job: str,
    /,
    *,
    wait: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Show the status of a job, and why it failed.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        job: The job's id.
        wait: Wait until the job has ended; the exit status is 1 if it failed.
    """
    async with connected(target, account) as client:
        found = await client.get_job_by_id(job)
        while wait and not found.done:
            await found.sync()
    data = _data(found)
    failed = found.done and data["status"] not in ENDED_WELL
    return Result(
        command="job.show",
        data=data,
        lines=[_line(data), *([f"  {data['error']}"] if data["error"] else [])],
        status=FAILED if wait and failed else DONE,
    )


async def log(
    target: str,
    job: str,
    /,
    *,
    follow: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Print the output of a processing's program.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        job: The job's id.
        follow: Print new output until the job has ended.
    """
    async with connected(target, account) as client:
        found = await client.get_job_by_id(job)
        pieces = []
        if follow:
            async for piece in found.iter_logs():
                pieces += _print_or_keep(piece, output)
            await found.sync()
        else:
            pieces += _print_or_keep(await found.logs(), output)
    return Result(
        command="job.log",
        data={"job": job, "status": str(found.status), "log": "".join(pieces)},
    )


async def cancel(
    target: str,
    job: str,
    /,
    *,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Cancel a job.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        job: The job's id.
        dry_run: Print the status of the job, and do nothing.
    """
    async with connected(target, account) as client:
        found = await client.get_job_by_id(job)
        status = found.status if dry_run else await found.cancel()
    return Result(
        command="job.cancel",
        data={"job": job, "status": str(status), "dry_run": dry_run},
        lines=[f"Job {job} is {status}."],
    )


def _print_or_keep(piece: str, output: Output) -> list[str]:
    """Print a piece of the log; for ``--json`` return it instead."""
    if output.form is not Form.TEXT:
        return [piece]
    sys.stdout.write(piece)
    sys.stdout.flush()
    return []


def _data(job: Job) -> dict[str, Any]:
    record = job.record
    return {
        "job": str(job.id),
        "status": job.status.value.lower(),
        "kind": job.kind,
        "done": record.done if isinstance(record.done, int) else None,
        "total": record.total if isinstance(record.total, int) else None,
        "error": job.error,
    }


def _line(job: dict[str, Any]) -> str:
    done = f"{job['done'] or 0:,} of {job['total']:,}" if job["total"] else ""
    return "  ".join(filter(None, [job["job"], job["status"], job["kind"], done]))
