"""Video COCO: objects tracked through videos, in the dialects of Picsellia, COCO-VID, TAO and YouTube-VIS."""

from __future__ import annotations

from headrace.formats.info import WHOLE, Capability, FormatInfo

INFO = FormatInfo(
    name="coco-video",
    title="COCO video",
    layout="file",
    suffixes=(".json", ".json.gz"),
    reads=(
        "the platform's dialect: videos, and annotations with frame_attributes",
        "COCO-VID and TAO: images with video_id, annotations with track_id or instance_id",
        "YouTube-VIS: annotations with lists of bboxes and segmentations, null where the object is absent",
    ),
    writes=("the platform's dialect: one annotation per keyframe",),
    says=Capability(
        kinds={"track": WHOLE},
        fields=frozenset(
            {
                "size",
                "image_id",
                "image_attributes",
                "label_id",
                "supercategory",
                "unused_labels",
                "iscrowd",
                "text",
                "attributes",
                "about",
                "extra",
            }
        ),
    ),
)
