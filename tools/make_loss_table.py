"""Write docs/reference/formats/losses.md from what each format declares that it can say.

python tools/make_loss_table.py            # write it
python tools/make_loss_table.py --check    # fail where it is not what would be written
"""

from __future__ import annotations

import sys
from pathlib import Path

from headrace.formats import WHOLE, all_formats
from headrace.formats.info import FIELDS, SHAPE_KINDS, FormatInfo, losses

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "formats" / "losses.md"

HEAD = """\
# Losses

What each format can say, and what is lost on the way from one to another. Made by `tools/make_loss_table.py` from what the
formats declare of themselves; conversions count each loss that really happens, and `--strict` makes it an error.

"""


def page() -> str:
    """The whole page."""
    infos = [each.info for each in all_formats()]
    return HEAD + said(infos) + "\n## From one format to another\n" + "".join(map(lost, infos))


def said(infos: list[FormatInfo]) -> str:
    """What each format, under each of its tasks, can say."""
    columns = [(name, info.capability(task)) for info in infos for name, task in variants(info)]
    lines = [row(["", *[name for name, _ in columns]]), row(["---"] * (len(columns) + 1))]
    for kind in SHAPE_KINDS:
        cells = [capability.kinds.get(kind, "-") for _, capability in columns]
        lines.append(row([f"**{kind}**", *["yes" if cell == WHOLE else cell for cell in cells]]))
    for name, words in FIELDS.items():
        cells = ["yes" if name in capability.fields else "-" for _, capability in columns]
        lines.append(row([words, *cells]))
    return "\n".join(lines) + "\n"


def lost(source: FormatInfo) -> str:
    """What a format's content loses in each other format."""
    lines = [f"\n### {source.title}\n\n"]
    for each in all_formats():
        if each.info.name == source.name:
            continue
        for name, task in variants(each.info):
            words = [
                loss.what if loss.becomes == "dropped" else f"{loss.what} ({loss.becomes})"
                for loss in losses(source, each.info, task=task)
            ]
            lines.append(f"- to **{name}**: {'; '.join(words) or 'nothing'}\n")
    return "".join(lines)


def variants(info: FormatInfo) -> list[tuple[str, str | None]]:
    """The names of a format's columns, each with its task; the plain one where no task says the same."""
    plain: list[tuple[str, str | None]] = []
    if info.says not in info.tasks.values():
        plain.append((info.title, None))
    return plain + [(f"{info.title} {task}", task) for task in info.tasks]


def row(cells: list[str]) -> str:
    """One line of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main(arguments: list[str]) -> int:
    """Write the page, or compare; the exit status."""
    made = page()
    if arguments == ["--check"]:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made:
            print(
                f"{PAGE.name} is stale: run tools/python tools/make_loss_table.py", file=sys.stderr
            )
            return 1
        return 0
    if arguments:
        print("usage: make_loss_table.py [--check]", file=sys.stderr)
        return 2
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
