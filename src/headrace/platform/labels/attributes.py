"""Attribute definitions: which attributes the annotations of a version and the shapes of a label may have."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from headrace.errors import BadRequestError
from headrace.model.enums import AttributeType
from headrace.model.ids import Kind
from headrace.model.names import safe_name
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.identifiers import missing
from headrace.platform.core.locking import version_locks
from headrace.platform.core.scopes import scope_of_part, touch, version_scope
from headrace.platform.dispatch import handles
from headrace.protocol.operations.label_details import (
    GET_LABEL_ATTRIBUTES,
    GET_VERSION_ATTRIBUTES,
    SET_LABEL_ATTRIBUTES,
    SET_VERSION_ATTRIBUTES,
    AttributeRecord,
    AttributesRecord,
    SetLabelAttributes,
    SetVersionAttributes,
)
from headrace.protocol.operations.labels import LabelId, ListLabels

MAX_CHOICES = 64
MAX_DISPLAY_NAME = 256
MAX_ATTRIBUTES = 1_000

_NUMBERS = (AttributeType.INTEGER, AttributeType.FLOAT)
_attributes = msgspec.json.Decoder(dict[str, AttributeRecord])


@handles(GET_LABEL_ATTRIBUTES)
async def get_label_attributes(
    context: Context, access: Access, request: LabelId
) -> AttributesRecord:
    """Get the attribute definitions of a label's shapes."""
    scope, key = await scope_of_part(context.database, access, request.label_id, Kind.LABEL)
    row = await context.database.fetch_one("labels.attributes", version=scope.no, key=key)
    if row is None:
        raise missing(Kind.LABEL, request.label_id)
    return _record(row[0])


@handles(SET_LABEL_ATTRIBUTES)
async def set_label_attributes(
    context: Context, access: Access, request: SetLabelAttributes
) -> None:
    """Replace the attribute definitions of a label's shapes; a 400 names the invalid one."""
    text = _text(request.attributes)
    locks = await version_locks(context, request.label_id, Kind.LABEL)
    async with context.database.transaction(*locks) as tx:
        scope, key = await scope_of_part(tx, access, request.label_id, Kind.LABEL, change=True)
        await touch(tx, scope)
        if not await tx.execute(
            "labels.set_attributes", version=scope.no, key=key, attributes=text
        ):
            raise missing(Kind.LABEL, request.label_id)


@handles(GET_VERSION_ATTRIBUTES)
async def get_version_attributes(
    context: Context, access: Access, request: ListLabels
) -> AttributesRecord:
    """Get the attribute definitions of a version's annotations."""
    scope = await version_scope(context.database, access, request.version_id)
    row = await context.database.fetch_one("labels.version_attributes", version=scope.no)
    return _record(None if row is None else row[0])


@handles(SET_VERSION_ATTRIBUTES)
async def set_version_attributes(
    context: Context, access: Access, request: SetVersionAttributes
) -> None:
    """Replace the attribute definitions of a version's annotations; a 400 names the invalid one."""
    text = _text(request.attributes)
    locks = await version_locks(context, request.version_id)
    async with context.database.transaction(*locks) as tx:
        scope = await version_scope(tx, access, request.version_id, change=True)
        await touch(tx, scope)
        await tx.execute("labels.set_version_attributes", version=scope.no, attributes=text)


def _record(text: str | None) -> AttributesRecord:
    return AttributesRecord(attributes=None if text is None else _attributes.decode(text))


def _text(attributes: Mapping[str, AttributeRecord] | None) -> str | None:
    if attributes is None:
        return None
    if len(attributes) > MAX_ATTRIBUTES:
        raise BadRequestError(
            f"too many attributes: {len(attributes)}", hint=f"at most {MAX_ATTRIBUTES}"
        )
    for name, attribute in attributes.items():
        safe_name(name, "name of an attribute")
        problem = _problem(attribute)
        if problem:
            raise BadRequestError(f"attribute {name!r}: {problem}", hint="nothing was changed")
    return msgspec.json.encode(attributes).decode()


def _problem(attribute: AttributeRecord) -> str | None:
    """Describe what is invalid in an attribute definition; None if it is valid."""
    shown = attribute.display_name
    if shown is not None and not 1 <= len(shown) <= MAX_DISPLAY_NAME:
        return f"display_name must have 1 to {MAX_DISPLAY_NAME} characters"
    if attribute.archived and attribute.required:
        return "an archived attribute cannot be required"
    if attribute.allow_multiple is not None and attribute.choices is None:
        return "allow_multiple needs choices"
    return _choices_problem(attribute) or _range_problem(attribute)


def _choices_problem(attribute: AttributeRecord) -> str | None:
    choices, kind = attribute.choices, attribute.input_type
    if choices is None:
        return None
    if kind is AttributeType.BOOLEAN:
        return "BOOLEAN takes no choices"
    if attribute.min is not None or attribute.max is not None:
        return "choices cannot be combined with min and max"
    least = 2 if kind is AttributeType.STRING else 1
    if not least <= len(choices) <= MAX_CHOICES:
        return f"{kind} takes {least} to {MAX_CHOICES} choices, not {len(choices)}"
    for choice in choices:
        if not _fits(choice, kind):
            return f"choice {choice!r} is not {kind}"
    if any(choice in choices[:index] for index, choice in enumerate(choices)):
        return "a choice is given twice"
    return None


def _range_problem(attribute: AttributeRecord) -> str | None:
    low, high = attribute.min, attribute.max
    if low is None and high is None:
        return None
    if attribute.input_type not in _NUMBERS:
        return f"{attribute.input_type} takes no min and max"
    for limit in (low, high):
        if limit is not None and not _fits(limit, attribute.input_type):
            return f"{limit!r} is not {attribute.input_type}"
    if low is not None and high is not None and low >= high:
        return f"min {low} must be less than max {high}"
    return None


def _fits(value: object, kind: AttributeType) -> bool:
    if kind is AttributeType.STRING:
        return isinstance(value, str) and bool(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return kind is AttributeType.FLOAT or value == int(value)
