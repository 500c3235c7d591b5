"""What went wrong between two hosts, in headrace's own errors.

Messages name the host, never the URL, and causes are cut off: aiohttp's errors carry headers and signed URLs.
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


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn the errors of HTTP with ``where`` (an origin) into :class:`TransferError`s."""
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
    except (aiohttp.ClientError, ConnectionError) as exc:
        raise broken(where, exc) from None


def broken(where: str, error: BaseException | None = None) -> ConnectError:
    """The connection ended where more was to come."""
    kind = "" if error is None else f" ({type(error).__name__})"
    return ConnectError(f"{where} broke the connection{kind}")


def silent(where: str) -> TransferTimeoutError:
    """Nothing came for too long."""
    return TransferTimeoutError(f"{where} went silent")


def slow(where: str, rate: float) -> TransferTimeoutError:
    """``rate`` bytes a second came, which is too little."""
    return TransferTimeoutError(f"{where} sends {rate:.0f} bytes a second")


def _reason(error: OSError) -> str:
    # An event loop's own text repeats the address; a resolver's has no number of the system.
    known = error.errno is not None and error.errno > 0 and not isinstance(error, socket.gaierror)
    text = os.strerror(error.errno) if known and error.errno else error.strerror
    return (text or type(error).__name__).lower()
