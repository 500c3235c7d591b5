"""Which kinds of jobs are worked on in ranges, and by what."""

from __future__ import annotations

from headrace.platform import collecting, copying, forking
from headrace.platform.job_runner import MakeWork

WORKS: dict[str, MakeWork] = {
    forking.KIND: forking.ForkWork,
    copying.KIND: copying.CopyWork,
    collecting.KIND: collecting.CollectWork,
}
