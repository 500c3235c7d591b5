"""Two kinds of HTTP session: one that carries the token to one origin, one that carries none anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import anyio
from yarl import URL

from headrace.errors import TransferError
from headrace.net.aiohttp_client import AiohttpResponse, client_session
from headrace.net.congestion import THROTTLING, AdaptiveLimiter, HostLimiters, LimiterPolicy
from headrace.net.errors import translated
from headrace.net.http1.client import Http1Client
from headrace.net.http1.origins import Origins
from headrace.net.http1.pool import DownloadPool
from headrace.net.http1.small_files import OnFile
from headrace.net.response import HttpResponse, StallPolicy, StreamingResponse
from headrace.net.retry import retry_after
from headrace.net.ssrf import ANYWHERE, UrlPolicy, next_url
from headrace.net.urls import Proxies, origin

CONNECT_SECONDS = 30.0
ANSWER_SECONDS = 300.0
MAX_REDIRECTS = 5
_BUFFER = 256 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class BatchResult(NamedTuple):
    """So many files were ``delivered``, in the order of their URLs; ``next`` is what the one after them came to.

    That is its answer (to be closed) or its error; None where it was not asked for, or is to be asked for anew.
    """

    delivered: int
    next: StreamingResponse | TransferError | None


class StorageSession:
    """Connections to wherever signed URLs point. The URL is the whole authority: no token, no cookie.

    ``fast_path`` lets files come the short way (``headrace.net.http1.client``) where that can take them. ``url_policy`` says where
    URLs may lead.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        connections: int = 64,
        stall: StallPolicy | None = None,
        limits: LimiterPolicy | None = None,
        fast_path: bool = True,
        url_policy: UrlPolicy = ANYWHERE,
    ) -> None:
        self._url_policy = url_policy
        self._known: set[str] = set()
        self.stall = stall or StallPolicy()
        self._limiters = HostLimiters(limits or LimiterPolicy(ceiling=connections))
        self._proxies = Proxies()
        self._origins = Origins(user_agent=user_agent, proxies=self._proxies)
        self._client: Http1Client | None = None
        self._pool: DownloadPool | None = None
        if fast_path:
            self._pool = DownloadPool(self._origins, self.stall, connections)
            self._client = Http1Client(self._origins, self._pool, self.stall, connections)
        self._session = client_session(
            {"User-Agent": user_agent, "Accept-Encoding": "identity"},
            connections=connections,
            silence=self.stall.silence,
            auto_decompress=False,
        )

    def host(self, url: str) -> AdaptiveLimiter:
        """Where a URL leads first."""
        return self._limiters.of(origin(URL(url, encoded=True)))

    @property
    def fast_path_responses(self) -> int:
        """How many answers came the short ways."""
        if self._client is None or self._pool is None:
            return 0
        return self._client.responses + self._pool.responses

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> StreamingResponse:
        """Open a signed URL, through at most five redirects, each looked at before it is followed.

        The answer is to be closed; it holds a turn at its host until then.
        """
        headers = headers or {}
        for _ in range(MAX_REDIRECTS + 1):
            found = None if self._client is None else self._origins.find(url)
            where = origin(URL(url, encoded=True)) if found is None else found[0].origin
            self._check(where)
            host = self._limiters.of(where)
            permit = await host.acquire()
            try:
                opened = None
                if self._client is not None and found is not None:
                    opened = await self._client.get(*found, headers)
                if opened is None:
                    opened = await self._get(url, headers, where)
            except BaseException as error:
                host.release(permit, error)
                raise
            opened.on_close = partial(host.release, permit)
            if opened.status in THROTTLING:
                permit.record(opened.status, retry_after(opened.headers))
            if opened.status not in _REDIRECTS:
                return opened
            opened.close()
            url = str(next_url(URL(url, encoded=True), opened.headers))
        raise TransferError(f"{where} redirects in circles")

    async def get_batch(self, urls: Iterator[str], take: OnFile) -> BatchResult:
        """Small files from one host, one after another in one permit, for as long as all goes well.

        Each that comes whole is given to ``take``, on a thread; there a URL is delivered from ``urls`` when it is used.
        None come where the general way has to be delivered; which way that is, and why, it tells itself.
        """
        nothing = BatchResult(0, None)
        if self._pool is None:
            return nothing
        found = self._origins.requests_for(urls)
        if found is None:
            return nothing
        target, requests = found
        try:
            self._check(target.origin)
        except TransferError:
            return nothing
        host = self._limiters.of(target.origin)
        permit = await host.acquire()
        calm = partial(host.may_continue, permit)
        try:
            batch = await self._pool.run_batch(target, requests, take, calm)
        except BaseException as error:
            host.release(permit, error)
            raise
        if batch is None:
            host.release(permit, None)
            return nothing
        after, permit.responses = batch.next, batch.delivered
        if not isinstance(after, StreamingResponse):
            host.release(permit, after)
            return BatchResult(batch.delivered, after)
        permit.responses += 1
        after.on_close = partial(host.release, permit)
        if after.status in THROTTLING:
            permit.record(after.status, retry_after(after.headers))
        if after.status in _REDIRECTS:
            after.close()
            return BatchResult(batch.delivered, None)
        return BatchResult(batch.delivered, after)

    async def _get(self, url: str, headers: Mapping[str, str], where: str) -> AiohttpResponse:
        with translated(where), anyio.fail_after(self.stall.silence):
            response = await self._session.get(
                URL(url, encoded=True),
                headers=headers,
                allow_redirects=False,
                proxy=self._proxies.between(where),
            )
        return AiohttpResponse(response, self.stall, where)

    async def send(
        self, method: str, url: str, *, data: Any, headers: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """Send bytes or a form to a signed URL, without following redirects."""
        at = URL(url, encoded=True)
        where = origin(at)
        self._check(where)
        async with self._limiters.of(where).permit() as permit:
            with translated(where):
                async with self._session.request(
                    method,
                    at,
                    data=data,
                    headers=headers,
                    allow_redirects=False,
                    proxy=self._proxies.between(where),
                ) as response:
                    answer = HttpResponse(response.status, response.headers, await response.read())
            permit.record(answer.status, retry_after(answer.headers))
            return answer

    def _check(self, where: str) -> None:
        if where not in self._known:
            self._url_policy.check(URL(where))
            self._known.add(where)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
        if self._pool is not None:
            await self._pool.aclose()
        await self._session.close()
