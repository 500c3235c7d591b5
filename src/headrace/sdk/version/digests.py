"""The digest of a version."""

from __future__ import annotations

from headrace.engine.digest.run import VersionDigest, check_digest, version_digest
from headrace.model.records import DatasetVersionRecord
from headrace.sdk.base.resource import Resource
from headrace.transfer.progress import OnProgress


class VersionDigests(Resource[DatasetVersionRecord]):
    """The methods of a version for the digest of its content."""

    __slots__ = ()

    async def digest(
        self, *, expected_digest: str | None = None, progress: OnProgress | None = None
    ) -> VersionDigest:
        """Compute the digest of the content: files by name and SHA-256, shapes by value, and the names of the labels.

        It is the same in every lake, on every server and platform, and for a version that was copied or made from an
        export, as far as the format can represent it. Ids, order, owners, status, tags and metadata do not count.
        A lake and a headrace server know the SHA-256 of every file; from another platform all files are fetched.

        Args:
            expected_digest: The digest that the version must have, as ``sha256:…``.
            progress: Called with progress events; ``"auto"`` shows a line on a terminal, ``"none"`` nothing. Default:
                as the client.

        Returns:
            The digest, and what was counted. Its text is ``sha256:…``.

        Raises:
            DigestMismatchError: If the version has another digest than ``expected_digest``.
            ConfigurationError: If ``expected_digest`` is not a digest.

        Example:
            ```python
            digest = await version.digest()
            await version.export("bccd.json", expected_digest=str(digest))
            ```
        """
        backend = self.session.backend
        if expected_digest is not None:
            return await check_digest(
                backend, self.record, expected_digest, progress=progress or self.session.progress
            )
        return await version_digest(backend, self.id, progress=progress or self.session.progress)
