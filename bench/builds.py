"""Builds of headrace: today's, and those of other commits, each with its own sources and environment.

The sources of a commit come from the repository, its environment from its own `tools/python`, on
the interpreter that runs the harness. Each build makes and reads its lakes with its own code, so
that a lake of one layout never meets the code of another.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache as cached
from functools import partial
from pathlib import Path

from bench.blobs import FileSet, ensure_files
from bench.data import write_coco
from bench.dataset import Spec
from bench.environments import (
    ROOT,
    PeerEnvironmentError,
    clean_environment,
    interpreter_tag,
    python_of,
    run_command,
)
from bench.lakes import VERSION, copy_lake, image_folder, written_in
from bench.once import once
from bench.stretch import stretch
from headrace.storage.database.queries import migrations

SEED_LAKE = """
import sys
from pathlib import Path
from bench.stretch import seed_lake
seed_lake(Path(sys.argv[1]), sys.argv[2])
"""
EMPTY_LAKE = """
import asyncio, sys
import headrace
asyncio.run(headrace.create_lake(sys.argv[1]))
"""
PUSHED_LAKE = """
import asyncio, sys
from pathlib import Path
from bench.lakes import fill_lake
asyncio.run(fill_lake(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
"""
OUTCOME = """
import json, sys
from pathlib import Path
from bench.lakes import outcome
print(json.dumps(outcome(Path(sys.argv[1]))))
"""


@dataclass(frozen=True)
class Build:
    """The code of a commit, or today's without one: its Python, and the root of its sources."""

    python: str
    root: Path
    commit: str = ""

    def run(self, *arguments: str, path: Path | None = None) -> str:
        """Run the build's Python and return the output; the `bench` on its path is its own by default."""
        with tempfile.TemporaryDirectory() as folder:
            environment = clean_environment(Path(folder)) | {"PYTHONPATH": str(path or self.root)}
            return run_command([self.python, *arguments], environment)

    def empty_lake(self, cache: Path) -> Path:
        """Return a lake without assets, and create it if missing."""
        lake = cache / "lakes" / f"empty-{self.layout()}"
        return once(lake, lambda partial: self.run("-c", EMPTY_LAKE, str(partial)))

    def blob_lake(self, cache: Path, load: FileSet) -> Path:
        """Return the lake with one version of the files of a set, and create it if missing."""
        return self._pushed(cache, load.name, ensure_files(cache, load), "object_detection")

    def base_lake(self, cache: Path, spec: Spec, *, files: bool = False) -> Path:
        """Return the lake with all assets of a spec and no annotations, and create it if missing.

        With `files` the images were pushed, which takes hours for a million.
        """
        kind = "segmentation" if spec.polygons else "object_detection"
        if files:
            return self._pushed(cache, spec.name, image_folder(cache, spec), kind)
        lakes = cache / "lakes"
        seed = once(lakes / f"seed-{kind}-{self.layout()}", partial(self._seed, kind))

        def make(lake: Path) -> None:
            stretch(copy_lake(seed, lake, objects=False), spec)

        return once(lakes / f"{spec.name}-{self.layout()}", make)

    def annotated_lake(self, cache: Path, spec: Spec, *, files: bool = False) -> Path:
        """Return the lake with the assets and annotations of a spec, and create it if missing."""
        base = self.base_lake(cache, spec, files=files)
        file = write_coco(cache / "data" / f"{spec.name}.json", spec)
        return once(base.with_name(f"{base.name}-annotated"), partial(self._annotate, base, file))

    # The next two run with today's `bench`: that of an older commit has no such lakes.

    def _pushed(self, cache: Path, name: str, folder: Path, kind: str) -> Path:
        def make(lake: Path) -> None:
            self.run("-c", PUSHED_LAKE, str(lake), str(folder), kind, path=ROOT)

        return once(cache / "lakes" / f"{name}-pushed-{self.layout()}", make)

    def _seed(self, kind: str, lake: Path) -> None:
        self.run("-c", SEED_LAKE, str(lake), kind, path=ROOT)

    def _annotate(self, base: Path, file: Path, lake: Path) -> None:
        copy_lake(base, lake)
        script = self.root / "bench" / "contenders" / "import_headrace.py"
        job = {"target": str(lake), "version": VERSION, "file": str(file)}
        self.run(str(script), json.dumps(job))

    def outcome(self, lake: Path) -> dict[str, int]:
        """Count what is in a lake of this build; see `bench.lakes.outcome`."""
        found: dict[str, int] = json.loads(self.run("-c", OUTCOME, str(lake)).splitlines()[-1])
        return found

    def layout(self) -> str:
        """Return a name for the layout of lakes: the commit, or for today's code what it writes.

        It is part of the names of lakes, so that another layout gets others.
        """
        return self.commit or written()


TODAY = Build(sys.executable, ROOT)


@cached
def written() -> str:
    """Return a digest of what today's code writes into a lake: its schema, and the rows of small imports.

    Code that writes the same as before uses the lakes that exist, however much it has changed.
    """
    digest = hashlib.sha256()
    for _, script in migrations("sqlite"):
        digest.update(script.encode())
    for rows in small_imports():
        digest.update(rows.encode())
    return digest.hexdigest()[:8]


@cached
def small_imports() -> list[str]:
    """Return the rows that today's code writes for a few boxes, and for a few polygons."""
    found = []
    for polygons in (False, True):
        spec = Spec(40, 200, polygons)
        with tempfile.TemporaryDirectory() as folder:
            cache = Path(folder)
            made = Build(sys.executable, ROOT, "sample").annotated_lake(cache, spec)
            found.append(repr(written_in(made)))
    return found


@cached
def build_of(environment: str, cache: Path) -> Build:
    """Return the build of `headrace`, or of `headrace@<commit>`; it is created if missing."""
    _, _, commit = environment.partition("@")
    if not commit:
        return TODAY
    root = once(cache / "builds" / commit, partial(unpack, commit))
    variables = dict(os.environ) | {
        # The interpreter of the harness, so that all contenders have the same.
        "PYTHON": os.path.realpath(sys.executable),
        "HEADRACE_VENV": f".venv-{interpreter_tag()}",
    }
    find = [str(root / "tools" / "python"), "-c", "import sys; print(sys.executable)"]
    return Build(run_command(find, variables).strip(), root, commit)


def python_for(environment: str, cache: Path) -> str:
    """Return the path of the Python of a build or of a peer's environment, which is created if missing."""
    if environment.startswith("headrace@"):
        return build_of(environment, cache).python
    return python_of(environment, cache)


# A file that older builds need on Python before 3.11.5, whose `re` makes them refuse valid files,
# and the commit that has it.
MENDED = "src/headrace/formats/io/json_scan.py"
MENDED_IN = "39ee8725"


def unpack(commit: str, folder: Path) -> None:
    """Write the files of a commit into a folder."""
    folder.mkdir()
    extract(folder, commit)
    if (folder / MENDED).exists():
        extract(folder, MENDED_IN, MENDED)


def extract(folder: Path, commit: str, *paths: str) -> None:
    """Write the files of a commit into a folder, by default all of them."""
    git = ["git", "-C", str(ROOT), "archive", commit, *paths]
    done = subprocess.run(git, capture_output=True, check=False)
    if done.returncode:
        problem = done.stderr.decode().strip()[-500:]
        raise PeerEnvironmentError(f"the repository does not have {commit}: {problem}")
    subprocess.run(["tar", "-x", "-C", str(folder)], input=done.stdout, check=True)
