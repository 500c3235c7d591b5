"""HTTP session of the storages: signed URLs, without a token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import anyio
from aiohttp.abc import AbstractResolver
from yarl import URL

from headrace.errors import TransferError
from headrace.net.aiohttp_client import AiohttpResponse, client_session, discard_session
from headrace.net.congestion import AdaptiveLimiter, HostLimiters, LimiterPolicy
from headrace.net.errors import translated
from headrace.net.host_gate import THROTTLING
from headrace.net.http1.client import Http1Client
from headrace.net.http1.origins import Origins
from headrace.net.response import (
    REDIRECTS,
    HttpResponse,
    OnFile,
    StallPolicy,
    StreamingResponse,
)
from headrace.net.retry import retry_after
from headrace.net.ssrf import ANYWHERE, UrlPolicy, next_url
from headrace.net.urls import NoProxies, Proxies, origin

MAX_REDIRECTS = 5


class BatchResult(NamedTuple):
    """Outcome of :meth:`StorageSession.get_batch`: the first ``delivered`` files were passed on.

    ``next`` is the response to the request after them, which the caller closes, or its error: None if that file is to be
    requested again.
    """

    delivered: int
    next: StreamingResponse | TransferError | None


class StorageSession:
    """Connections to the hosts of signed URLs. A URL is the only authority: no token and no cookie is sent.

    With ``fast_path``, downloads use :mod:`headrace.net.http1` where it supports the URL and the response. ``url_policy``
    says which URLs may be requested. ``resolver`` looks up host names, without ``fast_path`` and without proxies.
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
        resolver: AbstractResolver | None = None,
    ) -> None:
        self.stall = stall or StallPolicy()
        self.url_policy = url_policy
        self._checked: set[str] = set()
        self._limiters = HostLimiters(limits or LimiterPolicy(ceiling=connections))
        # A proxy would look up the names itself.
        self._proxies = Proxies() if resolver is None else NoProxies()
        self._origins = Origins(user_agent=user_agent, proxies=self._proxies)
        self._client = Http1Client(self._origins, self.stall, connections) if fast_path else None
        self._session = client_session(
            {"User-Agent": user_agent, "Accept-Encoding": "identity"},
            connections=connections,
            silence=self.stall.silence,
            auto_decompress=False,
            resolver=resolver,
        )

    def host(self, url: str) -> AdaptiveLimiter:
        """The limiter of a URL's host."""
        return self._limiters.of(origin(URL(url, encoded=True)))

    @property
    def fast_path_responses(self) -> int:
        """Number of responses that the HTTP/1.1 client received."""
        return 0 if self._client is None else self._client.responses

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> StreamingResponse:
        """Request a signed URL, following up to five redirects, each of which is checked first.

        The caller closes the response; until then it holds a permit of its host.
        """
        headers = headers or {}
        for _ in range(MAX_REDIRECTS + 1):
            found = None if self._client is None else self._origins.find(url)
            where = origin(URL(url, encoded=True)) if found is None else found[0].origin
            self._check(where)
            host = self._limiters.of(where)
            permit = await host.acquire()
            try:
                response = None
                if self._client is not None and found is not None:
                    response = await self._client.get(*found, headers)
                if response is None:
                    response = await self._get(url, headers, where)
            except BaseException as error:
                host.release(permit, error)
                raise
            response.on_close = partial(host.release, permit)
            if response.status in THROTTLING:
                permit.record(response.status, retry_after(response.headers))
            if response.status not in REDIRECTS:
                return response
            response.close()
            url = str(next_url(URL(url, encoded=True), response.headers))
        raise TransferError(f"{where} redirects in circles")

    async def get_batch(self, urls: Iterator[str], on_file: OnFile) -> BatchResult:
        """Request small files of one host, one after another with one permit, until one does not arrive complete.

        Each complete file is passed to ``on_file`` on a thread; ``urls`` is iterated there, each URL when it is used.
        No file is delivered where the files need :meth:`get`, which also reports why.
        """
        nothing = BatchResult(0, None)
        client = self._client
        found = None if client is None else self._origins.requests_for(urls)
        if client is None or found is None:
            return nothing
        target, requests = found
        try:
            self._check(target.origin)
        except TransferError:
            return nothing
        host = self._limiters.of(target.origin)
        permit = await host.acquire()
        try:
            batch = await client.get_batch(
                target, requests, on_file, partial(host.may_continue, permit)
            )
        except BaseException as error:
            host.release(permit, error)
            raise
        if batch is None:
            host.release(permit, None)
            return nothing
        delivered, response = batch.delivered, batch.next
        permit.responses = delivered
        if not isinstance(response, StreamingResponse):
            host.release(permit, response)
            return BatchResult(delivered, response)
        permit.responses += 1
        response.on_close = partial(host.release, permit)
        if response.status in THROTTLING:
            permit.record(response.status, retry_after(response.headers))
        if response.status in REDIRECTS:
            response.close()
            return BatchResult(delivered, None)
        return BatchResult(delivered, response)

    async def send(
        self, method: str, url: str, *, data: Any, headers: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """Send a body (bytes, or an aiohttp payload) to a signed URL, without following redirects."""
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
                    proxy=self._proxies.for_origin(where),
                ) as response:
                    answer = HttpResponse(response.status, response.headers, await response.read())
            permit.record(answer.status, retry_after(answer.headers))
            return answer

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
        await self._session.close()

    def discard(self) -> None:
        """Let go of the connections, whose event loop is closed."""
        if self._client is not None:
            self._client.discard()
        discard_session(self._session)

    async def _get(self, url: str, headers: Mapping[str, str], where: str) -> AiohttpResponse:
        with translated(where), anyio.fail_after(self.stall.silence):
            response = await self._session.get(
                URL(url, encoded=True),
                headers=headers,
                allow_redirects=False,
                proxy=self._proxies.for_origin(where),
            )
        return AiohttpResponse(response, self.stall, where)

    def _check(self, where: str) -> None:
        if where not in self._checked:
            self.url_policy.check(URL(where))
            self._checked.add(where)
