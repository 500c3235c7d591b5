"""The plain platform is fair: the official client's scripts, unmodified, see on it what they see on headrace's server.

In the slow tier the same scripts run with headrace in their import lines.

Left out, since the reference leaves open what they look at:

- official_processings.py: which processings there are, what they run, and how a client is refused to change them;
- official_weaknesses.py: what headrace's own client does better, and where;
- official_videos.py: what a platform reads from a video's header;
- official_scale.py: how a platform bears 20,000 assets;
- of official_campaigns.py: what annotations do to tasks (by the reference they come from the campaign alone);
- of the other scripts: what an import answers for an annotation that it keeps, and the zips of two exports, which have
  one object name on a platform whose names have a constant first folder.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.interop import (
    test_official_annotating as annotating,
)
from tests.interop import (
    test_official_campaigns as campaigns,
)
from tests.interop import (
    test_official_client as main_job,
)
from tests.interop import (
    test_official_handles as handles,
)
from tests.interop import (
    test_official_labels as labels,
)
from tests.interop import (
    test_official_long_jobs as long_jobs,
)
from tests.interop import (
    test_official_methods as methods,
)
from tests.support.plain_platform import PlainPlatform, plain_platform
from tests.support.plain_platform.switches import ClientType
from tests.support.processes.official import OFFICIAL, OURS, drive
from tests.support.tiers import slow

HERE = Path(__file__).parent


@pytest.fixture
async def platform() -> AsyncIterator[PlainPlatform]:
    async with plain_platform() as platform:
        # The scripts name the user and the organization of a new lake.
        platform.user.username = platform.store.organization_name = "local"
        yield platform


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


See = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture(params=[OFFICIAL, slow(OURS)])
def see(request: pytest.FixtureRequest, platform: PlainPlatform, folder: Path) -> See:
    """Runs a script on the platform, through one of the clients."""

    async def run(script: str, *more: str) -> dict[str, Any]:
        return await drive(
            HERE / script, platform.address, platform.token, folder, *more, client=request.param
        )

    return run


@pytest.mark.parametrize("client_type", ["minio", "aws", "google", "azure"])
async def test_the_main_job(
    platform: PlainPlatform, see: See, folder: Path, client_type: ClientType
) -> None:
    platform.switches.client_type = client_type
    platform.switches.job_polls = 1
    main_job.prepare(folder)
    main_job.check(await see("official_client.py"), folder)


async def test_forks_copies_conversions_and_exports(
    platform: PlainPlatform, see: See, folder: Path
) -> None:
    long_jobs.prepare(folder)
    seen = await see("official_long_jobs.py")
    long_jobs.check(seen)
    long_jobs.check_document(seen, folder / "out")


async def test_every_call_of_campaigns(platform: PlainPlatform, see: See, folder: Path) -> None:
    campaigns.prepare(folder)
    hers = platform.add_user("ann")
    seen = await see("official_campaigns.py", hers, "managed")
    # The reference names auto_add_new_assets and does not say when an asset is added.
    assert seen == campaigns.MANAGED | {"hers": campaigns.NAMES[:4]}


async def test_every_call_of_annotations_and_shapes(
    platform: PlainPlatform, see: See, folder: Path
) -> None:
    annotating.prepare(folder)
    annotating.check(await see("official_annotating.py"))


async def test_every_call_of_labels(platform: PlainPlatform, see: See, folder: Path) -> None:
    labels.prepare(folder)
    labels.check(await see("official_labels.py"))


async def test_handles(platform: PlainPlatform, see: See, folder: Path) -> None:
    handles.check(await see("official_handles.py"))


async def test_every_method_of_a_version(
    platform: PlainPlatform, see: See, folder: Path, tmp_path: Path
) -> None:
    methods.prepare(folder, methods.draw(tmp_path))
    methods.check_one(await see("official_methods.py"), methods.PICTURES)


def test_every_script_is_run_or_left_out() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    scripts = {path.name for path in HERE.glob("official_*.py")}
    assert len(scripts) > 8
    assert {name for name in scripts if name in text} == scripts
