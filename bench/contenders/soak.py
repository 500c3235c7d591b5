"""Keep a server busy as its users do: pages, loads, downloads and imports at a fixed rate, however long the answers take.

The rate is a share of what a closed loop reaches, which is measured first. Latencies count from the time at which a
request was due, so an answer that holds up others is not forgotten. With `vanish` that share of the requests is given up
at once by the client; with `pushed` a folder is pushed at the same time, by a process that is killed and by its successor.
"""

import asyncio
import itertools
import json
import math
import os
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

import headrace
from bench.contenders.job import add_figures, measured_job, run
from bench.process import MIB, tree_memory

MIX = {"page": 60, "load": 20, "download": 15, "import": 5}
READS = ("page", "load", "download")
PAGE_ASSETS = 100
LOADED = 20
IMPORTED = 50
BOXES = 7
LABEL = "box"
ALONE_TIMES = 40
# Enough requests at a time that the server never waits for the client.
SATURATING = 16
SATURATED_SECONDS = 10.0
PUSHED = "bench/pushed"
KILL_PUSH_SECONDS = 1.5
MOST_PUSHES = 20
PINGS = Path(__file__).with_name("soak_pings.py")


class RefusedError(Exception):
    """The server answered with its own failure, as it must while its storage fails."""


@dataclass
class Import:
    """One import of a chunk of assets: the number that it writes, and when it was sent and acknowledged."""

    number: int
    sent: float
    acknowledged: float = math.inf


def possible(imports: list[Import]) -> set[int]:
    """Return the numbers that may be in the lake: those that no later import has replaced for certain."""
    begun = max((each.sent for each in imports if each.acknowledged < math.inf), default=-math.inf)
    return {each.number for each in imports if each.acknowledged >= begun}


class Version:
    """Requests about one version, over HTTP as any client sends them."""

    def __init__(self, session: aiohttp.ClientSession, path: str, draw: random.Random) -> None:
        self._session, self._path, self._draw = session, path, draw
        self._cursors: list[str | None] = [None]
        self._annotations: list[str] = []
        self._urls: list[str] = []
        self._chunks: list[list[str]] = []
        self._label = ""
        self._numbers = itertools.count(1)
        self._imports: dict[int, list[Import]] = {}

    async def prepare(self, version: Any) -> None:
        """Collect what the requests name: cursors, URLs and ids. The assets of loads and of imports are different."""
        label = await version.get_or_create_label(LABEL)
        self._label = str(label.id)
        assets: list[str] = []
        while True:
            page = await self._page(self._cursors[-1])
            assets += [each["id"] for each in page["items"]]
            self._urls += [each["data"]["presigned_url"] for each in page["items"]]
            if not page.get("next_cursor"):
                break
            self._cursors.append(page["next_cursor"])
        half = len(assets) // 2
        for chunk in in_chunks(assets[:half]):
            await self._send(chunk, 0)
        async with self._session.get(f"{self._path}/annotations/ids") as answer:
            self._annotations = await answer.json()
        self._chunks = in_chunks(assets[half:])

    async def ask(self, kind: str) -> None:
        """Send one request of a kind and read its answer."""
        await {
            "page": self._any_page,
            "load": self._load,
            "download": self._download,
            "import": self._import,
        }[kind]()

    async def lost(self, version: Any) -> int:
        """Return how many assets hold neither what was acknowledged last, nor what was sent at the same time or later."""
        found: dict[str, float] = {}
        async for each in version.iter_annotations():
            found[str(each.asset_id)] = each.rectangles[0].x if each.rectangles else -1
        return sum(
            found.get(asset) not in possible(imports)
            for chunk, imports in self._imports.items()
            for asset in self._chunks[chunk]
        )

    async def _page(self, cursor: str | None) -> dict[str, Any]:
        query = {"limit": str(PAGE_ASSETS)} | ({"cursor": cursor} if cursor else {})
        async with self._session.get(f"{self._path}/assets", params=query) as answer:
            page: dict[str, Any] = await read_json(answer)
        return page

    async def _any_page(self) -> None:
        page = await self._page(self._draw.choice(self._cursors))
        check(len(page["items"]), PAGE_ASSETS)

    async def _load(self) -> None:
        ids = self._draw.sample(self._annotations, LOADED)
        path = f"{self._path}/annotations"
        async with self._session.request("XGET", path, json=ids) as answer:
            check(len(await read_json(answer)), LOADED)

    async def _download(self) -> None:
        url = self._draw.choice(self._urls)
        async with self._session.get(url) as answer:
            refuse(answer)
            check(len(await answer.read()), answer.content_length or 0)

    async def _import(self) -> None:
        chunk = self._draw.randrange(len(self._chunks))
        sent = Import(next(self._numbers), time.perf_counter())
        self._imports.setdefault(chunk, []).append(sent)
        await self._send(self._chunks[chunk], sent.number)
        sent.acknowledged = time.perf_counter()

    async def _send(self, assets: list[str], number: int) -> None:
        boxes = [
            {"label_id": self._label, "x": number, "y": y, "w": 30, "h": 20} for y in range(BOXES)
        ]
        body = {"annotations": [{"asset_id": each, "rectangles": boxes} for each in assets]}
        path = f"{self._path}/bulk-annotations"
        async with self._session.post(path, json={**body, "import_type": "REPLACE"}) as answer:
            check(len(await read_json(answer)), len(assets))


def in_chunks(assets: list[str]) -> list[list[str]]:
    """Return the assets in lists as long as an import."""
    return [assets[at : at + IMPORTED] for at in range(0, len(assets), IMPORTED)]


def refuse(answer: aiohttp.ClientResponse) -> None:
    """Raise for an answer that is not a success."""
    if answer.status >= 500:
        raise RefusedError(answer.status)
    answer.raise_for_status()


async def read_json(answer: aiohttp.ClientResponse) -> Any:
    """Return the body of a successful answer."""
    refuse(answer)
    return json.loads(await answer.read())


def check(found: int, wanted: int) -> None:
    """Raise ValueError for an answer of another size."""
    if found != wanted:
        raise ValueError(f"{found} in place of {wanted}")


class Soak:
    """The phases of a run, and what they found."""

    def __init__(self, version: Version, draw: random.Random, vanish: float) -> None:
        self._version, self._draw, self._vanish = version, draw, vanish
        self.errors: Counter[str] = Counter()
        self.refused = self.vanished = 0
        self._late: dict[str, list[float]] = {kind: [] for kind in MIX}

    async def alone(self) -> dict[str, float]:
        """Return the median seconds of each kind, one request after the other."""
        found = {}
        for kind in MIX:
            seconds: list[float] = []
            while len(seconds) < ALONE_TIMES:
                began = time.perf_counter()
                if await self._answered(kind):
                    seconds.append(time.perf_counter() - began)
            found[kind] = sorted(seconds)[len(seconds) // 2]
        return found

    async def saturated(self) -> float:
        """Return the requests a second that a closed loop reaches with the mix."""
        end = time.perf_counter() + SATURATED_SECONDS
        done = 0

        async def loop() -> None:
            nonlocal done
            while time.perf_counter() < end:
                if await self._answered(self._kind()):
                    done += 1

        async with asyncio.TaskGroup() as group:
            for _ in range(SATURATING):
                group.create_task(loop())
        return done / SATURATED_SECONDS

    async def open_loop(self, rate: float, seconds: float) -> dict[str, list[float]]:
        """Send requests when they are due, and return the seconds from then to their answers, sorted."""
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for index in range(int(rate * seconds)):
                due = began + index / rate
                await asyncio.sleep(due - time.perf_counter())
                group.create_task(self._timed(self._kind(), due))
        return {kind: sorted(late) for kind, late in self._late.items()}

    async def _answered(self, kind: str) -> bool:
        """Send a request; whether the server answered it, and not that its storage had failed."""
        try:
            await self._version.ask(kind)
        except RefusedError:
            self.refused += 1
            return False
        return True

    def _kind(self) -> str:
        return self._draw.choices(list(MIX), list(MIX.values()))[0]

    async def _timed(self, kind: str, due: float) -> None:
        vanishes = self._draw.random() < self._vanish
        try:
            async with asyncio.timeout(self._draw.uniform(0, 0.01) if vanishes else None):
                await self._version.ask(kind)
        except TimeoutError:
            self.vanished += 1
        except RefusedError:
            self.refused += 1
        except (aiohttp.ClientError, ValueError, KeyError, OSError) as error:
            self.errors[f"{kind}: {type(error).__name__}: {error}"[:200]] += 1
        else:
            self._late[kind].append(time.perf_counter() - due)


async def watch_memory(pid: int, samples: list[float]) -> None:
    """Add the memory of the server in MiB to the samples, every second."""
    while True:
        samples.append(tree_memory(pid) / MIB)
        await asyncio.sleep(1)


async def hold_open(session: aiohttp.ClientSession, address: str, connections: int) -> None:
    """Open the connections of the pool by asking at the same time."""

    async def ask() -> None:
        async with session.get(f"{address}/healthz") as answer:
            await answer.read()

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(ask())


async def push(target: str, token: str, folder: str) -> int:
    """Push a folder with the command line: killed after some seconds, then until it has ended well.

    Returns how often it said that files were not uploaded, and had to be run again.
    """
    command = [sys.executable, "-m", "headrace.cli", "push", target, PUSHED, folder]
    environment = {**os.environ, "HEADRACE_TOKEN": token}
    for times in range(MOST_PUSHES):
        process = await asyncio.create_subprocess_exec(
            *command,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            status = await asyncio.wait_for(process.wait(), None if times else KILL_PUSH_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
        else:
            if not status:
                return times
    raise RuntimeError(f"{MOST_PUSHES} pushes failed")


async def not_pushed(client: headrace.Client, folder: str) -> int:
    """Return how many files of a folder are not in the version that they were pushed into."""
    version = await client.version(PUSHED)
    found = {asset.filename async for asset in version.iter_assets()}
    return len(set(os.listdir(folder)) - found)


async def do(
    target: str,
    version: str,
    token: str,
    server_pid: int,
    seconds: float,
    share: float,
    connections: int,
    vanish: float = 0.0,
    pushed: str = "",
) -> dict[str, int]:
    """Run all phases. The outcome is counted in the lake; what went wrong is among the figures."""
    draw = random.Random(0)
    pool = aiohttp.TCPConnector(limit=connections, keepalive_timeout=60)
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        headrace.connect(target, api_token=token) as client,
        aiohttp.ClientSession(connector=pool, headers=headers) as session,
    ):
        found = await client.version(version)
        requests = Version(session, f"{target}/api/dataset/version/{found.id}", draw)
        await requests.prepare(found)
        soak = Soak(requests, draw, vanish)
        alone = await soak.alone()
        rate = share * await soak.saturated()
        await hold_open(session, target, connections)
        memory: list[float] = []
        pings = await asyncio.create_subprocess_exec(
            *(sys.executable, str(PINGS), f"{target}/healthz", str(seconds)),
            stdout=asyncio.subprocess.PIPE,
        )
        watch = asyncio.create_task(watch_memory(server_pid, memory))
        with measured_job():
            async with asyncio.TaskGroup() as group:
                pushing = group.create_task(push(target, token, pushed)) if pushed else None
                late = await soak.open_loop(rate, seconds)
        watch.cancel()
        output, _ = await pings.communicate()
        lost = await requests.lost(found)
        if pushing:
            add_figures(pushes=pushing.result(), not_pushed=await not_pushed(client, pushed))
    for message, times in soak.errors.most_common(10):
        print(f"{times} x {message}", file=sys.stderr)
    report(alone, late)
    add_figures(
        rate_per_s=rate,
        connections=connections,
        errors=soak.errors.total(),
        lost=lost,
        refused=soak.refused,
        vanished=soak.vanished,
        server_start_mib=memory[len(memory) // 6],
        server_end_mib=memory[-1],
        **json.loads(output),
    )
    return {}


def report(alone: dict[str, float], late: dict[str, list[float]]) -> None:
    """Add the figures of each kind: alone, and under load, in milliseconds."""
    for kind, seconds in late.items():
        if seconds:
            p99 = 1000 * seconds[len(seconds) * 99 // 100]
            middle = 1000 * alone[kind]
            add_figures(
                **{
                    f"{kind}_alone_ms": middle,
                    f"{kind}_p50_ms": 1000 * seconds[len(seconds) // 2],
                    f"{kind}_p99_ms": p99,
                    f"{kind}_p99_by_alone": p99 / middle,
                }
            )
    add_figures(
        reads_p99_by_alone=max(
            late[kind][len(late[kind]) * 99 // 100] / alone[kind] for kind in READS if late[kind]
        )
    )


def work(**arguments: Any) -> dict[str, int]:
    """Run the job on uvloop, as the command line does."""
    return asyncio.Runner(loop_factory=uvloop.new_event_loop).run(do(**arguments))


run(work)
