"""The formats that a command line may name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, get_args

from cyclopts import Parameter, Token

from headrace.cli.console.errors import UsageError
from headrace.errors import UnknownFormatError

# The registry's names; it is not asked, so that help loads no formats.
FormatName = Literal["coco", "coco-video", "yolo", "voc"]
FORMAT_NAMES: Final[tuple[str, ...]] = get_args(FormatName)


def known_format(_: Any, tokens: Sequence[Token]) -> str:
    """The format that is named; UsageError with the nearest name where there is none."""
    from headrace.formats.registry import get

    try:
        return get(tokens[0].value).info.name
    except UnknownFormatError as error:
        raise UsageError(error.message, hint=error.hint, code=error.code) from None


FormatOption = Annotated[FormatName, Parameter(converter=known_format)]
"""An option that names a format."""

MaybeFormat = Annotated[FormatName | None, Parameter(converter=known_format)]
"""The same where it need not be given."""
