"""An error about a file says where, shows the place with a caret, and ends with the cure."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from headrace.cli.console.excerpt import excerpt
from tests.support.processes.cli import headrace

COCO = """\
{"images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 80}],
 "categories": [{"id": 1, "name": "cat"}],
 "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]},
  {"id": 2, "image_id": 1, "category_id": 9, "bbox": [1, 2, 3, 4]}]}
"""
XML = """\
<annotation><filename>a.jpg</filename>
<size><width>9</width><height>9</height></size>
<object><name>cat</name>
  <bndbox><xmin>one</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object>
</annotation>
"""
SIZES = '["images/train/1.jpg",100,80]\n'
YAML = "train: images/train\nval: images/train\nnames:\n  0: cat\n"
SKIP = "Pass --on-error skip to leave bad records out"


def yolo(row: str, yaml: str = YAML) -> dict[str, str]:
    rows = f"0 0.5 0.5 0.2 0.2\n{row}\n"
    return {"data.yaml": yaml, "image-sizes.jsonl": SIZES, "labels/train/1.txt": rows}


CASES: dict[str, tuple[dict[str, str], str, str]] = {
    "a word for a number": (
        yolo("0 0.1 a 0.9 0.2"),
        ".",
        f"""\
error: labels/train/1.txt:2:7: Y10  not a number
  2 | 0 0.1 a 0.9 0.2
    |       ^
{SKIP}
""",
    ),
    "a coordinate outside": (
        yolo("0 0.5 1.25 0.1 0.1"),
        ".",
        f"""\
error: labels/train/1.txt:2:7: Y11  coordinates outside the image: 0 0.5 1.25 0.1 0.1
  2 | 0 0.5 1.25 0.1 0.1
    |       ^^^^
{SKIP}
""",
    ),
    "an unknown class": (
        yolo("7 0.5 0.5 0.1 0.1"),
        ".",
        f"""\
error: labels/train/1.txt:2:1: Y10  the class number has no name: 7 0.5 0.5 0.1 0.1
  2 | 7 0.5 0.5 0.1 0.1
    | ^
{SKIP}
""",
    ),
    "a short row": (
        yolo("0 0.5 0.5"),
        ".",
        f"""\
error: labels/train/1.txt:2: Y10  a box needs a class and four numbers: 0 0.5 0.5
  2 | 0 0.5 0.5
    | ^^^^^^^^^
{SKIP}
""",
    ),
    "a broken yaml": (
        yolo("0 0.5 0.5 0.1 0.1", "train: images/train\nnames:\n  0: cat\n  1: a: b\n"),
        ".",
        """\
error: data.yaml:4:7: invalid YAML: mapping values are not allowed in this context
  4 |   1: a: b
    |       ^
Correct the file; names with ':' or '#' need quotes
""",
    ),
    "a key that is no number": (
        yolo("0 0.5 0.5 0.1 0.1", "train: images/train\nnames:\n  cat: 0\n"),
        ".",
        """\
error: data.yaml:3:3: Y01  names has the key 'cat', which is not a number
  3 |   cat: 0
    |   ^^^^
Names is a list of names, or a mapping from class numbers to names
""",
    ),
    "a corner that is no number": (
        {"a.xml": XML},
        "a.xml",
        f"""\
error: a.xml:4: V02  corners that are not numbers: cat
  4 |   <bndbox><xmin>one</xmin><ymin>1</ymin><x…
    |   {"^" * 40}
{SKIP}
""",
    ),
    "broken XML": (
        {"a.xml": XML.replace("</object>", "")},
        "a.xml",
        f"""\
error: a.xml:5:14: V11  invalid XML: Opening and ending tag mismatch: object line 3 and annotation
  5 | </annotation>
    |              ^
{SKIP}
""",
    ),
    "an unknown category": (
        {"a.json": COCO},
        "a.json",
        """\
error: a.json at byte 202 ($.annotations[1]): C16  a category that the file does not declare, named by its number: \
annotation 2 of image 1: 9
   |   {"id": 2, "image_id": 1, "category_id": …
   |   ^
Declare it, or pass --on-error skip to use its number as its name
""",
    ),
    "broken JSON": (
        {"a.json": COCO.replace('3, 4]},\n  {"id": 2', '3, 4}],\n  {"id": 2')},
        "a.json",
        """\
error: a.json at byte 196: C26  this is not JSON, near '1, 2, 3, 4}],\\n  {"id'
   | …ry_id": 1, "bbox": [1, 2, 3, 4}],
   |                                ^
Correct it there, or write the file again with a JSON library
""",
    ),
    "a file that ends": (
        {"a.json": COCO[:200]},
        "a.json",
        """\
error: a.json at byte 200: C26  the file is truncated
   | …id": 1, "bbox": [1, 2, 3, 4]},
   |                                ^
Check that it was copied completely
""",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_place_the_cause_and_the_cure(tmp_path: Path, name: str) -> None:
    files, source, expected = CASES[name]
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    to = "voc" if source == "a.json" else "coco"
    shown = headrace("convert", source, "out", "--to", to, cwd=tmp_path)
    assert (shown.status, shown.out, shown.err) == (1, "", expected)
    answer = headrace("convert", source, "out", "--to", to, "--json", cwd=tmp_path)
    error = answer.json()["error"]
    place = {"line", "column"} if "line" in error else {"offset"}
    assert place & set(error)


def test_long_lines_and_odd_characters_stay_on_a_narrow_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * 100 + b" b\x1b[31md \xff " + b"y" * 10_000 + b"\n")
    first, second = excerpt(str(path), line=1, column=102)
    assert "\x1b" not in first
    assert len(first) < 100
    assert first.startswith("  1 | …xxx")
    assert first[second.index("^") :].startswith("b\\x1b[31md")


def test_without_a_readable_place_there_is_no_excerpt(tmp_path: Path) -> None:
    packed = tmp_path / "a.json.gz"
    packed.write_bytes(gzip.compress(COCO.encode()))
    blank = tmp_path / "blank"
    blank.write_text("a\n\n")
    assert excerpt(str(packed), offset=100) == []
    assert excerpt(str(tmp_path / "missing"), line=1) == []
    assert excerpt(str(tmp_path), line=1) == []
    assert excerpt(str(blank), line=2) == []
    assert excerpt(str(blank), line=9) == []
    assert excerpt(str(blank)) == []
