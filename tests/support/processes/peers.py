"""Other people's packages, each in an environment of its own: made when first asked for, as the benchmarks' are."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from bench.environments import CACHE, clean_environment, python_of

SCRIPTS = Path(__file__).parents[2] / "interop" / "peers"


def ask(peer: str, action: str, kind: str, folder: Path, *target: Path) -> Any:
    """What a peer's script answers."""
    script = SCRIPTS / f"with_{peer.replace('-', '_')}.py"
    command = [python_of(peer, CACHE), str(script), action, kind, str(folder), *map(str, target)]
    with tempfile.TemporaryDirectory() as home:
        environment = clean_environment(Path(home))
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
