"""The launch of a processing, with the arguments of each release of the official client."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any, Generic, TypeVar, overload

from headrace.blocking.handles import BlockingHandle
from headrace.sdk.asset import Asset as AsyncAsset
from headrace.sdk.asset import MultiAsset as AsyncMultiAsset
from headrace.sdk.processing import Processing as AsyncProcessing
from headrace.sdk.version.dataset_version import DatasetVersion as AsyncDatasetVersion

JobT = TypeVar("JobT")
Assets = BlockingHandle[AsyncMultiAsset] | Iterable[BlockingHandle[AsyncAsset]]


class Launches(BlockingHandle[AsyncDatasetVersion], Generic[JobT]):
    """The launch of a processing on a version; ``JobT`` is the handle of a job."""

    __slots__ = ()

    @overload
    def launch_processing(
        self,
        processing: BlockingHandle[AsyncProcessing],
        parameters: dict[str, Any] | None = None,
        cpu: int | None = None,
        gpu: int | None = None,
        *,
        assets: Assets | None = None,
        inputs: dict[str, Any] | None = None,
    ) -> JobT: ...
    @overload
    def launch_processing(
        self,
        processing: BlockingHandle[AsyncProcessing],
        assets: Assets,
        *,
        parameters: dict[str, Any] | None = None,
        cpu: int | None = None,
        gpu: int | None = None,
        inputs: dict[str, Any] | None = None,
    ) -> JobT: ...
    def launch_processing(
        self, processing: BlockingHandle[AsyncProcessing], *given: Any, **named: Any
    ) -> JobT:
        """Run a processing on this version, as a job in a separate process.

        Release 6.37 of the official client has the assets as the second argument, earlier ones the parameters; both work.

        Args:
            processing: The processing.
            *given: The parameters, the number of processors and that of GPUs; or the assets alone.
            **named: ``parameters``, ``cpu``, ``gpu``, ``assets`` and ``inputs``, as of the async method.

        Returns:
            The job.
        """
        if given and not isinstance(given[0], dict | None):
            if len(given) > 1:
                raise TypeError("launch_processing() takes two positional arguments with assets")
            named["assets"], given = given[0], ()
        answer: JobT = self._call(self._inner.launch_processing, processing, *given, **named)
        return answer


_method: Any = Launches.launch_processing
_method.__signature__ = inspect.signature(AsyncDatasetVersion.launch_processing)
