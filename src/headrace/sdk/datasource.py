"""Data sources: where the files of a datalake come from."""

from __future__ import annotations

from headrace.model.records import SourceRecord
from headrace.sdk.base.resource import Resource, describe


class DataSource(Resource[SourceRecord]):
    """A camera, a site, a supplier."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name of the source."""
        return self.record.name

    def __repr__(self) -> str:
        return describe(self, self.name)
