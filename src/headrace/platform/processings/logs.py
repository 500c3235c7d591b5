"""What the programs of jobs printed."""

from __future__ import annotations

import codecs

import anyio

from headrace.errors import BadRequestError
from headrace.model.enums import JobStatus
from headrace.model.records import JobLogRecord
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.dispatch import handles
from headrace.platform.jobs.records import HOLD_SECONDS, JOB_RUN, job_of
from headrace.platform.processings.run import LOGS
from headrace.protocol.operations.jobs import READ_JOB_LOG, ReadJobLog
from headrace.subprocesses.log import LogChunk, read_log
from headrace.threads import in_thread

PIECE = 256 * 1024
"""The most bytes of a log in one answer."""

_LOOK_SECONDS = 0.1


@handles(READ_JOB_LOG)
async def read_job_log(context: Context, access: Access, request: ReadJobLog) -> JobLogRecord:
    """The next piece of a log; with ``wait`` the answer is held until there is one, or the job has ended."""
    if request.offset < 0:
        raise BadRequestError(f"offset is {request.offset}", hint="it must not be negative")
    found = await _look(context, access, request)
    if request.wait:
        with context.jobs.waiting(HOLD_SECONDS):
            while not (found.text or found.ended):
                await anyio.sleep(_LOOK_SECONDS)
                found = await _look(context, access, request)
    return found


async def _look(context: Context, access: Access, request: ReadJobLog) -> JobLogRecord:
    # The state first: what was printed before the end is in the log by then.
    job = await job_of(context.database, access, request.job_id, JOB_RUN)
    folder = context.path / LOGS / str(job.no)
    piece = await in_thread(read_log, folder, request.offset, PIECE)
    over = job.state != JobStatus.RUNNING
    text, used = _text(piece, whole=over)
    at = piece.offset + used
    return JobLogRecord(
        offset=piece.offset, text=text, next_offset=at, ended=over and at >= piece.end
    )


def _text(piece: LogChunk, *, whole: bool) -> tuple[str, int]:
    """The text of a piece, and how many of its bytes that is: a letter that is cut waits for its other half."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    at_end = piece.offset + len(piece.content) >= piece.end
    text = decoder.decode(piece.content, final=whole and at_end)
    waiting = len(decoder.getstate()[0])
    if not text and not at_end:
        # Its other half was dropped with the middle of the log.
        return piece.content.decode(errors="replace"), len(piece.content)
    return text, len(piece.content) - waiting
