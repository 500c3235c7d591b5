"""The formats of other packages: loaded when first asked for, with an error that names the package if it is broken."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from importlib.metadata import EntryPoint

from msgspec.structs import replace

from headrace.errors import FormatPackageError, FormatPackageWarning
from headrace.formats.format import Format
from headrace.plugins import GROUP, declared, package_of, refusal


def plugged(name: str) -> Format | None:
    """Return the format of this name that another package declares, or None if none does.

    Raises:
        FormatPackageError: The package is broken, or two packages declare the name.
    """
    points = declared().get(name)
    if points is None:
        return None
    why = refusal(name)
    if why is not None:
        raise FormatPackageError(
            f"{_packages(points)} cannot add a format {name!r}: {why}",
            hint="update or uninstall it; the other formats work",
        )
    if len(points) > 1:
        raise FormatPackageError(
            f"several packages add a format {name!r}: {_packages(points)}",
            hint="uninstall all but one of them",
        )
    return replace(_loaded(points[0]), package=package_of(points[0]))


def formats_of_packages() -> list[Format]:
    """Return the formats of other packages, by name. A broken one is left out, with a warning that names its package."""
    found = []
    for name in declared():
        try:
            each = plugged(name)
        except FormatPackageError as error:
            warnings.warn(str(error), FormatPackageWarning, stacklevel=2)
        else:
            if each is not None:
                found.append(each)
    return found


def _loaded(point: EntryPoint) -> Format:
    """Import what an entry point refers to, and check that it is a format of that name."""
    package, hint = package_of(point), "update or uninstall it; the other formats work"
    try:
        found = point.load()
    except (Exception, SystemExit) as error:
        raise FormatPackageError(
            f"{package} adds the format {point.name!r}, but cannot be imported: {type(error).__name__}: {error}",
            hint=hint,
        ) from error
    if not isinstance(found, Format):
        raise FormatPackageError(
            f"{package}: the entry point {point.name!r} in {GROUP} must be a headrace.formats.Format, "
            f"not {type(found).__name__}",
            hint=hint,
        )
    if found.info.name != point.name:
        raise FormatPackageError(
            f"{package} declares the format {point.name!r}, but calls it {found.info.name!r}",
            hint=hint,
        )
    return found


def _packages(points: Sequence[EntryPoint]) -> str:
    return ", ".join(map(package_of, points))
