"""Batches of files that lie on this machine: one call to a thread puts many of them in place.

What cannot be put in place is left to ``fetch``, which tells why.
"""

from __future__ import annotations

import errno
import os

from headrace.errors import ChecksumError
from headrace.transfer.download.batch import ItemBatch
from headrace.transfer.source import Item, LocalSource
from headrace.transfer.state.copier import Copier
from headrace.transfer.state.journal import CompletedFile

BATCH_FILES = 64
BATCH_BYTES = 8 * 1024 * 1024
"""Limits of one batch. A larger file is a batch alone."""


class LocalBatch(ItemBatch):
    """The ``first`` file and others that lie on this machine.

    After :meth:`copy`, ``complete`` lists the files in the target folder, of ``moved`` bytes together, and ``failed``
    those that could not be put in place, with the error.
    """

    most_bytes = BATCH_BYTES

    def __init__(self, first: Item) -> None:
        super().__init__(first)
        self.complete: list[CompletedFile] = []
        self.failed: list[tuple[Item, ChecksumError | OSError]] = []
        self.moved = 0

    @staticmethod
    def takes(item: Item) -> bool:
        """Whether a file lies on this machine, and it is known what it must be."""
        return isinstance(item.source, LocalSource) and item.size is not None

    def copy(self, copier: Copier) -> None:
        """Put all files in place. Blocks. Raises TransferError if none can be linked."""
        for item in self.items:
            try:
                self.complete.append(copier.copy(item, _path(item)))
                self.moved += item.size or 0
            except (ChecksumError, OSError) as error:
                self.failed.append((item, error))


def _path(item: Item) -> str:
    path = item.source.local_path if isinstance(item.source, LocalSource) else None
    if path is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), item.name)
    return path
