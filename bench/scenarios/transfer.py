"""Download many files: headrace's transfer engine, download tools, libraries, and the official client.

All download from the same nginx, except the two that need a platform, which use `headrace serve`.
"""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.blobs import FileSet, ensure_files, manifest, manifest_path, summarize, warm_page_cache
from bench.builds import TODAY, build_of
from bench.lakes import VERSION, copy_lake
from bench.nginx import version, web_server
from bench.scenario import Contender, RunSetup, Scenario, Setting
from bench.scenarios.versions import Place, official
from bench.server import serve

MEMORY = Path("/dev/shm")
"""Files are written to memory, so that the disk does not affect the measurement."""

CONCURRENCY = 64
"""Concurrent downloads of the tools; measured as fastest, or no slower than 16."""

PACKAGES = ("headrace", "aiohttp", "uvloop")

ENGINE = Contender("headrace", "transfer_headrace.py", packages=PACKAGES)
BY_SIZE = Contender("headrace-size", "transfer_headrace.py", packages=PACKAGES)
GENERAL = Contender("headrace-aiohttp", "transfer_headrace.py", packages=PACKAGES)
DOWNLOAD = Contender("headrace-version", "transfer_version.py", packages=PACKAGES)
OFFICIAL = official("transfer_picsellia.py")
CURL = Contender("curl", "transfer_tool.py")
ARIA2 = Contender("aria2", "transfer_tool.py")
RCLONE = Contender("rclone", "transfer_tool.py")
TOOLS = {"curl": "curl", "aria2": "aria2c", "rclone": "rclone"}
PLAIN = Contender("aiohttp", "transfer_aiohttp.py", "aiohttp", packages=("aiohttp", "uvloop"))
OBSTORE = Contender("obstore", "transfer_obstore.py", "obstore", packages=("obstore",))


def prepare(loads: Mapping[str, FileSet], setting: Setting) -> None:
    """Create the files and a lake with them, and read them into the page cache."""
    load = loads[setting.scale]
    warm_page_cache(ensure_files(setting.cache, load))
    TODAY.blob_lake(setting.cache, load)


def data(loads: Mapping[str, FileSet], setting: Setting) -> Mapping[str, Any]:
    """Describe the files and the tools, for the result."""
    load = loads[setting.scale]
    tools = {name: tool_version(program) for name, program in TOOLS.items()}
    return {"files": load.files, "bytes_each": load.size, "web_server": version(), **tools}


def curl(address: str, names: list[str], target: Path, folder: Path) -> list[str]:
    """Return the command for curl's parallel mode, with a list of URLs and files."""
    lines = (f'url = "{address}/{name}"\noutput = "{target}/{name}"\n' for name in names)
    (folder / "curl.txt").write_text("".join(lines))
    command = ["curl", "--parallel", "--parallel-max", str(CONCURRENCY), "--fail", "--silent"]
    return [*command, "--show-error", "--config", str(folder / "curl.txt")]


def aria2(address: str, names: list[str], target: Path, folder: Path) -> list[str]:
    """Return the command for aria2 with an input file, without preallocation, with one connection per file."""
    lines = (f"{address}/{name}\n out={name}\n" for name in names)
    (folder / "aria2.txt").write_text("".join(lines))
    options = ["--quiet", "--file-allocation=none", "--split=1", "--max-connection-per-server=1"]
    files = [f"--input-file={folder / 'aria2.txt'}", f"--dir={target}", "--no-conf"]
    return ["aria2c", f"--max-concurrent-downloads={CONCURRENCY}", *options, *files]


def rclone(address: str, names: list[str], target: Path, folder: Path) -> list[str]:
    """Return the command for rclone's HTTP remote, which lists the files itself."""
    del names, folder
    at_once = [f"--transfers={CONCURRENCY}", f"--checkers={CONCURRENCY}"]
    return ["rclone", "copy", ":http:", str(target), "--http-url", address, *at_once, "--config="]


COMMANDS = {"curl": curl, "aria2": aria2, "rclone": rclone}


def tool_version(program: str) -> str:
    """Return the version of a program, empty if it is not installed."""
    if shutil.which(program) is None:
        return ""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return " ".join(done.stdout.split("\n")[0].split()[:3])


@contextmanager
def set_up(
    loads: Mapping[str, FileSet], setting: Setting, contender: Contender, folder: Path
) -> Iterator[RunSetup]:
    """Set up a server, the contender's input, and an empty target, which is deleted after the run."""
    load = loads[setting.scale]
    target = folder / "files"
    target.mkdir()
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, target)
        verify = partial(summarize, target)
        if contender == DOWNLOAD or contender in OFFICIAL:
            build = build_of(OFFICIAL.get(contender, Place()).build, setting.cache)
            lake = setting.cache / "work" / folder.name
            copy_lake(build.blob_lake(setting.cache, load), lake)
            stack.callback(shutil.rmtree, lake)
            server = stack.enter_context(serve(lake, folder, build))
            arguments = {
                "address": server.address,
                "token": server.token,
                "version": VERSION,
                "target": str(target),
            }
            yield RunSetup(
                arguments,
                server_pid=server.pid,
                verify=verify,
                files=load.files,
                bytes=load.files * load.size,
            )
            return
        web = stack.enter_context(web_server(ensure_files(setting.cache, load), folder / "web"))
        if contender.script == "transfer_tool.py":
            names = [name for name, _, _ in manifest(setting.cache, load)]
            command = COMMANDS[contender.name](web.address, names, target, folder)
            yield RunSetup(
                {"command": command},
                server_pid=web.pid,
                verify=verify,
                files=load.files,
                bytes=load.files * load.size,
            )
            return
        arguments = {
            "address": web.address,
            "manifest": str(manifest_path(setting.cache, load)),
            "target": str(target),
        }
        more = {BY_SIZE: {"digests": False}, GENERAL: {"fast_path": False}}.get(contender, {})
        yield RunSetup(
            {**arguments, **more},
            server_pid=web.pid,
            verify=verify,
            files=load.files,
            bytes=load.files * load.size,
        )


def scenario(name: str, summary: str, loads: Mapping[str, FileSet]) -> Scenario:
    """Return the scenario of one file size, for all scales."""
    return Scenario(
        name=name,
        summary=summary,
        ours=(ENGINE, BY_SIZE, GENERAL, DOWNLOAD),
        peers=(*OFFICIAL, CURL, ARIA2, RCLONE, PLAIN, OBSTORE),
        prepare=partial(prepare, loads),
        set_up=partial(set_up, loads),
        data=partial(data, loads),
        coco=False,
        measures=("job_cpu_s", "job_wall_s", "cpu_s", "peak_mib"),
        work=MEMORY / "headrace-bench" if MEMORY.is_dir() else None,
    )


SMALL = scenario(
    "transfer/20kB",
    "download files of 20 kB",
    {"T": FileSet(200, 20_000), "S": FileSet(2_000, 20_000), "M": FileSet(20_000, 20_000)},
)
MEDIUM = scenario(
    "transfer/200kB",
    "download files of 200 kB",
    {"T": FileSet(20, 200_000), "S": FileSet(200, 200_000), "M": FileSet(2_000, 200_000)},
)
LARGE = scenario(
    "transfer/100MB",
    "download files of 100 MB",
    {"T": FileSet(1, 100_000_000), "S": FileSet(4, 100_000_000), "M": FileSet(20, 100_000_000)},
)

TRANSFER = (SMALL, MEDIUM, LARGE)
