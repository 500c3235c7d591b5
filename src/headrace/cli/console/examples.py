"""The examples of the help pages: three a page. Tests parse each of them, and run those that need no server."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, str, str]] = {
    "": (
        "init lake",
        "push lake bccd/v1 images/",
        "import lake bccd/v1 annotations.json",
    ),
    "push": (
        "push lake bccd/v2 images/",
        "push lake bccd/v1 images/ --tag night --dry-run",
        "push https://hub.example bccd/v1 images/ --retry-failed",
    ),
    "pull": (
        "pull lake bccd/v1 out/",
        "pull lake bccd/v1 out/ --tree --dry-run",
        "pull https://hub.example bccd/v1 out/ --retry-failed",
    ),
    "sync": (
        "sync lake bccd/v1 images/ --dry-run",
        "sync lake bccd/v1 images/ --up",
        "sync https://hub.example bccd/v1 images/ --delete --max-delete 5%",
    ),
    "import": (
        "import lake bccd/v1 annotations.json",
        "import lake bccd/v1 annotations.json --from coco --mode keep",
        "import https://hub.example bccd/v1 labels/ --on-error skip",
    ),
    "export": (
        "export lake bccd/v1 out.json --to coco",
        "export lake bccd/v1 out/ --to yolo --split-by 80/20",
        "export https://hub.example bccd/v1 out/ --to voc --media copy",
    ),
    "convert": (
        "convert annotations.json out/ --to yolo",
        "convert annotations.json out/ --to voc --images images/",
        "convert annotations.json out.json --to coco --report findings.jsonl",
    ),
    "ls": (
        "ls lake",
        "ls lake bccd/v1 --limit 5",
        "ls https://hub.example --json",
    ),
    "stats": (
        "stats lake bccd/v1",
        "stats lake bccd/v1 --json",
        "stats https://hub.example bccd/v1",
    ),
    "init": (
        "init new-lake",
        "init data/lake",
        "init data/lake --json",
    ),
    "login": (
        "login https://hub.example",
        "login https://hub.example --token - --profile ci",
        "login http://127.0.0.1:8430 --organization vision",
    ),
    "logout": (
        "logout",
        "logout https://hub.example",
        "logout --profile ci",
    ),
    "whoami": (
        "whoami",
        "whoami https://hub.example",
        "whoami --profile ci --json",
    ),
    "serve": (
        "serve lake",
        "serve lake --port 9000",
        "serve lake --host 0.0.0.0 --json",
    ),
    "version list": (
        "version list lake",
        "version list lake bccd",
        "version ls https://hub.example --json",
    ),
    "version show": (
        "version show lake bccd/v1",
        "version show lake bccd",
        "version show https://hub.example bccd/v1 --json",
    ),
    "version create": (
        "version create lake bccd/v2 --type object_detection",
        "version create lake cells --description 'Blood cells'",
        "version create https://hub.example bccd/v2 --dry-run",
    ),
    "version digest": (
        "version digest lake bccd/v1",
        "version digest https://hub.example bccd/v1 --json",
        "version digest lake bccd/v1 --json",
    ),
    "version fork": (
        "version fork lake bccd/v1 v2",
        "version fork lake bccd/v1 night -q 'tags.name = \"night\"'",
        "version fork https://hub.example bccd/v1 raw --no-annotations",
    ),
    "version rename": (
        "version rename lake bccd/v1 final",
        "version rename lake bccd cells",
        "version rename lake bccd/v1 --type segmentation",
    ),
    "version remove": (
        "version remove lake bccd/v1 -q 'data.width < 64' --dry-run",
        "version remove lake bccd/v1 scene_000.png --yes",
        "version remove lake bccd/v1 -q 'data.width < 64' --annotations --yes",
    ),
    "version delete": (
        "version delete lake bccd/v1 --dry-run",
        "version delete lake bccd/v1 --yes",
        "version delete https://hub.example bccd --yes",
    ),
    "undo list": (
        "undo list lake",
        "undo list lake bccd/v1",
        "undo list https://hub.example --json",
    ),
    "undo show": (
        "undo show lake ID",
        "undo show lake ID --json",
        "undo show https://hub.example ID",
    ),
    "undo run": (
        "undo run lake ID --dry-run",
        "undo run lake ID",
        "undo run https://hub.example ID --no-undo",
    ),
    "processing add": (
        "processing add lake blur --command 'python blur.py'",
        "processing add lake crop --callable crops:run --parameter size=64",
        "processing add lake tags --command 'python tags.py' --cpu 2",
    ),
    "processing list": (
        "processing list lake",
        "processing ls lake",
        "processing list lake --json",
    ),
    "processing remove": (
        "processing remove lake blur",
        "processing rm lake blur",
        "processing remove lake blur --json",
    ),
    "processing run": (
        "processing run lake bccd/v1 find-duplicates",
        "processing run lake bccd/v1 crop --parameter size=32",
        "processing run https://hub.example bccd/v1 crop --detach",
    ),
    "job log": (
        "job log lake ID",
        "job log lake ID --json",
        "job log https://hub.example ID --follow",
    ),
    "job cancel": (
        "job cancel lake ID",
        "job cancel lake ID --json",
        "job cancel https://hub.example ID",
    ),
    "token create": (
        "token create lake",
        "token create lake --user ann --days 30",
        "token create lake --name ci --json",
    ),
    "token list": (
        "token list lake",
        "token ls lake",
        "token list lake --json",
    ),
    "token revoke": (
        "token revoke lake ci",
        "token rm lake ci",
        "token revoke lake ci --json",
    ),
}
"""The examples by command, without the word ``headrace``; the first page has the empty name."""


def examples_of(command: str = "") -> str:
    """Return the examples of a help page. A family of commands shows the first example of its first three commands."""
    found = EXAMPLES.get(command) or [
        lines[0] for name, lines in EXAMPLES.items() if name.startswith(f"{command} ")
    ]
    return "\n".join(["Examples:", *(f"  headrace {line}" for line in found[:3]), ""])
