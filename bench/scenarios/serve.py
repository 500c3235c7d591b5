"""Serve one lake with one process, and with several: the CPU time of both."""

from dataclasses import replace

from bench.scenarios.versions import Place, ours, reading

PROCESSES = 2

ONE, *_ = [each for each, place in ours("version_headrace.py").items() if place.http]
SEVERAL = replace(ONE, name=f"headrace-http-{PROCESSES}", beside=ONE.name)
PLACES = {
    ONE: Place(),
    SEVERAL: Place(options=("--processes", str(PROCESSES))),
}

SERVE = (
    reading("serve/iter", f"iterate with one server process and with {PROCESSES}", PLACES, "iter"),
    reading(
        "serve/list",
        f"list with one server process and with {PROCESSES}",
        PLACES,
        "list",
        items=lambda spec: spec.images,
    ),
)
