"""The registry of processings. Only who holds the lake's folder registers: no call of the API brings code in."""

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
from headrace.platform.core.identifiers import check_organization, missing, take_numbers
from headrace.platform.core.listing import json_text, page_offset
from headrace.platform.dispatch import handles
from headrace.platform.processings.builtin import BUILTIN
from headrace.platform.processings.programs import (
    Program,
    RegisteredProcessing,
    checked_value,
    registered_of,
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
from headrace.threads import in_thread

_CALLABLE = re.compile(r"^[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*$")
_PARAMETER = re.compile(r"^[^\W\d]\w*$")
_ORDERS = ("name", "created_at")

# --- for who holds the folder ----------------------------------------------------------------------------


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
    """Register a program, to be run in ``folder``; it is taken as it is, and run only when it is launched.

    Raises :class:`ConflictError` where the name is taken, :class:`BadRequestError` or :class:`ConfigurationError` for
    what could never run.
    """
    access = await local_access(context, organization_name=organization_name)
    name = safe_name(name, "name of a processing")
    if any(each.name == name for each in BUILTIN):
        raise _taken(name)
    if target is ProcessingTargetType.MODEL_VERSION:
        raise BadRequestError(
            "there are no models here", hint="target is DATASET_VERSION or DATALAKE"
        )
    if cpu < 1 or gpu < 0:
        raise BadRequestError(f"cpu is {cpu} and gpu is {gpu}", hint="at least 1 and 0")
    _check_parameters(name, parameters)
    home = await in_thread(_checked_home, program, folder)
    async with context.database.transaction() as tx:
        made = RegisteredProcessing(
            no=await take_numbers(tx, "processing"),
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
                **msgspec.structs.asdict(made)
                | {
                    "target": str(target),
                    "type": None if type is None else str(type),
                    "program": msgspec.json.encode(program).decode(),
                    "parameters": msgspec.json.encode(made.parameters).decode(),
                    "version_types": json_text([str(each) for each in version_types]),
                },
            )
        except UniqueViolationError:
            raise _taken(name) from None
    return made


async def registered_processings(
    context: Context, organization_name: str | None = None
) -> list[RegisteredProcessing]:
    """All processings with what they run, shipped ones first."""
    access = await local_access(context, organization_name=organization_name)
    return await _all(context.database, access)


async def remove_processing(
    context: Context, name: str, organization_name: str | None = None
) -> RegisteredProcessing:
    """Forget a processing; jobs that run go on. Raises :class:`NotFoundError`, :class:`BadRequestError` for a shipped one."""
    for found in await registered_processings(context, organization_name):
        if found.name == name:
            if found in BUILTIN:
                raise BadRequestError(f"{name} comes with headrace", hint="it cannot be removed")
            await context.database.execute("processings.remove", no=found.no)
            return found
    raise NotFoundError(f"there is no processing {name!r}", hint="see: headrace processing list")


# --- for callers of the API ------------------------------------------------------------------------------


@handles(CREATE_PROCESSING)
async def create_processing(
    context: Context, access: Access, request: CreateProcessing
) -> ProcessingRecord:
    """Refused (403): a caller of the API cannot say what runs on this machine."""
    check_organization(access, request.organization_id)
    raise _for_the_owner(
        "register", f"headrace processing add LAKE {request.name} --command or --callable"
    )


@handles(LIST_PROCESSINGS)
async def list_processings(
    context: Context, access: Access, request: ListProcessings
) -> Items[ProcessingRecord]:
    """The processings of the organization, shipped ones first, unless an order is asked for."""
    check_organization(access, request.organization_id)
    found = await _all(context.database, access)
    for word in reversed(request.order_by or []):
        field = word.removeprefix("-")
        if field not in _ORDERS:
            raise BadRequestError(
                f"processings cannot be ordered by {field!r}", hint=f"one of {', '.join(_ORDERS)}"
            )
        by_name = field == "name"
        found.sort(key=lambda each: each.name if by_name else str(each.id), reverse=word != field)
    start, limit = page_offset(request), all_or_limit(request)
    stop = None if limit < 0 else start + limit
    return Items(items=[each.record for each in found[start:stop]])


@handles(FIND_PROCESSING)
async def find_processing(
    context: Context, access: Access, request: FindProcessing
) -> ProcessingRecord:
    """A processing by name."""
    check_organization(access, request.organization_id)
    for found in await _all(context.database, access):
        if found.name == request.name:
            return found.record
    raise missing(Kind.PROCESSING, repr(request.name))


@handles(GET_PROCESSING)
async def get_processing(
    context: Context, access: Access, request: ProcessingId
) -> ProcessingRecord:
    """A processing by id."""
    return (await processing_of(context.database, access, request.processing_id)).record


@handles(UPDATE_PROCESSING)
async def update_processing(
    context: Context, access: Access, request: UpdateProcessing
) -> ProcessingRecord:
    """Refused (403), like a registration."""
    found = await processing_of(context.database, access, request.processing_id)
    raise _for_the_owner("change", f"headrace processing remove LAKE {found.name}, then add it")


@handles(DELETE_PROCESSING)
async def delete_processing(context: Context, access: Access, request: ProcessingId) -> None:
    """Refused (403), like a registration."""
    found = await processing_of(context.database, access, request.processing_id)
    raise _for_the_owner("remove", f"headrace processing remove LAKE {found.name}")


async def processing_of(statements: Statements, access: Access, id: UUID) -> RegisteredProcessing:
    """The processing of an id; 404 where it is not there for this caller."""
    for found in await _all(statements, access):
        if found.id == id:
            return found
    raise missing(Kind.PROCESSING, id)


async def _all(statements: Statements, access: Access) -> list[RegisteredProcessing]:
    rows = await statements.fetch("processings.page", organization=access.organization)
    return [*BUILTIN, *map(registered_of, rows)]


def _check_parameters(name: str, parameters: Sequence[ParameterRecord]) -> None:
    seen = set()
    for each in parameters:
        if not _PARAMETER.match(each.name):
            raise BadRequestError(
                f"{each.name!r} cannot name a parameter", hint="letters, digits and _"
            )
        if each.name in seen:
            raise BadRequestError(f"the parameter {each.name!r} is declared twice")
        seen.add(each.name)
        if each.default is not UNSET:
            checked_value(name, each, each.default)


def _checked_home(program: Program, folder: Path) -> str:
    """The whole path of the folder, once program and folder make sense."""
    if bool(program.command) == bool(program.callable):
        raise BadRequestError("a processing is a command or a callable", hint="give one of them")
    if not folder.is_dir():
        raise ConfigurationError(f"there is no folder {folder}", hint="it is where programs run")
    if program.callable and not _CALLABLE.match(program.callable):
        raise BadRequestError(
            f"{program.callable!r} names no callable", hint="write module:function"
        )
    if program.command:
        first = program.command[0]
        if shutil.which(str(folder / first) if "/" in first else first) is None:
            raise ConfigurationError(
                f"there is no program {first!r} that could be run", hint="give its path"
            )
    return str(folder.absolute())


def _for_the_owner(verb: str, command: str) -> PermissionDeniedError:
    # The cure is in the message: clients of others show nothing else.
    return PermissionDeniedError(
        f"only the owner of a lake may {verb} its processings, on its machine: {command}",
        hint="no call says what runs there",
    )


def _taken(name: str) -> ConflictError:
    return ConflictError(f"there is a processing {name!r} already", hint="choose another name")
