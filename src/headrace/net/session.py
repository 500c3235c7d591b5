"""Two kinds of HTTP session: one that carries the token to one origin, one that carries none anywhere."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import aiohttp
import anyio
from multidict import CIMultiDictProxy
from yarl import URL

from headrace.errors import ConfigurationError, TransferError
from headrace.net.congestion import TURNING_AWAY, Host, Hosts, Pressure
from headrace.net.errors import translated
from headrace.net.http1.client import Direct
from headrace.net.http1.origins import Places
from headrace.net.http1.pool import Carriers
from headrace.net.http1.small_files import Take
from headrace.net.proxies import Proxies
from headrace.net.redact import origin
from headrace.net.response import Opened, Patience, Received
from headrace.net.retry import retry_after
from headrace.net.ssrf import ANYWHERE, Reach, next_url

CONNECT_SECONDS = 30.0
ANSWER_SECONDS = 300.0
MAX_REDIRECTS = 5
_BUFFER = 256 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Answer(NamedTuple):
    """An HTTP answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Carried(NamedTuple):
    """So many files were ``taken``, in the order of their URLs; ``next`` is what the one after them came to.

    That is its answer (to be closed) or its error; None where it was not asked for, or is to be asked for anew.
    """

    taken: int
    next: Opened | TransferError | None


class ApiSession:
    """Connections to one server; the token goes to its very origin and nowhere else.

    Redirects are not followed. ``address`` is the origin, and safe to show.
    """

    def __init__(self, address: str, token: str, *, user_agent: str, connections: int = 32) -> None:
        self.address = origin(address)
        self._base = URL(self.address)
        self._proxy = Proxies().between(self.address)
        headers = {
            "Authorization": f"Bearer {token}",
            "User-Agent": user_agent,
            "Content-Type": "application/json",
            # Packing costs more than a loopback saves.
            "Accept-Encoding": "identity" if self._base.host in _LOOPBACK else "gzip",
        }
        self._session = _session(
            headers, connections=connections, silence=ANSWER_SECONDS, auto_decompress=True
        )

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: list[tuple[str, str]],
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> Answer:
        """Send one request (``path`` percent-encoded, from the root); raises :class:`TransferError`."""
        url = self._base.join(URL(path, encoded=True)).with_query(query)
        with translated(self.address):
            async with self._session.request(
                method,
                url,
                data=None if body is None else io.BytesIO(body),
                headers=headers,
                allow_redirects=False,
                proxy=self._proxy,
            ) as response:
                if response.status in _REDIRECTS:
                    raise _moved(self.address, response.headers)
                return Answer(response.status, response.headers, await response.read())

    async def aclose(self) -> None:
        """Close the connections."""
        await self._session.close()


class StorageSession:
    """Connections to wherever signed URLs point. The URL is the whole authority: no token, no cookie.

    ``direct`` lets files come the short way (``headrace.net.http1.client``) where that can take them. ``reach`` says where
    URLs may lead.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        connections: int = 64,
        patience: Patience | None = None,
        pressure: Pressure | None = None,
        direct: bool = True,
        reach: Reach = ANYWHERE,
    ) -> None:
        self._reach = reach
        self._known: set[str] = set()
        self.patience = patience or Patience()
        self._hosts = Hosts(pressure or Pressure(ceiling=connections))
        self._proxies = Proxies()
        self._places = Places(user_agent=user_agent, proxies=self._proxies)
        self._direct: Direct | None = None
        self._carriers: Carriers | None = None
        if direct:
            self._carriers = Carriers(self._places, self.patience, connections)
            self._direct = Direct(self._places, self._carriers, self.patience, connections)
        self._session = _session(
            {"User-Agent": user_agent, "Accept-Encoding": "identity"},
            connections=connections,
            silence=self.patience.silence,
            auto_decompress=False,
        )

    def host(self, url: str) -> Host:
        """Where a URL leads first."""
        return self._hosts.of(origin(URL(url, encoded=True)))

    @property
    def direct_answers(self) -> int:
        """How many answers came the short ways."""
        if self._direct is None or self._carriers is None:
            return 0
        return self._direct.answers + self._carriers.answers

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Opened:
        """Open a signed URL, through at most five redirects, each looked at before it is followed.

        The answer is to be closed; it holds a turn at its host until then.
        """
        headers = headers or {}
        for _ in range(MAX_REDIRECTS + 1):
            found = None if self._direct is None else self._places.of(url)
            where = origin(URL(url, encoded=True)) if found is None else found[0].origin
            self._check(where)
            host = self._hosts.of(where)
            turn = await host.enter()
            try:
                opened = None
                if self._direct is not None and found is not None:
                    opened = await self._direct.get(*found, headers)
                if opened is None:
                    opened = await self._get(url, headers, where)
            except BaseException as error:
                host.leave(turn, error)
                raise
            opened.on_close = partial(host.leave, turn)
            if opened.status in TURNING_AWAY:
                turn.heard(opened.status, retry_after(opened.headers))
            if opened.status not in _REDIRECTS:
                return opened
            opened.close()
            url = str(next_url(URL(url, encoded=True), opened.headers))
        raise TransferError(f"{where} redirects in circles")

    async def carry(self, urls: Iterator[str], take: Take) -> Carried:
        """Small files from one host, one after another in one turn, for as long as all goes well.

        Each that comes whole is given to ``take``, on a thread; there a URL is taken from ``urls`` when it is used.
        None come where the general way has to be taken; which way that is, and why, it tells itself.
        """
        nothing = Carried(0, None)
        if self._carriers is None:
            return nothing
        found = self._places.all_there(urls)
        if found is None:
            return nothing
        place, requests = found
        try:
            self._check(place.origin)
        except TransferError:
            return nothing
        host = self._hosts.of(place.origin)
        turn = await host.enter()
        calm = partial(host.is_calm, turn)
        try:
            lane = await self._carriers.carry(place, requests, take, calm)
        except BaseException as error:
            host.leave(turn, error)
            raise
        if lane is None:
            host.leave(turn, None)
            return nothing
        after, turn.answers = lane.after, lane.taken
        if not isinstance(after, Opened):
            host.leave(turn, after)
            return Carried(lane.taken, after)
        turn.answers += 1
        after.on_close = partial(host.leave, turn)
        if after.status in TURNING_AWAY:
            turn.heard(after.status, retry_after(after.headers))
        if after.status in _REDIRECTS:
            after.close()
            return Carried(lane.taken, None)
        return Carried(lane.taken, after)

    async def _get(self, url: str, headers: Mapping[str, str], where: str) -> Received:
        with translated(where), anyio.fail_after(self.patience.silence):
            response = await self._session.get(
                URL(url, encoded=True),
                headers=headers,
                allow_redirects=False,
                proxy=self._proxies.between(where),
            )
        return Received(response, self.patience, where)

    async def send(
        self, method: str, url: str, *, data: Any, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send bytes or a form to a signed URL, without following redirects."""
        at = URL(url, encoded=True)
        where = origin(at)
        self._check(where)
        async with self._hosts.of(where).turn() as turn:
            with translated(where):
                async with self._session.request(
                    method,
                    at,
                    data=data,
                    headers=headers,
                    allow_redirects=False,
                    proxy=self._proxies.between(where),
                ) as response:
                    answer = Answer(response.status, response.headers, await response.read())
            turn.heard(answer.status, retry_after(answer.headers))
            return answer

    def _check(self, where: str) -> None:
        if where not in self._known:
            self._reach.check(URL(where))
            self._known.add(where)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._direct is not None:
            await self._direct.aclose()
        if self._carriers is not None:
            await self._carriers.aclose()
        await self._session.close()


def _session(
    headers: dict[str, str], *, connections: int, silence: float, auto_decompress: bool
) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        headers=headers,
        connector=aiohttp.TCPConnector(limit=connections),
        cookie_jar=aiohttp.DummyCookieJar(),
        read_bufsize=_BUFFER,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=silence),
        auto_decompress=auto_decompress,
        # Signed uploads name their content type, or must have none.
        skip_auto_headers=("Content-Type",),
    )


def _moved(address: str, headers: CIMultiDictProxy[str]) -> ConfigurationError:
    try:
        target = origin(URL(address).join(URL(headers.get("Location", ""))))
    except ValueError:
        target = "another address"
    return ConfigurationError(
        f"{address} redirects to {target}",
        hint=f"connect to {target}; the token is sent nowhere else",
    )
