"""The registry of processings. Only the owner of the lake's folder registers them; the API never adds code."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import UNSET

from headrace.errors import (
    BadRequestError,
    ConfigurationError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    UniqueViolationError,
)
from headrace.model.enums import InferenceType, ProcessingTargetType, ProcessingType
from headrace.model.ids import Kind
from headrace.model.names import safe_name
from headrace.model.records import Items, ParameterRecord, ProcessingRecord
from headrace.platform.context import Context
from headrace.platform.core.access import Access, local_access
from headrace.platform.core.audit import record_command
from headrace.platform.core.identifiers import check_organization, missing
from headrace.platform.core.listing import json_text, page_offset
from headrace.platform.dispatch import handles
from headrace.platform.processings.programs import (
    BUILTIN,
    Program,
    RegisteredProcessing,
    check_value,
    processing_from_row,
)
from headrace.platform.versions.datasets import all_or_limit
from headrace.protocol.operations.processings import (
    CREATE_PROCESSING,
    DELETE_PROCESSING,
    FIND_PROCESSING,
    GET_PROCESSING,
    LIST_PROCESSINGS,
    UPDATE_PROCESSING,
    CreateProcessing,
    FindProcessing,
    ListProcessings,
    ProcessingId,
    UpdateProcessing,
)
from headrace.storage.database.base import Statements
from headrace.storage.database.locks import ONE_STATEMENT, Lock
from headrace.threads import in_thread

_CALLABLE = re.compile(r"^[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*$")
_PARAMETER = re.compile(r"^[^\W\d]\w*$")
_ORDERS = ("name", "created_at")

# --- for the owner of the folder -------------------------------------------------------------------------


async def register_processing(
    context: Context,
    name: str,
    program: Program,
    *,
    folder: Path,
    target: ProcessingTargetType = ProcessingTargetType.DATASET_VERSION,
    type: ProcessingType | None = None,
    description: str = "",
    parameters: Sequence[ParameterRecord] = (),
    version_types: Sequence[InferenceType] = (),
    cpu: int = 1,
    gpu: int = 0,
    organization_name: str | None = None,
) -> RegisteredProcessing:
    """Register a program as a processing. It is not run before it is launched.

    Args:
        context: The lake.
        name: Name of the processing, unique in the organization.
        program: The command or callable to run.
        folder: Working directory of the program.
        target: What it is launched on.
        type: Type of the processing, for information.
        description: Description, for information.
        parameters: Parameters with their defaults.
        version_types: Types of versions that it accepts; empty means all.
        cpu: Default number of CPUs.
        gpu: Default number of GPUs.
        organization_name: Organization. Default: the only one of the lake.

    Raises:
        ConflictError: The name exists.
        BadRequestError: The declaration is invalid.
        ConfigurationError: The folder or the program does not exist.
    """
    access = await local_access(context, organization_name=organization_name)
    name = safe_name(name, "name of a processing")
    if any(each.name == name for each in BUILTIN):
        raise _processing_exists(name)
    if target is ProcessingTargetType.MODEL_VERSION:
        raise BadRequestError(
            "headrace has no models", hint="target is DATASET_VERSION or DATALAKE"
        )
    if cpu < 1 or gpu < 0:
        raise BadRequestError(
            f"cpu={cpu} and gpu={gpu} are too few", hint="give at least cpu=1 and gpu=0"
        )
    _check_parameters(name, parameters)
    home = await in_thread(_check_program, program, folder)
    async with context.database.transaction(Lock.organization(access.organization)) as tx:
        registered = RegisteredProcessing(
            no=await context.database.reserve("processing"),
            created=context.clock(),
            name=name,
            target=target,
            type=type,
            description=description,
            program=program,
            folder=home,
            parameters=list(parameters),
            version_types=list(version_types),
            cpu=cpu,
            gpu=gpu,
        )
        try:
            await tx.execute(
                "processings.add",
                organization=access.organization,
                **msgspec.structs.asdict(registered)
                | {
                    "target": str(target),
                    "type": None if type is None else str(type),
                    "program": msgspec.json.encode(program).decode(),
                    "parameters": msgspec.json.encode(registered.parameters).decode(),
                    "version_types": json_text([str(each) for each in version_types]),
                },
            )
        except UniqueViolationError:
            raise _processing_exists(name) from None
        await record_command(context, tx, "processing.add", {"name": name})
    return registered


async def registered_processings(
    context: Context, organization_name: str | None = None
) -> list[RegisteredProcessing]:
    """Return all processings with their programs, the built-in ones first."""
    access = await local_access(context, organization_name=organization_name)
    return await _all_processings(context.database, access)


async def remove_processing(
    context: Context, name: str, organization_name: str | None = None, *, dry_run: bool = False
) -> RegisteredProcessing:
    """Remove a processing; running jobs continue. With ``dry_run`` it is only found.

    Raises:
        NotFoundError: There is no such processing.
        BadRequestError: The processing is a built-in one.
    """
    for found in await registered_processings(context, organization_name):
        if found.name == name:
            if found in BUILTIN:
                raise BadRequestError(f"{name} comes with headrace", hint="it cannot be removed")
            if not dry_run:
                async with context.database.transaction(ONE_STATEMENT) as tx:
                    await tx.execute("processings.remove", no=found.no)
                    await record_command(context, tx, "processing.remove", {"name": name})
            return found
    raise NotFoundError(f"there is no processing {name!r}", hint="see: headrace processing list")


# --- operations of the API -------------------------------------------------------------------------------


@handles(CREATE_PROCESSING)
async def create_processing(
    context: Context, access: Access, request: CreateProcessing
) -> ProcessingRecord:
    """Raise PermissionDeniedError: callers of the API cannot choose which programs run on this machine."""
    check_organization(access, request.organization_id)
    raise _owner_only(
        "register", f"headrace processing add LAKE {request.name} --command or --callable"
    )


@handles(LIST_PROCESSINGS)
async def list_processings(
    context: Context, access: Access, request: ListProcessings
) -> Items[ProcessingRecord]:
    """List the processings of the organization, the built-in ones first unless an order is given."""
    check_organization(access, request.organization_id)
    found = await _all_processings(context.database, access)
    for key in reversed(request.order_by or []):
        field = key.removeprefix("-")
        if field not in _ORDERS:
            raise BadRequestError(
                f"processings cannot be ordered by {field!r}", hint=f"one of {', '.join(_ORDERS)}"
            )
        by_name = field == "name"
        found.sort(key=lambda each: each.name if by_name else str(each.id), reverse=key != field)
    start, limit = page_offset(request), all_or_limit(request)
    stop = None if limit < 0 else start + limit
    return Items(items=[each.record for each in found[start:stop]])


@handles(FIND_PROCESSING)
async def find_processing(
    context: Context, access: Access, request: FindProcessing
) -> ProcessingRecord:
    """Find a processing by name."""
    check_organization(access, request.organization_id)
    for found in await _all_processings(context.database, access):
        if found.name == request.name:
            return found.record
    raise missing(Kind.PROCESSING, repr(request.name))


@handles(GET_PROCESSING)
async def get_processing(
    context: Context, access: Access, request: ProcessingId
) -> ProcessingRecord:
    """Get a processing."""
    return (await processing_of(context.database, access, request.processing_id)).record


@handles(UPDATE_PROCESSING)
async def update_processing(
    context: Context, access: Access, request: UpdateProcessing
) -> ProcessingRecord:
    """Raise PermissionDeniedError, as for a registration."""
    found = await processing_of(context.database, access, request.processing_id)
    raise _owner_only("change", f"headrace processing remove LAKE {found.name}, then add it")


@handles(DELETE_PROCESSING)
async def delete_processing(context: Context, access: Access, request: ProcessingId) -> None:
    """Raise PermissionDeniedError, as for a registration."""
    found = await processing_of(context.database, access, request.processing_id)
    raise _owner_only("remove", f"headrace processing remove LAKE {found.name}")


async def processing_of(statements: Statements, access: Access, id: UUID) -> RegisteredProcessing:
    """Find a processing by id; raises NotFoundError where the caller's organization has none with it."""
    for found in await _all_processings(statements, access):
        if found.id == id:
            return found
    raise missing(Kind.PROCESSING, id)


async def _all_processings(statements: Statements, access: Access) -> list[RegisteredProcessing]:
    rows = await statements.fetch("processings.page", organization=access.organization)
    return [*BUILTIN, *map(processing_from_row, rows)]


def _check_parameters(name: str, parameters: Sequence[ParameterRecord]) -> None:
    seen = set()
    for each in parameters:
        if not _PARAMETER.match(each.name):
            raise BadRequestError(
                f"{each.name!r} is not a valid parameter name", hint="use letters, digits and _"
            )
        if each.name in seen:
            raise BadRequestError(f"the parameter {each.name!r} is declared twice")
        seen.add(each.name)
        if each.default is not UNSET:
            check_value(name, each, each.default)


def _check_program(program: Program, folder: Path) -> str:
    """Check that program and folder exist; return the absolute path of the folder."""
    if bool(program.command) == bool(program.callable):
        raise BadRequestError("a processing is a command or a callable", hint="give one of them")
    if not folder.is_dir():
        raise ConfigurationError(f"there is no folder {folder}", hint="programs run in this folder")
    if program.callable and not _CALLABLE.match(program.callable):
        raise BadRequestError(
            f"{program.callable!r} is not a callable", hint="write module:function"
        )
    if program.command:
        first = program.command[0]
        if shutil.which(str(folder / first) if "/" in first else first) is None:
            raise ConfigurationError(
                f"there is no executable program {first!r}", hint="give its path"
            )
    return str(folder.absolute())


def _owner_only(verb: str, command: str) -> PermissionDeniedError:
    # The message includes the remedy, because other clients do not show hints.
    return PermissionDeniedError(
        f"only the owner of a lake may {verb} its processings, on its machine: {command}",
        hint="the API cannot change which programs run there",
    )


def _processing_exists(name: str) -> ConflictError:
    return ConflictError(f"there is a processing {name!r} already", hint="choose another name")
