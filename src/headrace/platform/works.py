"""Which kinds of jobs are worked on here, and by what."""

from __future__ import annotations

from headrace.platform import (
    campaign_sync,
    collecting,
    converting,
    copying,
    forking,
    processing_work,
)
from headrace.platform.job_runner import MakeWork

WORKS: dict[str, MakeWork] = {
    forking.KIND: forking.ForkWork,
    copying.KIND: copying.CopyWork,
    converting.KIND: converting.ConvertWork,
    campaign_sync.KIND: campaign_sync.SyncWork,
    collecting.KIND: collecting.CollectWork,
    processing_work.VERSION_KIND: processing_work.ProcessingWork,
    processing_work.LAKE_KIND: processing_work.ProcessingWork,
}
