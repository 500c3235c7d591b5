"""Registered processings: the program, its parameters, and the check of their values."""

from __future__ import annotations

import sys
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct

from headrace.errors import BadRequestError, did_you_mean
from headrace.model.enums import InferenceType, ProcessingTargetType, ProcessingType
from headrace.model.ids import Kind, encode
from headrace.model.records import ParameterRecord, ProcessingRecord
from headrace.storage.database.base import Row

MAX_PARAMETERS = 64 * 1024
"""Maximum bytes of the parameters of a launch as JSON; they are passed in the environment, whose size is limited."""

_RUNNER = "headrace.processing"


class Program(Struct, frozen=True, omit_defaults=True):
    """A command with its arguments, or a Python callable ``module:function``; exactly one of them is set.

    ``variables`` are the names of the server's environment variables that it gets besides the usual ones.
    """

    command: list[str] = []
    callable: str = ""
    variables: list[str] = []

    def command_line(self, folder: str) -> list[str]:
        """Return the command to run; the module of a callable may be in ``folder``."""
        if self.command:
            return self.command
        # Without -P, files in the working folder would shadow the modules of Python.
        return [sys.executable, "-P", "-m", _RUNNER, self.callable, folder]


class RegisteredProcessing(Struct, frozen=True, kw_only=True):
    """A processing that can be launched."""

    no: int
    created: int
    name: str
    target: ProcessingTargetType
    type: ProcessingType | None
    description: str
    program: Program
    folder: str
    parameters: list[ParameterRecord]
    version_types: list[InferenceType]
    cpu: int
    gpu: int

    @property
    def id(self) -> UUID:
        """The id of the processing."""
        return encode(Kind.PROCESSING, self.created, 0, self.no)

    @property
    def record(self) -> ProcessingRecord:
        """The record of the processing; it does not show the program, which only the owner of the lake may see."""
        return ProcessingRecord(
            id=self.id,
            name=self.name,
            target=self.target,
            type=self.type,
            description=self.description,
            default_cpu=self.cpu,
            default_gpu=self.gpu,
            default_parameters={
                each.name: each.default for each in self.parameters if each.default is not UNSET
            },
            parameters=self.parameters,
            version_types=self.version_types,
        )

    def check_parameters(self, given: dict[str, Any] | None) -> dict[str, Any]:
        """Check the parameters of a launch; return all of them, with defaults, in the order of their declaration.

        Raises:
            BadRequestError: A parameter is unknown or missing, or has another type than its default.
        """
        given = given or {}
        declared = {each.name: each for each in self.parameters}
        for name in given:
            if name not in declared:
                names = f"it takes {', '.join(declared)}" if declared else "it takes none"
                raise BadRequestError(
                    f"{self.name} takes no parameter {name!r}",
                    hint=did_you_mean(name, declared).strip() or names,
                )
        missing = [n for n, each in declared.items() if each.default is UNSET and n not in given]
        if missing:
            raise BadRequestError(
                f"{self.name} needs the parameter {missing[0]!r}", hint="it has no default"
            )
        values = {
            name: check_value(self.name, each, given[name]) if name in given else each.default
            for name, each in declared.items()
        }
        if len(msgspec.json.encode(values)) > MAX_PARAMETERS:
            raise BadRequestError(
                "the parameters are too large", hint=f"at most {MAX_PARAMETERS} bytes as JSON"
            )
        return values


def processing_from_row(row: Row) -> RegisteredProcessing:
    """Make a processing from a row of the registry."""
    no, created, name, target, kind, description, program, folder, *more = row
    parameters, version_types, cpu, gpu = more
    return RegisteredProcessing(
        no=no,
        created=created,
        name=name,
        target=ProcessingTargetType(target),
        type=None if kind is None else ProcessingType(kind),
        description=description,
        program=msgspec.json.decode(program, type=Program),
        folder=folder,
        parameters=msgspec.json.decode(parameters, type=list[ParameterRecord]),
        version_types=msgspec.json.decode(version_types, type=list[InferenceType]),
        cpu=cpu,
        gpu=gpu,
    )


def check_value(processing: str, parameter: ParameterRecord, value: Any) -> Any:
    """Check a value of a parameter and return it; integers become floats where the default is a float.

    Raises:
        BadRequestError: The value is not one of the choices, or has another type than the default.
    """
    default = parameter.default
    if parameter.choices is not UNSET and value not in parameter.choices:
        shown = ", ".join(map(str, parameter.choices))
        raise BadRequestError(
            f"{processing}: {parameter.name} cannot be {value!r}", hint=f"one of {shown}"
        )
    if default is UNSET or default is None:
        return value
    if isinstance(default, float) and type(value) is int:
        return float(value)
    # type() instead of isinstance(): a bool is not a number here.
    if type(value) is not type(default):
        raise BadRequestError(
            f"{processing}: {parameter.name} is {value!r}", hint=f"give a value like {default!r}"
        )
    return value


BUILTIN = (
    RegisteredProcessing(
        no=1,
        # Older than any registered processing, so their ids never collide.
        created=0,
        name="find-duplicates",
        target=ProcessingTargetType.DATASET_VERSION,
        type=ProcessingType.AUTO_TAGGING,
        description="Tag the assets whose image is in the version already: the same bytes, or a similar picture.",
        program=Program(callable="headrace.processing.duplicates:find_duplicates"),
        folder="",
        parameters=[
            ParameterRecord(name="method", default="content", choices=["content", "perceptual"]),
            ParameterRecord(name="distance", default=4),
            ParameterRecord(name="tag", default="duplicate"),
            ParameterRecord(name="keep_first", default=True),
        ],
        version_types=[],
        cpu=1,
        gpu=0,
    ),
)
"""The processings that every lake has; they are not stored in the catalog."""
