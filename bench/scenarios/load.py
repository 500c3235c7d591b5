"""Load all annotations of a version: as plain values, or as views one by one."""

from bench.scenarios.versions import official, ours, reading

SCRIPT = "version_headrace.py"

LOAD = reading(
    "load",
    "load_annotations: plain values, every label read and every coordinate summed",
    ours(SCRIPT) | official("version_picsellia.py", up_to="S"),
    "load",
)
ITER = (
    reading("iter/untouched", "iter_annotations, no shape touched", ours(SCRIPT), "iter"),
    reading("iter/summed", "iter_annotations, every coordinate summed", ours(SCRIPT), "iter-sum"),
)
