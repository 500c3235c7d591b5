"""Which kinds of jobs are worked on in ranges, and by what."""

from __future__ import annotations

from headrace.platform import collecting, converting, copying, forking
from headrace.platform.job_runner import MakeWork

WORKS: dict[str, MakeWork] = {
    forking.KIND: forking.ForkWork,
    copying.KIND: copying.CopyWork,
    converting.KIND: converting.ConvertWork,
    collecting.KIND: collecting.CollectWork,
}
