"""Read the logs of jobs' programs."""

from __future__ import annotations

import codecs

import anyio

from headrace.errors import BadRequestError
from headrace.model.enums import JobStatus
from headrace.model.records import JobLogRecord
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.dispatch import handles
from headrace.platform.jobs.launched import check_output
from headrace.platform.jobs.records import HOLD_SECONDS, JOB_RUN, job_of
from headrace.platform.processings.log_rows import read_rows
from headrace.platform.processings.run import LOGS
from headrace.protocol.operations.jobs import READ_JOB_LOG, ReadJobLog
from headrace.subprocesses.log import LogChunk, read_log

MAX_BYTES = 256 * 1024
"""Maximum number of bytes of a log in one response."""

_POLL_SECONDS = 0.1


@handles(READ_JOB_LOG)
async def read_job_log(context: Context, access: Access, request: ReadJobLog) -> JobLogRecord:
    """Read the next chunk of a log; with ``wait``, wait for new output or the end of the job.

    Raises PermissionDeniedError for a user who neither launched the job nor is an owner of the organization.
    """
    if request.offset < 0:
        raise BadRequestError(f"offset is {request.offset}", hint="it must not be negative")
    found = await _read_chunk(context, access, request)
    if request.wait:
        with context.jobs.waiting(HOLD_SECONDS):
            while not (found.text or found.ended):
                await anyio.sleep(_POLL_SECONDS)
                found = await _read_chunk(context, access, request)
    return found


async def _read_chunk(context: Context, access: Access, request: ReadJobLog) -> JobLogRecord:
    # The state is read first, so that everything printed before the end is in the log.
    job = await job_of(context.database, access, request.job_id, JOB_RUN)
    check_output(access, job.kind, job.spec)
    if context.shared:
        chunk = await read_rows(context.database, job.no, request.offset, MAX_BYTES)
    else:
        chunk = await read_log(context.path / LOGS / str(job.no), request.offset, MAX_BYTES)
    ended = job.state != JobStatus.RUNNING
    text, used = _decode_text(chunk, complete=ended)
    at = chunk.offset + used
    return JobLogRecord(
        offset=chunk.offset, text=text, next_offset=at, ended=ended and at >= chunk.end
    )


def _decode_text(chunk: LogChunk, *, complete: bool) -> tuple[str, int]:
    """Decode a chunk; return the text and the number of bytes used, without a truncated character at the end."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    at_end = chunk.offset + len(chunk.content) >= chunk.end
    text = decoder.decode(chunk.content, final=complete and at_end)
    pending = len(decoder.getstate()[0])
    if not text and not at_end:
        # The rest of the character was dropped with the middle of the log.
        return chunk.content.decode(errors="replace"), len(chunk.content)
    return text, len(chunk.content) - pending
