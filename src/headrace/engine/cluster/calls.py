"""The functions that workers run: each has a name, takes a msgspec struct, and returns one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any, Generic, TypeVar, get_type_hints

from msgspec import Struct, msgpack

from headrace._version import __version__
from headrace.errors import ConfigurationError, HeadraceError, error_classes

S = TypeVar("S", bound=Struct)
R = TypeVar("R")


class ShardCall(Generic[S, R]):
    """A function that workers can run; :func:`shard_call` makes one.

    Attributes:
        name: ``module:function``, by which a worker finds it.
    """

    def __init__(self, function: Callable[[S], Awaitable[R]]) -> None:
        hints = get_type_hints(function)
        self.name = f"{function.__module__}:{function.__qualname__}"
        self._function = function
        self._specs: msgpack.Decoder[S] = msgpack.Decoder(
            next(kind for name, kind in hints.items() if name != "return")
        )
        self._results: msgpack.Decoder[R] = msgpack.Decoder(hints["return"])

    async def __call__(self, spec: S) -> R:
        """Run the function in this process."""
        return await self._function(spec)

    def encode(self, spec: S) -> bytes:
        """Encode what a worker is given, with the version that it must have."""
        return msgpack.encode((__version__, msgpack.encode(spec)))

    def decode(self, answer: bytes) -> R:
        """Return the result of a worker, or raise its error."""
        outcome = _ANSWERS.decode(answer)
        if outcome.failure is not None:
            raise outcome.failure.error()
        return self._results.decode(outcome.result)

    async def answer(self, spec: bytes) -> bytes:
        """Run the function as a worker does."""
        return msgpack.encode(await self._function(self._specs.decode(spec)))


def shard_call(function: Callable[[S], Awaitable[R]]) -> ShardCall[S, R]:
    """Let workers run a function at the top of a module. It takes one msgspec struct, and may run twice."""
    return ShardCall(function)


class Failure(Struct, frozen=True, array_like=True):
    """An error of a function, as a worker answers it."""

    code: str
    message: str
    hint: str | None

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """Describe an error. One that is not headrace's has no code."""
        if isinstance(error, HeadraceError):
            return cls(error.code, error.message, error.hint)
        return cls("", f"{type(error).__name__}: {error}", None)

    def error(self) -> HeadraceError:
        """Return the error: of the same class where its name is known."""
        for kind in error_classes():
            if kind.code == self.code:
                try:
                    return kind(self.message, hint=self.hint)
                except TypeError:
                    break  # a class that takes more than a message
        return HeadraceError(self.message, hint=self.hint)


class Answer(Struct, frozen=True, array_like=True):
    """What a worker answers: the encoded result, or why there is none."""

    result: bytes = b""
    failure: Failure | None = None


_ANSWERS: msgpack.Decoder[Answer] = msgpack.Decoder(Answer)
_SPECS: msgpack.Decoder[tuple[str, bytes]] = msgpack.Decoder(tuple[str, bytes])


async def run_call(name: str, spec: bytes) -> bytes:
    """Run a function by its name; returns an encoded :class:`Answer`, also where it fails."""
    try:
        version, content = _SPECS.decode(spec)
        if version != __version__:
            raise ConfigurationError(
                f"a worker has headrace {__version__}, and was given work of {version}",
                hint="install the same version on all machines",
            )
        return msgpack.encode(Answer(await _found(name).answer(content)))
    except Exception as error:  # noqa: BLE001  raised where the shard was given out
        return msgpack.encode(Answer(failure=Failure.of(error)))


def _found(name: str) -> ShardCall[Any, Any]:
    module, _, function = name.partition(":")
    found = getattr(import_module(module), function, None)
    if isinstance(found, ShardCall):
        return found
    raise ConfigurationError(f"workers do not run {name!r}")
