"""Spans of OpenTelemetry, where the program that runs headrace has set it up; nothing elsewhere.

headrace neither needs nor imports OpenTelemetry: a program that records spans has imported it, which costs one look to
find out. Names and attributes are those of operations, with counts and bytes: no addresses, names of files, or tokens.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib import import_module
from types import TracebackType
from typing import Any, Literal, Self

from headrace._version import __version__

SpanKind = Literal["INTERNAL", "SERVER", "CLIENT"]
Attribute = str | int | float | bool

_API = "opentelemetry.trace"
_PROPAGATE = "opentelemetry.propagate"


class Span:
    """What is recorded of a piece of work, while it is done; this one records nothing."""

    __slots__ = ()

    def set(self, **attributes: Attribute) -> None:
        """Add attributes; their names get the prefix ``headrace.``."""

    def fail(self, why: str) -> None:
        """Mark the work as failed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None


_UNTOLD = Span()


class _RecordedSpan(Span):
    """A span of OpenTelemetry, which is the current one inside the block."""

    __slots__ = ("_block", "_span", "_trace")

    def __init__(self, trace: Any, span: Any) -> None:
        self._trace = trace
        self._span = span
        # Errors are told by class alone: their texts and tracebacks name files.
        self._block: AbstractContextManager[Any] = trace.use_span(
            span, end_on_exit=True, record_exception=False, set_status_on_exception=False
        )

    def set(self, **attributes: Attribute) -> None:
        for name, value in attributes.items():
            self._span.set_attribute(f"headrace.{name}", value)

    def fail(self, why: str) -> None:
        self._span.set_status(self._trace.StatusCode.ERROR, why)

    def __enter__(self) -> Self:
        self._block.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception):
            self.fail(type(error).__name__)
        self._block.__exit__(kind, error, traceback)


def span(
    name: str,
    kind: SpanKind = "INTERNAL",
    *,
    caller: Mapping[str, str] | None = None,
    **attributes: Attribute,
) -> Span:
    """Return the span of a piece of work, as a context manager.

    Args:
        name: What is done, from a small set of names.
        kind: Whether it is work, the answer to a call, or a call.
        caller: The headers of the call, which may name the span of the caller.
        **attributes: What is known of it; their names get the prefix ``headrace.``.
    """
    trace = _recorder()
    if trace is None:
        return _UNTOLD
    context = None if caller is None else _propagate().extract(caller)
    recorded = _RecordedSpan(
        trace,
        trace.get_tracer("headrace", __version__).start_span(
            name, context=context, kind=trace.SpanKind[kind]
        ),
    )
    recorded.set(**attributes)
    return recorded


def outgoing_headers() -> dict[str, str]:
    """Return the headers that name the current span to a server; none where none is recorded."""
    headers: dict[str, str] = {}
    if _recorder() is not None:
        _propagate().inject(headers)
    return headers


def _recorder() -> Any:
    """Return the module ``opentelemetry.trace``, where the program has imported it and set a provider of tracers."""
    trace: Any = sys.modules.get(_API)
    if trace is None or isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return None
    return trace


def _propagate() -> Any:
    # Part of the same package, imported once.
    return import_module(_PROPAGATE)
