"""What a processing runs, what it takes, and which values fit."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct

from headrace.errors import BadRequestError
from headrace.model.enums import InferenceType, ProcessingTargetType, ProcessingType
from headrace.model.ids import Kind, encode
from headrace.model.records import ParameterRecord, ProcessingRecord
from headrace.storage.database.base import Row

MAX_PARAMETERS = 64 * 1024
"""Bytes of a launch's parameters as JSON; they travel in the environment, which has little room."""

_RUNNER = "headrace.processing"


class Program(Struct, frozen=True, omit_defaults=True):
    """The words of a command, or a Python callable as ``module:function``; exactly one of them is there."""

    command: list[str] = []
    callable: str = ""

    def words(self, folder: str) -> list[str]:
        """What is run; a callable may be found in ``folder``."""
        if self.command:
            return self.command
        # Without -P whatever lies in the working folder would go before Python's own modules.
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
        """The processing as the API shows it: what it runs is for the owner of the lake to know."""
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

    def filled(self, given: dict[str, Any] | None) -> dict[str, Any]:
        """All parameters of a launch, in the order in which they are declared.

        Raises :class:`BadRequestError` for one that is unknown, missing, or of another type than its default.
        """
        given = given or {}
        declared = {each.name: each for each in self.parameters}
        for name in given:
            if name not in declared:
                near = get_close_matches(name, declared, n=1)
                names = f"it takes {', '.join(declared)}" if declared else "it takes none"
                raise BadRequestError(
                    f"{self.name} takes no parameter {name!r}",
                    hint=f"did you mean {near[0]!r}?" if near else names,
                )
        missing = [n for n, each in declared.items() if each.default is UNSET and n not in given]
        if missing:
            raise BadRequestError(
                f"{self.name} needs the parameter {missing[0]!r}", hint="it has no default"
            )
        values = {
            name: checked_value(self.name, each, given[name]) if name in given else each.default
            for name, each in declared.items()
        }
        if len(msgspec.json.encode(values)) > MAX_PARAMETERS:
            raise BadRequestError(
                "the parameters are too large", hint=f"at most {MAX_PARAMETERS} bytes as JSON"
            )
        return values


def registered_of(row: Row) -> RegisteredProcessing:
    """A row of the registry."""
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


def checked_value(processing: str, parameter: ParameterRecord, value: Any) -> Any:
    """A value that fits a parameter, whole numbers where others are taken too; :class:`BadRequestError` else."""
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
    # type() and not isinstance(): a bool is no number here.
    if type(value) is not type(default):
        raise BadRequestError(
            f"{processing}: {parameter.name} is {value!r}", hint=f"give a value like {default!r}"
        )
    return value
