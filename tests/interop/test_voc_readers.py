"""The official client's own parser reads the VOC files that headrace writes, with the same boxes and rings."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.formats import Findings, WriteOptions, get
from headrace.model.sample import Sample
from headrace.model.shapes import Polygon, Rectangle

pytestmark = pytest.mark.interop


def test_the_official_parser_reads_what_we_write(tmp_path: Path) -> None:
    utils = pytest.importorskip("picsellia_annotations.utils")
    box = Rectangle(label="a & <b>", x=1.5, y=2, w=3, h=4, attributes={"truncated": True})
    ring = Polygon(label="dog", rings=[[1, 1, 9, 1, 9, 7]])
    samples = [
        Sample(filename="x.jpg", width=20, height=10, shapes=[box, ring]),
        Sample(filename="y.jpg", width=20, height=10, shapes=[box]),
    ]
    writer = get("voc").create(
        tmp_path / "out", [], options=WriteOptions(), findings=Findings(strict=True)
    )
    with writer:
        writer.write(samples)
    first = utils.read_pascal_voc_file(tmp_path / "out/Annotations/x.xml").annotation
    assert (first.filename, first.size.width, first.size.height) == ("x.jpg", 20, 10)
    one, two = first.object
    assert (one.name, one.truncated, one.difficult) == ("a & <b>", 1, 0)
    assert (one.bndbox.xmin, one.bndbox.ymin, one.bndbox.xmax, one.bndbox.ymax) == (1.5, 2, 4.5, 6)
    assert two.polygon_to_list_coordinates() == [[1, 1], [9, 1], [9, 7]]
    second = utils.read_pascal_voc_file(tmp_path / "out/Annotations/y.xml").annotation
    assert second.object.name == "a & <b>"
