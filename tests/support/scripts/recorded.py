"""Run a script while its calls are noted: ``recorded.py CALLS.json SCRIPT ARGUMENT…``."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

from tests.support import methods


def main(calls: Path, script: str, arguments: list[str]) -> None:
    if "headrace.blocking" in Path(script).read_text(encoding="utf-8"):
        methods.watch_headrace()
    else:
        methods.watch_official()
    sys.argv = [script, *arguments]
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        calls.write_text(json.dumps(methods.CALLS.take()), encoding="utf-8")


main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
