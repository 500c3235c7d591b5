"""Launch a processing: invalid launches are refused before anything runs."""

from __future__ import annotations

from uuid import UUID

import msgspec

from headrace.errors import (
    BadRequestError,
    ConflictError,
    InsufficientResourcesError,
    RequestTooLargeError,
)
from headrace.model.enums import JobStatus, ProcessingTargetType
from headrace.model.ids import Kind
from headrace.model.records import JobRunRecord
from headrace.platform.assets.selectors import present_seqs
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import key_of, missing
from headrace.platform.core.listing import json_text
from headrace.platform.core.scopes import check_unlocked, datalake_scope, version_scope
from headrace.platform.dispatch import handles, then
from headrace.platform.jobs.launched import LAKE_KIND, VERSION_KIND
from headrace.platform.jobs.records import JOB_RUN, Job, job_of, record_job
from headrace.platform.processings.programs import RegisteredProcessing
from headrace.platform.processings.registry import processing_of
from headrace.platform.processings.run import ProcessingSpec
from headrace.protocol.operations.listing import IDS_PER_CALL
from headrace.protocol.operations.processings import (
    LAUNCH_ON_DATALAKE,
    LAUNCH_ON_VERSION,
    Launch,
    LaunchOnDatalake,
    LaunchOnVersion,
)
from headrace.storage.database.base import Transaction
from headrace.storage.database.locks import Lock


@handles(LAUNCH_ON_VERSION)
async def launch_on_version(
    context: Context, access: Access, request: LaunchOnVersion
) -> JobRunRecord:
    """Launch a processing on a version, or on the given assets of it."""
    database = context.database
    found = await _launchable(
        context, access, request, ProcessingTargetType.DATASET_VERSION, "a version"
    )
    scope = await version_scope(database, access, request.version_id)
    if scope.filling:
        check_unlocked(scope)
    if found.version_types and scope.type not in found.version_types:
        raise BadRequestError(
            f"{found.name} does not accept versions of type {scope.type}, such as {scope.full_name}",
            hint=f"it accepts {', '.join(found.version_types)}",
        )
    totals = await database.fetch_one("counters.totals", bucket=scope.bucket, version=scope.no)
    if totals is None or not totals[0]:
        raise BadRequestError(f"version {scope.full_name} has no assets", hint="add data first")
    ids = _ids(request.asset_ids, "assets")
    if ids is not None:
        await present_seqs(database, scope, ids)
    return await _launch(context, access, found, request, VERSION_KIND, scope.no, scope.id, ids)


@handles(LAUNCH_ON_DATALAKE)
async def launch_on_datalake(
    context: Context, access: Access, request: LaunchOnDatalake
) -> JobRunRecord:
    """Launch a processing on data of a lake."""
    found = await _launchable(context, access, request, ProcessingTargetType.DATALAKE, "a datalake")
    lake = await datalake_scope(context.database, access, request.datalake_id)
    ids = _ids(request.data_ids, "data") or []
    counted = await context.database.fetch_one(
        "tags.count_data", keys=json_text(lake.numbers(ids)), bucket=lake.bucket, scope=lake.no
    )
    if counted is None or counted[0] != len(ids):
        raise missing(Kind.DATA, f"among the {len(ids)} given")
    return await _launch(context, access, found, request, LAKE_KIND, lake.no, lake.id, ids)


async def _launchable(
    context: Context,
    access: Access,
    request: Launch,
    target: ProcessingTargetType,
    target_name: str,
) -> RegisteredProcessing:
    found = await processing_of(context.database, access, request.processing_id)
    if found.target is not target:
        raise BadRequestError(
            f"{found.name} cannot be launched on {target_name}",
            hint=f"its target is {found.target}",
        )
    if request.inputs:
        raise BadRequestError(
            f"{found.name} takes no input {next(iter(request.inputs))!r}",
            hint="use parameters=",
        )
    return found


def _ids(given: list[UUID] | None, what: str) -> list[UUID] | None:
    if given is None:
        return None
    if not given:
        raise BadRequestError(f"no {what} are given", hint="give at least one")
    if len(given) > IDS_PER_CALL:
        raise RequestTooLargeError(
            f"{len(given)} {what} in one call", hint=f"at most {IDS_PER_CALL}, or all of them"
        )
    return list(dict.fromkeys(given))


async def _launch(
    context: Context,
    access: Access,
    found: RegisteredProcessing,
    request: Launch,
    kind: str,
    subject: int,
    subject_id: UUID,
    ids: list[UUID] | None,
) -> JobRunRecord:
    cpu = _check_count(context.slots.cpus, "cpu", request.cpu, found.cpu, least=1)
    gpu = _check_count(context.slots.gpus, "gpu", request.gpu, found.gpu, least=0)
    spec = ProcessingSpec(
        processing=found.name,
        program=found.program,
        folder=found.folder,
        subject=subject_id,
        ids=ids,
        parameters=found.check_parameters(request.parameters),
        cpu=cpu,
        gpu=gpu,
        account=access.account,
        username=access.username,
        organization=access.organization_id,
    )
    text = msgspec.json.encode(spec).decode()
    async with context.database.transaction(Lock.organization(access.organization)) as tx:
        # A client repeats a call after a lost response: the same launch, while it runs, is not started twice.
        running = await tx.fetch_one(
            "jobs.running", kind=kind, subject=subject, spec=text, organization=access.organization
        )
        if running is not None and await context.jobs.is_held(tx, running[0]):
            job = Job(running[0], running[1], JOB_RUN, kind, subject, "", text, 0, None, None)
            return (await job_of(tx, access, job.id, JOB_RUN)).run_record
        await _check_room(context, tx, access)
        job = await record_job(
            context,
            tx,
            access.organization,
            kind=kind,
            subject=subject,
            state=JobStatus.RUNNING,
            spec=text,
            total=None,
            wire=JOB_RUN,
        )
        await context.jobs.reserve(tx, job.no)
    return job.run_record


@then(LAUNCH_ON_VERSION)
@then(LAUNCH_ON_DATALAKE)
async def start_program(context: Context, access: Access, recorded: JobRunRecord) -> JobRunRecord:
    """Start the program of a recorded job: before the commit, its job could not be claimed on another connection."""
    context.jobs.start(key_of(recorded.id, Kind.JOB).number)
    return recorded


async def _check_room(context: Context, tx: Transaction, access: Access) -> None:
    """Raise ConflictError where the organization has as many launched jobs as it may have."""
    if context.max_launches is None:
        return
    kinds = json_text([VERSION_KIND, LAKE_KIND])
    row = await tx.fetch_one("jobs.count_open", kinds=kinds, organization=access.organization)
    if row is not None and row[0] >= context.max_launches:
        raise ConflictError(
            f"{row[0]} launched jobs of this organization run or wait, and this server takes no more at once",
            hint="wait until one has ended, or cancel one: headrace job cancel",
        )


def _check_count(
    available: int, what: str, requested: int | None, default: int, *, least: int
) -> int:
    count = default if requested is None else requested
    if count < least:
        raise BadRequestError(f"{what}={count} is too small", hint=f"give at least {least}")
    if count > available:
        raise InsufficientResourcesError(
            f"{count} {what} are requested, but this machine has {available}",
            hint=f"pass a smaller {what}=",
        )
    return count
