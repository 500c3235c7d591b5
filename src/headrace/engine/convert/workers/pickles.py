"""Pickle between a conversion and its workers, of nothing but plain values, and types of headrace and of format packages.

What is pickled is made by this program: jobs, chunks and errors. What a file of others holds is in them as values, never
as a pickle. Even so, only the types below are made: no pickle can call a function of the system.
"""

from __future__ import annotations

import copyreg
import io
import pickle
from typing import Any, Final

from headrace.plugins import declared

_OWN: Final = "headrace"

_PLAIN: Final = frozenset(
    {
        ("_codecs", "encode"),
        ("array", "_array_reconstructor"),
        ("array", "array"),
        ("collections", "Counter"),
        ("collections", "OrderedDict"),
        ("collections", "defaultdict"),
        ("collections", "deque"),
        ("copyreg", "_reconstructor"),
        ("copyreg", "__newobj_ex__"),
        ("datetime", "date"),
        ("datetime", "datetime"),
        ("datetime", "timedelta"),
        ("datetime", "timezone"),
        ("decimal", "Decimal"),
        ("functools", "partial"),
        ("msgspec._core", "rebuild"),
        ("msgspec._utils", "rebuild"),
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy._core.numeric", "_frombuffer"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy.core.numeric", "_frombuffer"),
        ("uuid", "SafeUUID"),
        ("uuid", "UUID"),
    }
)
"""Types of others, by module and name, and the functions that make them."""

_PATHS: Final = frozenset({"pathlib", "pathlib._local"})
_VALUES: Final = frozenset(
    {
        *("bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list"),
        *("object", "range", "set", "slice", "str", "tuple"),
    }
)


def _format_packages() -> set[str]:
    """Return the packages that declare a format: their readers and writers send types of theirs."""
    return {point.module.partition(".")[0] for points in declared().values() for point in points}


class _OwnTypes(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return a type; raises :class:`pickle.UnpicklingError` for what no message holds."""
        if (module, name) in _PLAIN:
            return super().find_class(module, name)
        top = module.partition(".")[0]
        if module in (*_PATHS, "builtins"):
            found = super().find_class(module, name)
            if isinstance(found, type) and (
                module in _PATHS or name in _VALUES or issubclass(found, BaseException)
            ):
                return found
        # The packages are looked up last: the first look reads the metadata of all that are installed.
        elif top == _OWN or top in _format_packages():
            found = super().find_class(module, name)
            # A module has others among its names, such as ``os``.
            if getattr(found, "__module__", "").partition(".")[0] == top:
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no type of a message")


def dumps(value: Any) -> bytes:
    """Pickle a value, each type in its own way.

    Packages, such as Dask, register another way for all errors of a process. Only then is a pickler of our own made, which
    knows of none: it takes half as long again.
    """
    if not any(issubclass(kind, BaseException) for kind in copyreg.dispatch_table):
        return pickle.dumps(value, 5)
    content = io.BytesIO()
    pickler = pickle.Pickler(content, 5)
    pickler.dispatch_table = {}
    pickler.dump(value)
    return content.getvalue()


def loads(content: bytes | memoryview) -> Any:
    """Restore what :func:`dumps` has pickled; raises :class:`pickle.UnpicklingError` for foreign types."""
    return _OwnTypes(io.BytesIO(content)).load()
