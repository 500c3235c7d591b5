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
    "copy": (
        "copy lake bccd/v1 https://hub.example",
        "copy lake bccd/v1 lake bccd/v2 --labels map.toml --dry-run",
        "copy https://hub.example bccd/v1 lake --from-profile hub",
    ),
    "ls": (
        "ls lake",
        "ls lake bccd/v1 -q 'data.width > 64' --limit 5",
        "ls https://hub.example --json",
    ),
    "stats": (
        "stats lake bccd/v1",
        "stats lake bccd/v1 --json",
        "stats lake bccd/v1 --include 'train/'",
    ),
    "explain": (
        "explain V12",
        "explain unknown-format",
        "explain --json",
    ),
    "init": (
        "init new-lake",
        "init data/lake",
        "init data/lake --json",
    ),
    "migrate-schema": (
        "migrate-schema postgresql://",
        "migrate-schema postgresql://headrace@db/headrace --dry-run",
        "migrate-schema postgresql://headrace@db/headrace --json",
    ),
    "check": (
        "check lake",
        "check lake --read-data --json",
        "check lake --repair",
    ),
    "gc": (
        "gc lake --dry-run",
        "gc lake --older-than 7d",
        "gc lake --json",
    ),
    "du": (
        "du lake",
        "du lake --json",
        "du lake --jsonl",
    ),
    "backup": (
        "backup lake backups",
        "backup lake backups --keep 7",
        "backup lake backups --dry-run --json",
    ),
    "restore": (
        "restore backups --list",
        "restore backups restored-lake",
        "restore backups restored-lake --dry-run",
    ),
    "migrate": (
        "migrate lake postgresql://ann@db/lake --objects s3://vision/lake",
        "migrate postgresql://ann@db/lake new-lake --objects s3://vision/lake",
        "migrate lake --reopen",
    ),
    "doctor": (
        "doctor",
        "doctor lake",
        "doctor lake --json",
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
        "serve lake --port 9000 --processes 4",
        "serve lake --metrics 9464 --access-log access.log",
    ),
    "audit": (
        "audit lake",
        "audit lake --since 2030-01-31 --user ann --jsonl",
        "audit lake --operation 'token.*' --json",
    ),
    "completion": (
        "completion bash",
        "completion zsh",
        "completion fish",
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
    "version add": (
        "version add lake bccd/v1 scene_000.png",
        "version add lake bccd/v1 -q 'tags.name = \"night\"' --tag late",
        "version add https://hub.example bccd/v2 -q 'width > 640' --dry-run",
    ),
    "version merge": (
        "version merge lake bccd/v1 more",
        "version merge lake bccd/v1 more -q 'data.width > 64'",
        "version merge https://hub.example bccd/v1 bccd/v2 --no-annotations",
    ),
    "version split": (
        "version split lake bccd/v1 80/20",
        "version split lake bccd/v1 70/20/10 --seed 7 --dry-run",
        "version split https://hub.example bccd/v1 9/1 --name a --name b",
    ),
    "version metadata": (
        "version metadata lake bccd/v1 --json",
        "version metadata lake bccd/v1 weather=rain -q 'data.width > 64'",
        "version metadata https://hub.example bccd/v1 weather= --dry-run",
    ),
    "version lock": (
        "version lock lake bccd/v1",
        "version lock lake bccd/v1 --dry-run",
        "version lock https://hub.example bccd/v1",
    ),
    "version unlock": (
        "version unlock lake bccd/v1",
        "version unlock lake bccd/v1 --dry-run",
        "version unlock https://hub.example bccd/v1",
    ),
    "tag list": (
        "tag list lake",
        "tag list lake bccd/v1",
        "tag list https://hub.example --on data",
    ),
    "tag create": (
        "tag create lake bccd/v1 blurry dark",
        "tag create lake bccd released --on dataset",
        "tag create https://hub.example bccd/v1 released --on version",
    ),
    "tag add": (
        "tag add lake bccd/v1 late -q 'data.width > 64'",
        "tag add lake bccd/v1 released --on version",
        "tag add https://hub.example bccd/v1 night --on data --dry-run",
    ),
    "tag remove": (
        "tag remove lake bccd/v1 dusk -q 'data.width > 64'",
        "tag remove lake bccd/v1 night --on data",
        "tag rm https://hub.example bccd/v1 released --on version",
    ),
    "tag rename": (
        "tag rename lake bccd/v1 dusk dawn",
        "tag rename lake bccd/v1 night dark --on data",
        "tag rename https://hub.example bccd old new --on dataset",
    ),
    "tag convert": (
        "tag convert lake bccd/v1 dusk --dry-run",
        "tag convert lake bccd/v1 night --on data --dry-run",
        "tag convert https://hub.example bccd/v1 cat dog",
    ),
    "tag delete": (
        "tag delete lake bccd/v1 dusk --dry-run",
        "tag delete lake bccd/v1 dusk --yes",
        "tag delete https://hub.example bccd/v1 night --on data --yes",
    ),
    "label list": (
        "label list lake bccd/v1",
        "label ls lake bccd/v1 --json",
        "label list https://hub.example bccd/v1",
    ),
    "label show": (
        "label show lake bccd/v1 box",
        "label show lake bccd/v1 box --json",
        "label show https://hub.example bccd/v1 person",
    ),
    "label add": (
        "label add lake bccd/v1 cell nucleus",
        "label add lake bccd/v1 cell --group blood",
        "label add https://hub.example bccd/v1 person --definition person.json",
    ),
    "label rename": (
        "label rename lake bccd/v1 box crate",
        "label rename lake bccd/v1 box crate --dry-run",
        "label rename https://hub.example bccd/v1 RBC 'red blood cell'",
    ),
    "label merge": (
        "label merge lake bccd/v1 box disc --into thing --dry-run",
        "label merge lake bccd/v1 box --into disc --yes",
        "label merge https://hub.example bccd/v1 car van --into vehicle --yes",
    ),
    "label delete": (
        "label delete lake bccd/v1 box --dry-run",
        "label delete lake bccd/v1 box disc --yes",
        "label rm https://hub.example bccd/v1 unknown --yes",
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
        "processing list https://hub.example",
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
    "job list": (
        "job list lake",
        "job ls lake --limit 5",
        "job list https://hub.example --json",
    ),
    "job show": (
        "job show lake ID",
        "job show lake ID --wait",
        "job show https://hub.example ID --json",
    ),
    "campaign list": (
        "campaign list lake",
        "campaign ls lake --open",
        "campaign list https://hub.example --json",
    ),
    "campaign create": (
        "campaign create lake bccd/raw",
        "campaign create lake bccd/raw --auto-add --end-date 2030-01-31",
        "campaign create https://hub.example bccd/v1 --instructions how-to.pdf",
    ),
    "campaign show": (
        "campaign show lake bccd/v1",
        "campaign show lake bccd/v1 --json",
        "campaign show https://hub.example bccd/v1 --instructions out/",
    ),
    "campaign edit": (
        "campaign edit lake bccd/v1 --description 'Second round'",
        "campaign edit lake bccd/v1 --auto-close --end-date 2030-01-31",
        "campaign edit https://hub.example bccd/v1 --no-auto-add",
    ),
    "campaign add-step": (
        "campaign add-step lake bccd/v1 look --type review",
        "campaign add-step lake bccd/v1 draw --assign local:2",
        "campaign add-step https://hub.example bccd/v1 draw --assign ann",
    ),
    "campaign remove-step": (
        "campaign remove-step lake bccd/v1 check --to draw",
        "campaign remove-step lake bccd/v1 check --to draw --dry-run",
        "campaign remove-step https://hub.example bccd/v1 check --to draw",
    ),
    "campaign sync": (
        "campaign sync lake bccd/v1",
        "campaign sync lake bccd/v1 --annotated-to DONE",
        "campaign sync https://hub.example bccd/v1 --annotated-to check",
    ),
    "campaign assignments": (
        "campaign assignments lake bccd/v1",
        "campaign assignments lake bccd/v1 --step draw --user unassigned",
        "campaign assignments https://hub.example bccd/v1 -q 'data.width > 64'",
    ),
    "campaign assign": (
        "campaign assign lake bccd/v1 local",
        "campaign assign lake bccd/v1 local --step draw --of unassigned",
        "campaign assign https://hub.example bccd/v1 ann --of bob --dry-run",
    ),
    "campaign submit": (
        "campaign submit lake bccd/v1 scene_000.png --dry-run",
        "campaign submit lake bccd/v1 scene_000.png --status accepted",
        "campaign submit https://hub.example bccd/v1 a.jpg --status refused",
    ),
    "campaign close": (
        "campaign close lake bccd/v1 --dry-run",
        "campaign close lake bccd/v1 --yes",
        "campaign close https://hub.example bccd/v1 --yes",
    ),
    "campaign delete": (
        "campaign delete lake bccd/v1 --dry-run",
        "campaign delete lake bccd/v1 --yes",
        "campaign rm https://hub.example bccd/v1 --yes",
    ),
    "user list": (
        "user list lake",
        "user list lake bccd",
        "user ls https://hub.example --json",
    ),
    "user add": (
        "user add lake bccd local",
        "user add lake bccd local --dry-run",
        "user add https://hub.example bccd ann bob",
    ),
    "user remove": (
        "user remove lake ann --dry-run",
        "user rm lake ann",
        "user remove lake ann --organization local",
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
        "token create lake --name ci --read-only --json",
    ),
    "token rotate-key": (
        "token rotate-key lake",
        "token rotate-key lake --drop-old",
        "token rotate-key lake --dry-run --json",
    ),
    "organization list": (
        "organization list lake",
        "organization ls lake",
        "organization list lake --json",
    ),
    "organization create": (
        "organization create lake vision",
        "organization create lake vision --owner ann",
        "organization create lake vision --dry-run",
    ),
    "organization rename": (
        "organization rename lake local vision",
        "organization rename lake local vision --dry-run",
        "organization rename lake local vision --json",
    ),
    "organization add": (
        "organization add lake local bob",
        "organization add lake local ann --role owner",
        "organization add lake local ann --dry-run",
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
