"""Which kinds of jobs are worked on here, and by what."""

from __future__ import annotations

from headrace.platform.annotations import tag_conversion as converting
from headrace.platform.campaigns import sync as campaign_sync
from headrace.platform.jobs import content_gc as collecting
from headrace.platform.jobs.runner import MakeWork
from headrace.platform.processings import run as processing_work
from headrace.platform.versions import copy as copying
from headrace.platform.versions import fork as forking

WORKS: dict[str, MakeWork] = {
    forking.KIND: forking.ForkWork,
    copying.KIND: copying.CopyWork,
    converting.KIND: converting.ConvertWork,
    campaign_sync.KIND: campaign_sync.SyncWork,
    collecting.KIND: collecting.CollectWork,
    processing_work.VERSION_KIND: processing_work.ProcessingWork,
    processing_work.LAKE_KIND: processing_work.ProcessingWork,
}
