"""``headrace job``: what is done in jobs."""

from __future__ import annotations

import sys

from headrace.cli.console.options import ANYONE, PLAIN, Account, Flag, Output
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected


async def log(
    target: str,
    job: str,
    /,
    *,
    follow: Flag = False,
    output: Output = PLAIN,
    account: Account = ANYONE,
) -> Result:
    """Show what the program of a processing has printed.

    Args:
        target: A lake's folder or a server's URL.
        job: The job's id.
        follow: Go on until the job has ended.
    """
    async with connected(target, account) as client:
        found = await client.get_job_by_id(job)
        pieces = []
        if follow:
            async for piece in found.iter_logs():
                pieces += _shown(piece, output)
            await found.sync()
        else:
            pieces += _shown(await found.logs(), output)
    return Result(
        command="job.log",
        data={"job": job, "status": str(found.status), "log": "".join(pieces)},
    )


async def cancel(
    target: str, job: str, /, *, output: Output = PLAIN, account: Account = ANYONE
) -> Result:
    """Ask a job to stop.

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


def _shown(piece: str, output: Output) -> list[str]:
    """Print a piece at once; what is to be one JSON object is kept instead."""
    if output.json:
        return [piece]
    sys.stdout.write(piece)
    sys.stdout.flush()
    return []
