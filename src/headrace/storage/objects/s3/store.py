"""Objects on S3 or what speaks as S3: one folder of a bucket, reached by signed URLs too.

An object never changes once it has its name: it is stored, completed and copied there only where the name is free
(``If-None-Match: *``). S3 keeps an object whole and durable before it answers, so nothing is flushed or renamed here.
"""

from __future__ import annotations

import os
import time
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Callable,
    Mapping,
    Sequence,
)
from contextlib import AbstractContextManager, aclosing, nullcontext
from pathlib import Path

from msgspec.structs import replace

from headrace.errors import HeadraceError
from headrace.folders.lakes import STORE_MARK
from headrace.storage.objects.base import ObjectInfo, Replacing, StoredObject, Unfinished
from headrace.storage.objects.names import object_parts
from headrace.storage.objects.nested import NestedStores
from headrace.storage.objects.s3 import errors
from headrace.storage.objects.s3.errors import obstore_errors, opening_errors
from headrace.storage.objects.s3.location import S3Location, find_key, parse_location
from headrace.storage.objects.s3.lookup import S3Lookup
from headrace.storage.objects.s3.parts import S3Parts, no_upload
from headrace.storage.objects.s3.probe import Probed, probe
from headrace.storage.objects.s3.reader import S3Reader
from headrace.storage.objects.s3.requests import S3Requests
from headrace.storage.objects.s3.sigv4 import Signer, SigningKey, quoted
from headrace.storage.objects.s3.urls import INCOMING, S3DirectUrls
from headrace.storage.objects.s3.writer import S3Writer, connect
from headrace.tasks import map_bounded
from headrace.threads import in_thread

_TOGETHER = 8


class S3Objects:
    """An :class:`~headrace.storage.objects.base.ObjectStore` on S3; :meth:`open` opens it.

    Where a name is taken, ``replacing`` makes the block inside which the object is replaced, or forbids it; by default
    it may be. ``name`` is the folder as people write it.
    """

    locked = False

    def __init__(
        self,
        location: S3Location,
        key: SigningKey,
        *,
        replacing: Replacing = lambda name: nullcontext(),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = connect(location, key)
        signer = self._signer = Signer(key, location.region, clock=clock)
        self.name = location.name
        self.direct = S3DirectUrls(location, signer)
        self._location = location
        self._prefix = location.prefix
        self._requests = S3Requests(location, signer)
        self._lookup = S3Lookup(self._requests)
        self._parts = S3Parts(self._requests)
        self._reader = S3Reader(self._store, location, self._lookup)
        self._writer = S3Writer(self._store, self._requests, self._lookup, self._parts, replacing)

    def __repr__(self) -> str:
        return f"S3Objects({self.name!r})"

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        replacing: Replacing = lambda name: nullcontext(),
        environment: Mapping[str, str] = os.environ,
    ) -> S3Objects:
        """Open a folder of a bucket; nothing is created.

        Args:
            url: ``s3://bucket/prefix?endpoint=https://…``.
            replacing: See the class.
            environment: Where the key of the account is looked up, before the files of AWS.

        Raises:
            MissingExtraError: The package obstore is not installed.
            ConfigurationError: The URL is wrong, there is no key, no such bucket, or the key has no right to it.
            ConnectError: The server cannot be reached.
        """
        location = parse_location(url, environment)
        store = cls(location, find_key(location, environment), replacing=replacing)
        try:
            with opening_errors(location.name):
                await store.check_present()
        except BaseException:
            await store.aclose()
            raise
        return store

    async def aclose(self) -> None:
        """Close the connections."""
        await self._requests.aclose()

    def discard(self) -> None:
        """Let go of the connections, whose event loop is closed."""
        self._requests.discard()

    # --- whole objects ------------------------------------------------------------------------------------

    async def put(self, name: str, content: AsyncIterable[bytes], /) -> ObjectInfo:
        """Store a stream; the object becomes visible when it is complete."""
        self.check_name(name)
        return await self._writer.put(name, content)

    async def put_file(self, name: str, source: Path, /, *, move: bool = False) -> ObjectInfo:
        """Store a local file; with ``move``, delete it then."""
        self.check_name(name)
        stored = await self._writer.put_file(name, source)
        if move:
            await in_thread(source.unlink, missing_ok=True)
        return stored

    async def put_files(
        self, sources: Sequence[tuple[str, Path]], /
    ) -> list[ObjectInfo | HeadraceError]:
        """Store local files by name, several at a time; a failed one does not stop the others."""

        async def put(item: tuple[str, Path]) -> ObjectInfo | HeadraceError:
            try:
                return await self.put_file(*item)
            except HeadraceError as error:
                return error

        return await map_bounded(put, sources, concurrency=_TOGETHER)

    async def head(self, name: str, /) -> ObjectInfo | None:
        """Look up an object; None if it does not exist."""
        self.check_name(name)
        found = await self._lookup.head(name)
        return None if found is None else found[0]

    async def heads(self, names: Sequence[str], /) -> list[ObjectInfo | None]:
        """Look up objects; None for each that does not exist. Many of one folder come without their digests."""
        for name in names:
            self.check_name(name)
        return await self._lookup.heads(names)

    async def receive(self, names: Sequence[str], /) -> list[ObjectInfo | None]:
        """Look up objects that clients have uploaded; one that came by a form gets its name first."""
        found = await self.heads(names)
        missing = [name for name, info in zip(names, found, strict=True) if info is None]
        if not missing:
            return found
        arrived = await map_bounded(self._take_in, missing, concurrency=_TOGETHER)
        taken = dict(zip(missing, arrived, strict=True))
        if any(arrived):
            await self._delete([INCOMING + name for name, info in taken.items() if info])
        return [
            taken.get(name) if info is None else info
            for name, info in zip(names, found, strict=True)
        ]

    async def unchanged(self, infos: Sequence[ObjectInfo], /) -> list[bool]:
        """Whether each object is still the one that was looked up."""
        return await self._lookup.unchanged(infos)

    async def get(
        self, name: str, /, *, offset: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        """Stream an object in chunks of about 1 MiB."""
        self.check_name(name)
        async with aclosing(self._reader.get(name, offset, length)) as chunks:
            async for chunk in chunks:
                yield chunk

    def local_path(self, name: str, /) -> None:
        """Return None: there are no local files."""
        self.check_name(name)

    def check_name(self, name: str, /) -> None:
        """Raise :class:`~headrace.errors.BadRequestError` for what cannot name an object."""
        object_parts(name)

    async def listed(self) -> AsyncIterator[list[StoredObject]]:
        """List all objects in batches."""
        async with aclosing(self._reader.listed()) as batches:
            async for batch in batches:
                kept = [each for each in batch if not each.name.startswith(".")]
                if kept:
                    yield kept

    async def check_present(self) -> None:
        """Raise an error where the bucket cannot be listed."""
        answer = await self._requests.send(
            "GET", "", query={"list-type": "2", "max-keys": "1", "prefix": self._prefix}
        )
        self._requests.check(answer, "list objects")

    async def store_around(self) -> str | None:
        """Return another store in whose folder this one lies, as people write it; None if there is none.

        A folder that the key may not look into is passed over.
        """
        with opening_errors(self.name):
            for prefix in self._location.outer_prefixes:
                answer = await self._requests.send("HEAD", prefix + STORE_MARK)
                if answer.status not in (403, 404):
                    self._requests.check(answer, "look up an object")
                    return replace(self._location, prefix=prefix).name
        return None

    async def delete(self, names: list[str], /) -> None:
        """Delete objects; missing ones are ignored."""
        for name in names:
            self.check_name(name)
        await self._delete(names)

    async def delete_before(self, names: Sequence[str], before: int, /) -> list[str]:
        """Delete those of the objects that were stored before a time (ms since 1970); returns their names."""
        found = await self.heads(names)
        old = [
            info.name
            for info in found
            if info is not None and info.stored is not None and info.stored < before
        ]
        await self._delete(old)
        return old

    async def unfinished(self, before: int, /, *, delete: bool = False) -> Unfinished:
        """Count the uploads that went on last before a time (ms since 1970) and never ended; with ``delete``, remove them.

        They are uploads in parts, and what forms have uploaded that was never looked up. Those of a store inside this one
        are left out.
        """
        count = size = 0
        nested = NestedStores(self.heads)
        async with aclosing(self._parts.started(self._prefix)) as uploads:
            async for upload in uploads:
                if upload.started >= before:
                    continue
                if await nested.around([upload.key[len(self._prefix) :]]):
                    continue
                parts = await self._parts.parts(upload.key, upload.id)
                if any(part.stored >= before for part in parts):
                    continue
                count += 1
                size += sum(part.size for part in parts)
                if delete:
                    await self._parts.abort(upload.key, upload.id)
        async with aclosing(self._reader.listed(INCOMING)) as batches:
            async for batch in batches:
                old = [each for each in batch if each.stored < before]
                count += len(old)
                size += sum(each.size for each in old)
                if delete:
                    await self._delete([each.name for each in old])
        return Unfinished(count, size)

    # --- multipart uploads --------------------------------------------------------------------------------

    async def begin_parts(self, name: str, /) -> str:
        """Begin a multipart upload; returns its id."""
        self.check_name(name)
        return await self._writer.begin(name)

    async def put_part(
        self, name: str, upload_id: str, number: int, content: AsyncIterable[bytes], /
    ) -> str:
        """Store part ``number`` (from 1); returns its ETag. Sending a part again replaces it."""
        self.check_name(name)
        held = b"".join([chunk async for chunk in content])
        return await self._parts.put(self._prefix + name, name, upload_id, number, held)

    async def complete_parts(
        self, name: str, upload_id: str, parts: list[tuple[int, str]], /
    ) -> ObjectInfo:
        """Join ``(number, etag)`` parts in order of number; may be called again with the same result."""
        self.check_name(name)
        await self._writer.complete(name, upload_id, parts)
        found = await self.head(name)
        if found is None:
            raise no_upload(name, upload_id)
        return ObjectInfo(name, found.size, found.sha256)

    async def abort_parts(self, name: str, upload_id: str, /) -> None:
        """End a multipart upload and delete its parts; one that is not there is ignored."""
        self.check_name(name)
        await self._parts.abort(self._prefix + name, upload_id)

    async def probe(self) -> None:
        """Try all that a store must do, on objects whose names are random, and delete them.

        Raises:
            ConfigurationError: The server does not do it, or the key has no right to it; the message says what.
            ConnectError: The server cannot be reached.
        """
        # Clients may reach the server at an address that this process cannot.
        direct = S3DirectUrls(replace(self._location, public=self._location.endpoint), self._signer)
        with opening_errors(self.name):
            await probe(Probed(self, direct, self._requests, self._prefix))

    # --- steps --------------------------------------------------------------------------------------------

    async def _take_in(self, name: str) -> ObjectInfo | None:
        """Give what a form has uploaded its name, unless that is taken."""
        source = quoted(f"/{self._location.bucket}/{self._prefix}{INCOMING}{name}")
        answer = await self._requests.send(
            "PUT",
            self._prefix + name,
            headers={"x-amz-copy-source": source, "If-None-Match": "*"},
        )
        if answer.status == 404 and answer.code in errors.MISSING:
            return None
        if answer.status not in (409, 412):
            self._requests.check(answer, "copy an object")
        return await self.head(name)

    async def _delete(self, names: Sequence[str]) -> None:
        import obstore

        if names:
            with self._errors("delete objects"):
                try:
                    await obstore.delete_async(self._store, [self._prefix + name for name in names])
                except FileNotFoundError:
                    return

    def _errors(self, doing: str) -> AbstractContextManager[None]:
        return obstore_errors(self.name, self._location.endpoint, doing)
