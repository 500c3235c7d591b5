"""The keys of file URLs in a server. A rotation by another process is noticed within seconds, without a restart."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping

from headrace.errors import HeadraceError, LakeError
from headrace.platform.accounts.signing_keys import SigningKey, signing_keys
from headrace.platform.context import Context

REFRESH_SECONDS = 2.0
"""After so many seconds the keys are read again, when they are needed next."""

_log = logging.getLogger("headrace.server")


class KeyRing:
    """The valid keys of one lake; URLs are signed with the newest and accepted with all of them."""

    def __init__(self, context: Context, keys: list[SigningKey]) -> None:
        self._context = context
        self._lock = asyncio.Lock()
        self._use(keys)

    @classmethod
    async def open(cls, context: Context) -> KeyRing:
        """Read the keys of a lake.

        Raises:
            LakeError: The lake has none.
        """
        keys = await signing_keys(context)
        if not keys:
            raise LakeError(
                "the lake has no key to sign file URLs with",
                hint="make one: headrace token rotate-key",
            )
        return cls(context, keys)

    async def newest(self) -> SigningKey:
        """Return the key to sign with."""
        if time.monotonic() - self._read_at > REFRESH_SECONDS:
            await self._refresh()
        return self._newest

    async def accepted(self, no: int) -> Mapping[int, SigningKey]:
        """Return the keys by number, read again where key ``no`` is newer than those."""
        if time.monotonic() - self._read_at > REFRESH_SECONDS or no > self._newest.no:
            await self._refresh()
        return self._keys

    async def _refresh(self) -> None:
        before = self._read_at
        async with self._lock:
            if self._read_at != before:
                return  # another request has read them meanwhile
            try:
                keys = await signing_keys(self._context)
            except HeadraceError as error:
                _log.warning("the keys of file URLs cannot be read again: %s", error)
                keys = []
            self._use(keys or list(self._keys.values()))

    def _use(self, keys: list[SigningKey]) -> None:
        self._newest = keys[0]
        self._keys = {key.no: key for key in keys}
        self._read_at = time.monotonic()
