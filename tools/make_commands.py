"""Write docs/reference/methods-and-commands.md: the command for each method of the SDK, and the method of each command.

python tools/make_commands.py            # write the page
python tools/make_commands.py --check    # fail if the page is out of date
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from headrace.cli.app import COMMANDS, SUBCOMMANDS  # noqa: E402
from tools.make_methods import methods  # noqa: E402

PAGE = ROOT / "docs" / "reference" / "methods-and-commands.md"

STATE = "- a command reads everything again"
STREAM = "- commands list page by page themselves"
DRAW = "- drawing single shapes is for programs; `import` and `export` carry whole annotations"
LISTS = "- a list in memory"
IDS = "- commands take names"
ROWS = "- datalakes and data sources are named by programs; commands work with the default datalake"

METHODS: dict[str, dict[str, str]] = {
    "headrace": {
        "every command with TARGET": "connect",
        "init": "create_lake",
        "check": "check_lake",
        "gc": "collect_garbage",
        "du": "lake_usage",
        "backup": "backup_lake",
        "restore": "restore_lake",
        "restore --list": "list_snapshots",
        "migrate": "migrate_lake reopen_lake",
        "convert": "convert",
        "copy": "copy_version",
    },
    "Tag": {
        STATE: "sync",
        "tag rename": "update",
        "tag delete": "delete",
        "tag add": "attach_on",
        "tag remove": "detach_from",
    },
    "Label": {
        STATE: "sync",
        "label rename": "update",
        "label show": "get_group get_skeleton get_attributes",
        "label add": "set_group set_skeleton set_attributes",
        "label delete": "delete",
    },
    "LabelGroup": {
        STATE: "sync",
        "- groups come with `import`, and with `label add --group`": "update get_parent set_parent delete",
    },
    "Job": {
        STATE: "sync",
        "job show --wait": "wait_for_done wait_for_status",
        "job cancel": "cancel",
        "job log": "logs",
        "job log --follow": "iter_logs",
    },
    "Removal": {"undo show": "details", "undo run": "undo"},
    "Processing": {
        STATE: "sync",
        "processing add": "update",
        "processing remove": "delete",
    },
    "DataSource": {},
    "Data": {
        STATE: "sync is_ready reset_url",
        "- `push` waits": "wait_for_upload_done",
        "tag list --on data": "get_tags",
        ROWS: "get_datasource",
        "- set by the platform when it reads a file": "update_metadata",
        "version metadata": "update_custom_metadata",
        "version remove --data": "delete",
        "pull -q": "download",
        "tag add --on data": "add_tags",
        "tag remove --on data": "remove_tags",
    },
    "MultiData": {
        "pull -q": "download",
        "- `push` waits": "wait_for_upload_done",
        "version remove --data": "delete",
        LISTS: "copy split",
        "tag add --on data": "add_tags",
        "tag remove --on data": "remove_tags",
    },
    **{
        name: {DRAW: "update sync delete"}
        for name in ("Rectangle", "Polygon", "Line", "Point", "Classification")
    },
    "Mask": {DRAW: "sync delete"},
    "Annotation": {
        STATE: "sync",
        DRAW: "update overwrite "
        + " ".join(
            f"list_{many} create_{one} create_multiple_{many}"
            for one, many in (
                ("rectangle", "rectangles"),
                ("polygon", "polygons"),
                ("line", "lines"),
                ("point", "points"),
                ("classification", "classifications"),
                ("mask", "masks"),
            )
        ),
        "version remove --annotations": "delete",
    },
    "MultiAnnotation": {
        "export": "load",
        "version remove --annotations": "delete",
        LISTS: "copy split",
    },
    "Asset": {
        STATE: "sync reset_url",
        "version metadata": "get_data",
        "tag list": "get_tags get_data_tags",
        "import": "create_annotation",
        "export": "list_annotations get_annotation",
        "version remove --annotations": "delete_annotations",
        "version remove": "delete",
        "pull -q": "download",
        "tag add -q": "add_tags",
        "tag remove -q": "remove_tags",
    },
    "MultiAsset": {
        LISTS: "as_list_of_data copy split",
        "version metadata": "as_multidata",
        "pull -q": "download",
        "version remove --annotations": "delete_annotations",
        "version remove -q": "delete",
        "tag add -q": "add_tags",
        "tag remove -q": "remove_tags",
    },
    "Datalake": {
        STATE: "sync",
        "push": "upload_data",
        "ls --data": "list_data",
        STREAM: "iter_data",
        "version add": "find_data",
        "tag list --on data": "list_data_tags get_data_tag",
        "tag create --on data": "create_data_tag get_or_create_data_tag",
        "- processings of data are launched by programs": "launch_processing",
    },
    "User": {},
    "Worker": {},
    "AnnotationCampaignStep": {
        STATE: "sync",
        "campaign add-step": "update redistribute_assignments",
        "campaign remove-step": "delete",
    },
    "AnnotationCampaignAssignment": {
        STATE: "sync reset_url",
        "campaign assignments": "get_asset",
        "campaign submit": "submit",
        "pull -q": "download",
    },
    "AnnotationCampaign": {
        STATE: "sync",
        "campaign edit": "update upload_instructions_file",
        "campaign show": "list_steps get_progress get_campaign_issue_counts",
        "campaign show --instructions": "download_instructions_file",
        "campaign add-step": "add_step",
        "campaign sync": "sync_assets launch",
        "campaign assignments": "list_assignments",
        "campaign assign": "reassign",
        "campaign close": "close",
        "campaign delete": "delete",
    },
    "DatasetVersion": {
        STATE: "sync",
        "version show": "origin_id name version type get_tags",
        "version rename --type": "set_type",
        "version rename": "update",
        "version lock": "lock",
        "version unlock": "unlock",
        "version delete": "delete",
        "version split": "train_test_split train_test_val_split split_into_multi_assets iter_split",
        "pull": "download",
        "sync": "synchronize",
        "version add": "add_data",
        "ls": "find_asset list_assets",
        STREAM: "iter_assets iter_annotations",
        "version remove": "delete_assets",
        "tag list": "list_asset_tags get_asset_tag",
        "tag create": "create_asset_tag get_or_create_asset_tag",
        "tag convert": "convert_tags_to_classification",
        "label list": "list_labels",
        "label add": "create_label get_or_create_label create_label_group",
        "label show": "get_label get_skeletons list_label_groups",
        "label merge": "merge_labels",
        "- attributes of a whole version are defined by programs": "get_attributes set_attributes",
        "version remove --annotations": "delete_all_annotations",
        "export": "list_annotations load_annotations export export_annotation_file"
        " build_coco_file_locally build_pascal_voc_locally build_yolo_files_locally",
        "stats": "retrieve_stats",
        "import": "import_annotations import_annotations_coco_file import_annotations_coco_video_file"
        " import_annotation_voc_file import_annotations_yolo_files",
        "version fork": "fork",
        "version merge": "copy_assets_to",
        "version digest": "digest",
        "pull --verify": "verify",
        "campaign create": "create_campaign",
        "campaign show": "get_campaign",
        "processing run": "launch_processing",
        "tag add --on version": "add_tags",
        "tag remove --on version": "remove_tags",
    },
    "Dataset": {
        STATE: "sync",
        "user list": "list_users list_workers find_worker",
        "user add": "add_user",
        "version show": "get_tags",
        "version rename": "update",
        "version delete": "delete",
        "version create": "create_version",
        "version list": "get_version list_versions",
        IDS: "get_version_by_id",
        STREAM: "iter_versions",
        "tag add --on dataset": "add_tags",
        "tag remove --on dataset": "remove_tags",
    },
    "Client": {
        "every command with TARGET": "aclose sync",
        "user list": "list_users",
        "campaign list": "list_annotation_campaigns",
        "undo list": "list_removals",
        "undo show": "get_removal",
        "job show": "get_job_by_id",
        "job list": "list_jobs",
        "- the escape hatch of programs": "request",
        "tag create --on version": "create_tag create_dataset_version_tag get_or_create_tag",
        "tag create --on dataset": "create_dataset_tag",
        "tag list --on version": "get_tag list_tags find_dataset_version_tag list_dataset_version_tags",
        "tag list --on dataset": "find_dataset_tag list_dataset_tags",
        "processing list": "list_processings",
        "processing run": "get_processing",
        "processing add": "create_processing",
        "push": "push",
        "sync": "sync_folder",
        "ls --data": "get_datalake",
        ROWS: "list_datalakes create_datasource get_datasource get_or_create_datasource"
        " list_datasources",
        "version create": "create_dataset",
        "version show": "get_dataset version",
        IDS: "get_dataset_by_id get_dataset_version_by_id",
        "version list": "list_datasets",
        STREAM: "iter_datasets",
    },
}
"""By class: the command, or the reason why there is none, and the methods."""

WITHOUT_A_METHOD = {
    "explain": "texts about findings and errors",
    "doctor": "a look at this machine and this installation",
    "migrate-schema": "administrators run it between two releases",
    "serve": "`headrace.server.serve` runs a server in a program",
    "token": "the tokens of a lake are made beside the API",
    "user remove": "users of a lake are removed beside the API",
    "organization": "the organizations of a lake are made beside the API",
    "audit": "only the owner of a lake reads its audit log",
    "login": "`connect(profile=)` uses what it stores",
    "logout": "forgets it",
    "whoami": "`client.username`, `client.name`",
    "completion": "for shells",
}
"""Commands and families that no method of the SDK stands behind."""

HEAD = """\
# Methods and commands

What a method of the [SDK](sdk.md) does and the [command](cli.md) that does it, generated by `tools/make_commands.py`; a
test compares both sides. Where a method has no command, the reason stands in its place.

"""


def lacking() -> list[str]:
    """Return what is wrong with the table: methods and commands that it lacks, or names that do not exist."""
    faults: list[str] = []
    known = {name: {*names} for name, names in methods()}
    known["headrace"] = {
        *("connect", "create_lake", "check_lake", "convert", "copy_version"),
        *("backup_lake", "restore_lake", "list_snapshots", "collect_garbage", "lake_usage"),
        *("migrate_lake", "reopen_lake"),
    }
    faults += [f"class {name}" for name in known.keys() ^ METHODS.keys()]
    for name in known.keys() & METHODS.keys():
        listed = " ".join(METHODS[name].values()).split()
        faults += [f"{name}.{each}: no command" for each in sorted(known[name] - {*listed})]
        faults += [f"{name}.{each}: no method" for each in sorted({*listed} - known[name])]
        faults += [f"{name}.{each}: twice" for each in {*listed} if listed.count(each) > 1]
    commands = {
        *COMMANDS,
        *(f"{one} {two}" for one, (*_, names) in SUBCOMMANDS.items() for two in names),
    }
    named = {_command(key) for rows in METHODS.values() for key in rows if not key.startswith("-")}
    named.discard("every command with TARGET")
    faults += [f"{each}: no such command" for each in sorted(named - commands)]
    missing = {
        each
        for each in commands - named
        if each.split()[0] not in WITHOUT_A_METHOD and each not in WITHOUT_A_METHOD
    }
    return faults + [f"{each}: not in the table" for each in sorted(missing)]


def _command(text: str) -> str:
    """Return the command without the options after it."""
    return text if text.startswith("every") else text.partition(" -")[0]


def page() -> str:
    """Return the page."""
    parts = [HEAD]
    for name, rows in METHODS.items():
        if rows:
            parts.append(f"## {name}\n\n| method | command |\n|---|---|\n")
            shown = [(each, _cell(key)) for key, names in rows.items() for each in names.split()]
            parts += [f"| `{each}` | {cell} |\n" for each, cell in sorted(shown)]
            parts.append("\n")
    parts.append("## Commands without a method\n\n| command | why |\n|---|---|\n")
    parts += [f"| `headrace {name}` | {why} |\n" for name, why in WITHOUT_A_METHOD.items()]
    return "".join(parts)


def _cell(key: str) -> str:
    if key.startswith("-"):
        return key
    return key if key.startswith("every") else f"`headrace {key}`"


def main(arguments: list[str]) -> int:
    """Write the page, or compare it; return the exit status."""
    faults = lacking()
    for fault in faults:
        print(fault, file=sys.stderr)
    if arguments == ["--check"]:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
            print(f"{PAGE.name} is stale: run tools/python tools/make_commands.py", file=sys.stderr)
            return 1
        return 1 if faults else 0
    PAGE.write_text(page(), encoding="utf-8")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
