"""``headrace job``: show the logs of jobs and cancel jobs."""

from __future__ import annotations

import sys

from headrace.cli.console.options import DEFAULT_ACCOUNT, DEFAULT_OUTPUT, Account, Flag, Output
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected


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
        target: A lake's folder or a server's URL.
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
    target: str, job: str, /, *, output: Output = DEFAULT_OUTPUT, account: Account = DEFAULT_ACCOUNT
) -> Result:
    """Cancel a job.

    Args:
        target: A lake's folder or a server's URL.
        job: The job's id.
    """
    async with connected(target, account) as client:
        status = await (await client.get_job_by_id(job)).cancel()
    return Result(
        command="job.cancel",
        data={"job": job, "status": str(status)},
        lines=[f"Job {job} is {status}."],
    )


def _print_or_keep(piece: str, output: Output) -> list[str]:
    """Print a piece of the log; for ``--json`` return it instead."""
    if output.json:
        return [piece]
    sys.stdout.write(piece)
    sys.stdout.flush()
    return []
