"""Change a whole version: fork it, split it, delete its annotations with and without undo."""

from bench.scenarios.versions import official, ours, reading

OURS = ours("change_headrace.py")
OFFICIAL = official("change_picsellia.py", up_to="S")

CHANGE = (
    reading("change/fork", "fork a version with its annotations", OURS | OFFICIAL, "fork"),
    reading("change/split", "assign all annotated assets to three parts", OURS, "split"),
    reading("change/delete", "delete all annotations for good", OURS | OFFICIAL, "delete"),
    reading("change/delete-undo", "delete all annotations, recorded for undo", OURS, "delete-undo"),
)
