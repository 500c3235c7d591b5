"""Rows T01 to T08 of the conformance table: tracks in the platform's dialect, COCO-VID, TAO and YouTube-VIS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headrace.formats import WriteOptions, detect, get
from headrace.formats.findings.collect import Findings
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import PolygonKeyframe, Rectangle, RectangleKeyframe, Track
from tests.support.data.formats import Reading, fails, samples, strict_fails
from tests.support.data.formats import read as read_any

CATS = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
RING = [0.0, 0.0, 4.0, 0.0, 4.0, 4.0]


def read(path: Path, **options: Any) -> Reading:
    return read_any(path, "coco-video", **options)


def save(folder: Path, document: dict[str, Any]) -> Path:
    path = folder / "video.json"
    path.write_text(json.dumps(document))
    return path


def at(
    frame: int,
    *,
    track: Any = 7,
    video: Any = 1,
    number: int = 0,
    key: bool | None = True,
    **more: Any,
) -> dict[str, Any]:
    """An annotation of the platform's dialect."""
    flags = {"track_id": track, "frame_id": frame, "occluded": False, "rotation": None}
    if key is not None:
        flags["keyframe"] = key
    return {
        "id": number,
        "image_id": frame + 1,
        "video_id": video,
        "category_id": 1,
        "bbox": [frame, 2.5, 10, 20],
        "segmentation": [],
        "area": 200,
        "iscrowd": 0,
        "frame_attributes": flags,
        **more,
    }


def platform(*annotations: dict[str, Any], videos: int = 1) -> dict[str, Any]:
    return {
        "videos": [
            {"id": n + 1, "file_name": f"{n}.mp4", "attributes": {"site": n}} for n in range(videos)
        ],
        "images": [
            {"id": n + 1, "video_id": 1, "frame_id": n, "width": 64, "height": 48}
            for n in range(12)
        ],
        "annotations": list(annotations),
        "categories": CATS,
    }


def vid(frames: dict[int, list[int]], **image: Any) -> dict[str, Any]:
    """COCO-VID: six images of one video; which of them each track is seen on."""
    images = [
        {"id": n + 1, "video_id": 1, "frame_id": n, "file_name": f"{n}.jpg", **image}
        for n in range(6)
    ]
    annotations = [
        {
            "id": 10 * track + frame,
            "image_id": frame + 1,
            "category_id": 1,
            "instance_id": track,
            "bbox": [frame, 0, 5, 5],
        }
        for track, seen in frames.items()
        for frame in seen
    ]
    return {
        "images": images,
        "annotations": annotations,
        "videos": [{"id": 1, "name": "clip"}],
        "categories": CATS,
    }


def boxes(track: Track) -> list[tuple[int, float]]:
    return [(each.frame_index, each.x) for each in track.rectangles]


def write(
    target: Path, made: list[Sample], found: list[LabelInfo], *, about: Any = None
) -> dict[str, Any]:
    options = WriteOptions(about=about, overwrite=True)
    with get("coco-video").create(target, found, options=options, findings=Findings()) as writer:
        writer.write(made)
    return dict(json.loads(target.read_text()))


# --- T01 -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strict", [False, True])
def test_t01_the_platforms_dialect(tmp_path: Path, strict: bool) -> None:
    path = save(
        tmp_path, platform(at(3, number=1, utf8_string="A1", attributes={"c": 1}), at(5, number=2))
    )
    assert (detect(path).format, detect(path).confidence) == ("coco-video", "certain")
    found = read(path, strict=strict)
    (sample,) = found.samples
    assert (sample.filename, sample.id, sample.width, sample.height) == ("0.mp4", 1, 64, 48)
    assert sample.attributes == {"site": 0}
    assert sample.shapes == [
        Track(
            label="cat",
            id=7,
            text="A1",
            attributes={"c": 1},
            start_frame=3,
            rectangles=[
                RectangleKeyframe(frame_index=0, x=3, y=2.5, w=10, h=20),
                RectangleKeyframe(frame_index=2, x=5, y=2.5, w=10, h=20),
            ],
            ends=[3],
        )
    ]


@pytest.mark.parametrize("strict", [False, True])
def test_t01_is_written_exactly_as_the_platform_reads_it(tmp_path: Path, strict: bool) -> None:
    track = Track(
        label="cat",
        id=7,
        text="A1",
        start_frame=3,
        rectangles=[RectangleKeyframe(frame_index=0, x=3, y=2, w=10, h=20)],
        polygons=[PolygonKeyframe(frame_index=2, ring=RING)],
        ends=[3],
        extra={"frames": {"2": {"occluded": True, "rotation": 1.5}}},
    )
    made = [
        Sample(filename="a.mp4", id=4, width=64, height=48, shapes=[track], attributes={"s": 1})
    ]
    document = write(tmp_path / "out.json", made, [LabelInfo(name="cat", id=9)])
    assert document["videos"] == [
        {"id": 4, "file_name": "a.mp4", "width": 64, "height": 48, "attributes": {"s": 1}}
    ]
    assert document["images"] == [
        {"id": 1, "video_id": 4, "frame_id": 3, "width": 64, "height": 48},
        {"id": 2, "video_id": 4, "frame_id": 5, "width": 64, "height": 48},
    ]
    common = {"video_id": 4, "category_id": 9, "iscrowd": 0}
    flags = {"track_id": 7, "keyframe": True}
    assert document["annotations"] == [
        {
            **common,
            "id": 1,
            "image_id": 1,
            "bbox": [3, 2, 10, 20],
            "area": 200,
            "segmentation": [],
            "frame_attributes": {**flags, "frame_id": 3, "occluded": False, "rotation": None},
            "utf8_string": "A1",
        },
        {
            **common,
            "id": 2,
            "image_id": 2,
            "bbox": [0, 0, 4, 4],
            "area": 8,
            "segmentation": [RING],
            "frame_attributes": {**flags, "frame_id": 5, "occluded": True, "rotation": 1.5},
        },
    ]
    assert read(tmp_path / "out.json", strict=strict).samples == made


def test_t01_videos_and_annotations_that_belong_nowhere(tmp_path: Path) -> None:
    path = save(tmp_path, platform(at(1), at(1, video=8), at(2, video="x")))
    found = read(path)
    assert ([len(sample.shapes) for sample in found.samples], found.codes) == ([1], {"T01"})
    assert sum(each.dropped_shapes for each in found.findings) == 2
    strict_fails(path, "coco-video", "T01")
    document = platform(at(1))
    document["videos"].append({"id": 1, "file_name": "again.mp4"})
    assert "T01" in str(fails(save(tmp_path, document), "coco-video"))
    skipped = read(path, on_error="skip")
    assert [sample.filename for sample in skipped.samples] == ["0.mp4"]


def test_t01_what_is_no_track_cannot_be_said(tmp_path: Path) -> None:
    findings = Findings()
    with get("coco-video").create(
        tmp_path / "o.json", [], options=WriteOptions(), findings=findings
    ) as writer:
        writer.write([Sample(filename="a.mp4", shapes=[Rectangle(label="a", x=0, y=0, w=1, h=1)])])
    assert [(each.code, each.dropped_shapes) for each in findings] == [("LOSS", 1)]


# --- T02 to T08 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("key", ["instance_id", "track_id"])
def test_t02_coco_vid_and_tao(tmp_path: Path, key: str, strict: bool) -> None:
    document = vid({1: [0, 1, 2], 2: [2, 3]}, width=9, height=9)
    for each in document["annotations"]:
        each[key] = each.pop("instance_id")
    found = read(save(tmp_path, document), strict=strict)
    (sample,) = found.samples
    assert (sample.filename, sample.width) == ("clip", 9)
    first, second = sample.shapes
    assert isinstance(first, Track)
    assert isinstance(second, Track)
    assert (first.start_frame, boxes(first), first.ends) == (0, [(0, 0), (1, 1), (2, 2)], [3])
    assert (second.start_frame, boxes(second), second.ends) == (2, [(0, 2), (1, 3)], [2])


def test_t02_frame_index_counts_the_frames_of_the_video(tmp_path: Path) -> None:
    document = vid({1: [0, 1]})
    for image in document["images"]:
        image["frame_index"] = 390 + 30 * image["frame_id"]
    (track,) = read(save(tmp_path, document), strict=True).shapes
    assert (track.start_frame, boxes(track)) == (390, [(0, 0), (30, 1)])


def test_t02_an_annotation_of_no_track(tmp_path: Path) -> None:
    document = vid({1: [0, 1]})
    del document["annotations"][1]["instance_id"]
    path = save(tmp_path, document)
    found = read(path)
    assert (boxes(found.shapes[0]), found.codes) == ([(0, 0)], {"T02"})
    strict_fails(path, "coco-video", "T02")


@pytest.mark.parametrize("strict", [False, True])
def test_t03_youtube_vis(tmp_path: Path, strict: bool) -> None:
    document = {
        "videos": [
            {
                "id": 1,
                "file_names": ["v/0.jpg", "v/1.jpg", "v/2.jpg", "v/3.jpg", "v/4.jpg"],
                "width": 64,
                "height": 48,
            }
        ],
        "annotations": [
            {
                "id": 99,
                "video_id": 1,
                "category_id": 2,
                "iscrowd": 0,
                "bboxes": [None, [1, 2, 3, 4], None, [5, 6, 7, 8], None],
                "segmentations": [None, [RING], None, None, None],
                "areas": [None, 8, None, 56, None],
            }
        ],
        "categories": CATS,
    }
    found = read(save(tmp_path, document), strict=strict)
    (sample,) = found.samples
    assert (sample.filename, sample.width, sample.height) == ("v", 64, 48)
    (track,) = found.shapes
    assert (track.label, track.start_frame, track.ends) == ("dog", 1, [1, 3])
    assert track.polygons == [PolygonKeyframe(frame_index=0, ring=RING)]
    assert track.rectangles == [RectangleKeyframe(frame_index=2, x=5, y=6, w=7, h=8)]


def test_t03_masks_become_boxes_and_say_so(tmp_path: Path) -> None:
    document = vid({1: [0]})
    document["annotations"][0].update(
        bbox=None, segmentation={"size": [10, 10], "counts": [32, 2, 8, 2, 8, 2, 46]}
    )
    path = save(tmp_path, document)
    found = read(path)
    assert (found.shapes[0].rectangles, found.codes) == (
        [RectangleKeyframe(frame_index=0, x=3, y=2, w=3, h=2)],
        {"T03"},
    )
    strict_fails(path, "coco-video", "T03")


@pytest.mark.parametrize("strict", [False, True])
def test_t04_the_same_track_id_in_two_videos_is_two_tracks(tmp_path: Path, strict: bool) -> None:
    found = read(save(tmp_path, platform(at(1), at(4, video=2), at(2), videos=2)), strict=strict)
    assert [
        [(track.id, track.start_frame, len(track.rectangles)) for track in sample.shapes]
        for sample in found.samples
    ] == [
        [(7, 1, 2)],
        [(7, 4, 1)],
    ]


@pytest.mark.parametrize("strict", [False, True])
def test_t05_frames_are_put_in_order(tmp_path: Path, strict: bool) -> None:
    (track,) = read(save(tmp_path, platform(at(9), at(2), at(5))), strict=strict).shapes
    assert (track.start_frame, boxes(track), track.ends) == (2, [(0, 2), (3, 5), (7, 9)], [8])
    (single,) = read(save(tmp_path, platform(at(4))), strict=strict).shapes
    assert (single.start_frame, single.ends) == (4, [1])


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("first", [0, 1])
def test_t05_frames_count_from_whatever_the_file_counts_from(
    tmp_path: Path, first: int, strict: bool
) -> None:
    document = vid({1: [0, 1, 3], 2: [2]})
    for image in document["images"]:
        image["frame_id"] += first
    one, two = read(save(tmp_path, document), strict=strict).shapes
    assert (one.start_frame, boxes(one), one.ends) == (first, [(0, 0), (1, 1), (3, 3)], [2, 4])
    assert (two.start_frame, two.ends) == (first + 2, [1])


@pytest.mark.parametrize("strict", [False, True])
def test_t05_a_gap_ends_a_part_of_the_track(tmp_path: Path, strict: bool) -> None:
    (track,) = read(save(tmp_path, vid({1: [0, 1, 4, 5]})), strict=strict).shapes
    assert (boxes(track), track.ends) == ([(0, 0), (1, 1), (4, 4), (5, 5)], [2, 6])
    document = write(
        tmp_path / "again.json", read(save(tmp_path, vid({1: [0, 1, 4, 5]}))).samples, []
    )
    assert document["annotations"][0]["ends"] == [2, 6]
    (again,) = read(tmp_path / "again.json", strict=strict).shapes
    assert again.ends == [2, 6]


def test_t05_an_annotation_of_no_known_frame(tmp_path: Path) -> None:
    document = vid({1: [0, 1]})
    document["annotations"][1].update(image_id=77, video_id=1)
    path = save(tmp_path, document)
    found = read(path)
    assert (boxes(found.shapes[0]), found.codes) == ([(0, 0)], {"T05"})
    strict_fails(path, "coco-video", "T05")


@pytest.mark.parametrize("strict", [False, True])
def test_t06_without_any_keyframe_mark_all_frames_are_keys(tmp_path: Path, strict: bool) -> None:
    (track,) = read(
        save(tmp_path, platform(at(1, key=None), at(2, key=None))), strict=strict
    ).shapes
    assert boxes(track) == [(0, 1), (1, 2)]
    (marked,) = read(save(tmp_path, platform(at(1), at(2, key=False), at(3))), strict=strict).shapes
    assert boxes(marked) == [(0, 1), (2, 3)]


def test_t06_a_track_without_a_keyframe_where_others_have_some(tmp_path: Path) -> None:
    path = save(tmp_path, platform(at(1), at(1, track=8, key=False), at(2, track=8, key=False)))
    found = read(path)
    assert ([boxes(track) for track in found.shapes], found.codes) == (
        [[(0, 1)], [(0, 1), (1, 2)]],
        {"T06"},
    )
    strict_fails(path, "coco-video", "T06")


def test_t07_a_change_of_category(tmp_path: Path) -> None:
    path = save(tmp_path, platform(at(1), at(2, category_id=2), at(3, category_id=2)))
    found = read(path)
    assert ([track.label for track in found.shapes], found.codes) == (["dog"], {"T07"})
    strict_fails(path, "coco-video", "T07")


@pytest.mark.parametrize("strict", [False, True])
def test_t08_polygons_of_one_frame_stay_together(tmp_path: Path, strict: bool) -> None:
    found = read(
        save(tmp_path, platform(at(1, segmentation=[RING]), at(1, segmentation=[RING]))),
        strict=strict,
    )
    assert found.shapes[0].polygons == [PolygonKeyframe(frame_index=0, ring=RING)] * 2
    document = write(tmp_path / "again.json", found.samples, found.labels)
    assert [each["segmentation"] for each in document["annotations"]] == [[RING, RING]]


def test_t08_two_boxes_of_one_frame(tmp_path: Path) -> None:
    path = save(tmp_path, platform(at(1), at(1, bbox=[9, 9, 9, 9]), at(2)))
    found = read(path)
    assert (boxes(found.shapes[0]), found.codes) == ([(0, 1), (1, 2)], {"T08"})
    strict_fails(path, "coco-video", "T08")


@pytest.mark.parametrize(
    ("path", "videos", "records", "tracks"),
    [
        ("mmdetection/mot_sample.json", 2, 12, 5),
        ("mmtracking/demo_cocovid_data/ann.json", 1, 10, 5),
        ("mmtracking/demo_tao_data/ann.json", 1, 4, 2),
        ("mmtracking/demo_vis_data/ann.json", 1, 1, 1),
        ("mmtracking/demo_sot_data/lasot/lasot_test_dummy.json", 2, 50, 2),
        ("labelformat/instance_segmentation/YouTubeVIS/sample.json", 1, 1, 1),
    ],
)
def test_real_files(tmp_path: Path, path: str, videos: int, records: int, tracks: int) -> None:
    file = samples(*path.split("/"))
    assert detect(file).format == "coco-video"
    found = read(file)
    counted = found.findings.get("read")
    assert counted is not None
    assert (len(found.samples), counted.shapes_in, len(found.shapes)) == (videos, records, tracks)
    write(tmp_path / "again.json", found.samples, found.labels)
    again = read(tmp_path / "again.json")
    assert [
        [(t.label, t.start_frame, t.rectangles, t.polygons, t.ends) for t in s.shapes]
        for s in again.samples
    ] == [
        [(t.label, t.start_frame, t.rectangles, t.polygons, t.ends) for t in s.shapes]
        for s in found.samples
    ]
