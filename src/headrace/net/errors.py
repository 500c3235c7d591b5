"""Translate the errors of HTTP clients to headrace's own.

Messages name the origin, never the URL. Causes are dropped, because aiohttp's errors contain headers and signed URLs.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

from headrace.errors import ConnectError, TransferError, TransferTimeoutError
from headrace.net.retry import UnreachableError


class LostAnswerError(aiohttp.ClientConnectionError):
    """The connection broke before the answer; the cause is the error of aiohttp."""


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Raise the errors of HTTP requests to the origin ``where`` as :class:`TransferError`."""
    try:
        yield
    except (aiohttp.ClientSSLError, ssl.SSLError):
        raise TransferError(
            f"{where} has no certificate that this machine trusts",
            hint="check the address, or add the host's certificate authority to the system's",
        ) from None
    except aiohttp.ClientConnectorError as exc:
        raise UnreachableError(
            f"cannot reach {where}: {_reason(exc.os_error)}",
            hint="check the address and that the server runs",
        ) from None
    except aiohttp.ConnectionTimeoutError:
        raise UnreachableError(f"{where} does not accept the connection in time") from None
    except TimeoutError:
        raise silent(where) from None
    except aiohttp.InvalidURL:
        raise TransferError(f"{where} gave an address that cannot be read") from None
    except LostAnswerError as exc:
        raise broken(where, exc.__cause__) from None
    except (aiohttp.ClientError, ConnectionError) as exc:
        raise broken(where, exc) from None


def broken(where: str, error: BaseException | None = None) -> ConnectError:
    """The error of a connection that ended too early."""
    kind = "" if error is None else f" ({type(error).__name__})"
    return ConnectError(f"{where} broke the connection{kind}")


def silent(where: str) -> TransferTimeoutError:
    """The error of a host that sent nothing for too long."""
    return TransferTimeoutError(f"{where} went silent")


def slow(where: str, rate: float) -> TransferTimeoutError:
    """The error of a host that sends too slowly; ``rate`` is in bytes per second."""
    return TransferTimeoutError(f"{where} sends {rate:.0f} bytes a second")


def _reason(error: OSError) -> str:
    # The text of an event loop repeats the address. The errors of a resolver have no errno of the system.
    known = error.errno is not None and error.errno > 0 and not isinstance(error, socket.gaierror)
    text = os.strerror(error.errno) if known and error.errno else error.strerror
    return (text or type(error).__name__).lower()
