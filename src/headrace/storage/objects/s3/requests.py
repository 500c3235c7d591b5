"""Requests to S3 that are signed here: those for which obstore has no call, as uploads in parts and copies to a new name."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Mapping
from typing import NamedTuple

import aiohttp
import anyio
from lxml import etree
from yarl import URL

from headrace.client_name import PRODUCT
from headrace.errors import StorageError, TransferError
from headrace.event_loop import LoopBinding
from headrace.net.aiohttp_client import client_session, discard_session
from headrace.net.errors import translated
from headrace.net.urls import Proxies
from headrace.storage.objects.s3 import errors
from headrace.storage.objects.s3.errors import BUSY_STATUSES
from headrace.storage.objects.s3.location import S3Location
from headrace.storage.objects.s3.sigv4 import Signer, query_text, quoted
from headrace.threads import in_thread_if

CONNECTIONS = 64
"""Requests at a time."""

ATTEMPTS = 4
_SILENCE_SECONDS = 30.0
_RETRY_SECONDS = 15.0
_FIRST_PAUSE = 0.1
_LONG = 1 << 18


class Answer(NamedTuple):
    """The answer of S3. ``code`` is that of an error, empty if there is none or it is unknown."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    code: str

    @property
    def is_success(self) -> bool:
        """Whether the request was carried out."""
        return self.status < 300 and not self.code

    @property
    def etag(self) -> str:
        """The ETag, with its quotes."""
        return self.headers.get("ETag", "")


class S3Requests:
    """Sends requests to one bucket, and repeats those that may be repeated after a busy server's answer.

    The connections are those of the event loop that uses them.
    """

    def __init__(self, location: S3Location, signer: Signer) -> None:
        self.location = location
        self._signer = signer
        self._base = location.base(location.endpoint)
        self._host = self._base.partition("://")[2]
        self._proxies = Proxies()
        self._loop = LoopBinding()
        self._session = self._open()

    def _open(self) -> aiohttp.ClientSession:
        return client_session(
            {"User-Agent": PRODUCT},
            connections=CONNECTIONS,
            silence=_SILENCE_SECONDS,
            auto_decompress=False,
        )

    async def send(
        self,
        method: str,
        key: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        attempts: int = ATTEMPTS,
    ) -> Answer:
        """Send a request; an answer of an error is returned.

        Args:
            method: The method.
            key: The key of the object; empty for the bucket.
            query: The parameters.
            headers: Further headers.
            body: The body.
            attempts: How often it may be sent.

        Raises:
            UnavailableError: The server cannot be reached.
        """
        started = anyio.current_time()
        for attempt in range(1, attempts + 1):
            pause = _FIRST_PAUSE * 2**attempt * (0.5 + random.random())
            try:
                answer = await self._send_once(method, key, query or {}, headers or {}, body)
            except TransferError as error:
                # A server that is silent is waited for once.
                if attempt == attempts or anyio.current_time() - started > _RETRY_SECONDS:
                    raise errors.away(self.location.endpoint, error.message) from None
            else:
                if answer.status not in BUSY_STATUSES or attempt == attempts:
                    return answer
            await anyio.sleep(pause)
        raise AssertionError("unreachable")

    async def _send_once(
        self,
        method: str,
        key: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
    ) -> Answer:
        if self._loop.has_moved():
            self.discard()
            self._session = self._open()
        path = quoted(self.location.path(key))
        is_long = len(body) > _LONG
        digest = await in_thread_if(is_long, lambda: hashlib.sha256(body).hexdigest())
        signed = self._signer.headers(method, self._host, path, query, headers, digest)
        # aiohttp sends a file by the block, so that others get their turn meanwhile.
        data = io.BytesIO(body) if is_long else body
        url = URL(
            f"{self._base}{path}?{query_text(query)}" if query else f"{self._base}{path}",
            encoded=True,
        )
        with translated(self.location.endpoint):
            async with self._session.request(
                method,
                url,
                headers=signed,
                data=data,
                allow_redirects=False,
                proxy=self._proxies.for_origin(self._base),
            ) as response:
                content = await response.read()
                # A completion may answer 200 and report its failure in the body.
                is_error = response.status >= 300 or b"<Error" in content.lstrip()[:300]
                code = errors.code_of(content[:4096].decode(errors="replace")) if is_error else ""
                return Answer(response.status, response.headers, content, code)

    def check(self, answer: Answer, doing: str) -> Answer:
        """Return the answer of a success; raises the error of a refusal."""
        if answer.is_success:
            return answer
        raise errors.refused(self.location.name, answer.status, answer.code, doing)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._loop.has_moved():
            self.discard()
        else:
            with anyio.CancelScope(shield=True):
                await self._session.close()

    def discard(self) -> None:
        """Let go of the connections, whose event loop is closed."""
        discard_session(self._session)


def parse_xml(body: bytes) -> etree._Element:
    """Parse the body of an answer; the names of its elements have no namespace.

    Raises:
        StorageError: It is no XML.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        raise StorageError("S3 sent an answer that cannot be read") from None
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2]
    return root
