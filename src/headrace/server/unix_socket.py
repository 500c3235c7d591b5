"""A socket of the file system to listen on, for a proxy on the same machine."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from headrace.errors import ConfigurationError

OWNER_ONLY = 0o600


@contextmanager
def bound_socket(path: Path, mode: int = OWNER_ONLY) -> Iterator[socket.socket]:
    """Bind a socket at ``path``, without listening; its file is removed at the end.

    A socket that a server left there, on which no process listens, is replaced. Nothing else is.

    Args:
        path: Where to make the socket.
        mode: Who may connect, as permissions of the file.

    Raises:
        ConfigurationError: Something else is there, a server listens there, or the socket cannot be made.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise ConfigurationError("this system has no Unix sockets", hint="listen on a port")
    _make_way(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as bound:
        try:
            bound.bind(os.fspath(path))
            # No client can connect before it listens, so none can be faster than this.
            os.chmod(path, mode)
        except OSError as error:
            raise _unusable(path, error.strerror or str(error)) from None
        made = os.stat(path)
        try:
            yield bound
        finally:
            with suppress(OSError):
                if os.path.samestat(os.stat(path), made):
                    os.unlink(path)


def _make_way(path: Path) -> None:
    """Remove the socket of a server that is gone."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from None
    if not stat.S_ISSOCK(found.st_mode):
        raise _unusable(path, "there is a file that is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        # A server with a full queue makes a blocking connection wait.
        probe.setblocking(False)
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            with suppress(FileNotFoundError):
                os.unlink(path)
            return
        except OSError as error:
            raise _unusable(path, error.strerror or str(error)) from None
    raise _unusable(path, "a server listens there")


def _unusable(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"cannot listen on {path}: {why.lower()}", hint="choose another unix_socket="
    )
