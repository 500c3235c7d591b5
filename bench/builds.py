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

from bench.blobs import FileSet
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
from bench.lakes import VERSION, copy_lake
from bench.once import once
from bench.stretch import stretch

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
BLOB_LAKE = """
import sys
from pathlib import Path
from bench.blobs import FileSet
from bench.lakes import blob_lake
print(blob_lake(Path(sys.argv[1]), FileSet(*map(int, sys.argv[2:]))))
"""
OUTCOME = """
import json, sys
from pathlib import Path
from bench.lakes import outcome
print(json.dumps(outcome(Path(sys.argv[1]))))
"""


@dataclass(frozen=True)
class Build:
    """The code of one commit, or today's: its Python, and the root of its sources."""

    python: str
    root: Path

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
        numbers = (str(load.files), str(load.size))
        return Path(self.run("-c", BLOB_LAKE, str(cache), *numbers).splitlines()[-1])

    def base_lake(self, cache: Path, spec: Spec) -> Path:
        """Return the lake with all assets of a spec, no files and no annotations, and create it if missing."""
        kind = "segmentation" if spec.polygons else "object_detection"
        lakes = cache / "lakes"
        seed = once(lakes / f"seed-{kind}-{self.layout()}", partial(self._seed, kind))

        def make(lake: Path) -> None:
            stretch(copy_lake(seed, lake, objects=False), spec)

        return once(lakes / f"{spec.name}-{self.layout()}", make)

    def _seed(self, kind: str, lake: Path) -> None:
        # With today's `bench`: that of an older commit has no such lakes.
        self.run("-c", SEED_LAKE, str(lake), kind, path=ROOT)

    def annotated_lake(self, cache: Path, spec: Spec) -> Path:
        """Return the lake with the assets and annotations of a spec, and create it if missing."""
        base = self.base_lake(cache, spec)
        file = write_coco(cache / "data" / f"{spec.name}.json", spec)
        return once(base.with_name(f"{base.name}-annotated"), partial(self._annotate, base, file))

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
        """Return a name for the layout of lakes: a digest of the code that packs and stores what is in them.

        It is part of the names of lakes, so that another layout gets others.
        """
        digest = hashlib.sha256()
        for part in ("model", "storage"):
            for path in sorted((self.root / "src" / "headrace" / part).rglob("*")):
                if path.suffix in (".py", ".sql"):
                    digest.update(path.read_bytes())
        return digest.hexdigest()[:8]


TODAY = Build(sys.executable, ROOT)


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
    return Build(run_command(find, variables).strip(), root)


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
