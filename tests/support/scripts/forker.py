"""Fork a version from a process of its own, in many small ranges: ``forker.py LAKE VERSION NAME``; prints each range."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from uuid import UUID

from headrace.platform.jobs import runner as job_runner
from headrace.platform.jobs.work import Progress
from headrace.platform.versions.fork import ForkWork
from headrace.protocol.operations import jobs
from headrace.storage.database.base import Transaction
from tests.support.lakes.forks import fork
from tests.support.lakes.stocked_lake import stocked


class ToldWork(ForkWork):
    """A fork that says when it is about to commit a range."""

    async def write(self, tx: Transaction, cursor: object, size: int) -> Progress | None:
        done = await super().write(tx, cursor, size)
        print("end" if done is None else done.cursor, flush=True)
        return done


async def main(path: str, version: str, name: str) -> None:
    async with stocked(Path(path)) as lake:
        begun = await fork(lake, UUID(version), name, with_tags=True, with_annotations=True)
        while (await lake.call(jobs.GET_JOB, job_id=begun.job.id)).status == "RUNNING":
            pass
        print("finished", flush=True)


if __name__ == "__main__":
    from headrace.platform.platform import JOB_KINDS

    JOB_KINDS["FORK"] = ToldWork
    job_runner.FIRST_SIZE = job_runner.MIN_SIZE = job_runner.MAX_SIZE = 25
    asyncio.run(main(*sys.argv[1:]))
