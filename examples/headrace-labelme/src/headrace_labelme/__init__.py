"""LabelMe JSON as a format of headrace: one JSON file beside each image.

Importing this module imports no reader and no writer; headrace does that when they are used.
"""

from __future__ import annotations

from headrace.formats import WHOLE, Capability, FindingText, Format, FormatInfo

INFO = FormatInfo(
    name="labelme",
    title="LabelMe",
    layout="folder",
    suffixes=(".json",),
    reads=(
        "a folder of JSON files beside their images or elsewhere, or one JSON file",
        "circles as polygons of 64 corners, masks as their boxes",
    ),
    writes=("…/STEM.json where each image belongs, without imageData",),
    says=Capability(
        kinds={
            "rectangle": WHOLE,
            "polygon": WHOLE,
            "line": WHOLE,
            "point": WHOLE,
            "classification": WHOLE,
            "keypoints": "its box",
            "mask": "its box",
        },
        fields=frozenset(
            {"size", "background", "image_attributes", "score", "text", "attributes", "rings"}
        ),
    ),
)

FINDINGS = {
    "LM01": FindingText(
        title="A JSON file beside the images is no LabelMe file",
        rule="A LabelMe file is an object with `shapes` and `imagePath`. Other JSON files of the folder are skipped.",
        example='`{"images": [], "annotations": []}` in `notes/coco.json`',
        lenient="The file is skipped and named.",
        strict="The same: nothing is lost.",
        cure="Nothing is needed; move the file elsewhere to have no note.",
    ),
    "LM02": FindingText(
        title="A circle is read as a polygon",
        rule="No other format has circles. A circle becomes a polygon of 64 corners on it.",
        example='`"shape_type": "circle", "points": [[50, 50], [60, 50]]`',
        lenient="The polygon is kept, the circle is counted as a loss.",
        strict="The first circle ends the reading.",
        cure="Accept the polygon, or draw polygons.",
    ),
    "LM03": FindingText(
        title="A mask is read as its box",
        rule="The picture of a mask is not decoded. Its two points are the corners of its box.",
        example='`"shape_type": "mask", "points": [[10, 10], [40, 30]], "mask": "iVBORw0…"`',
        lenient="The box is kept, the mask is counted as a loss.",
        strict="The first mask ends the reading.",
        cure="Accept the boxes, or turn the masks into polygons in LabelMe.",
    ),
    "LM04": FindingText(
        title="A shape cannot be read",
        rule="`shape_type` must be one that LabelMe writes, with as many points as it needs, all of them finite.",
        example='`"shape_type": "polygon", "points": [[1, 1], [2, 2]]`',
        lenient="With on_error='skip' the shape is left out and counted.",
        strict="The first such shape ends the reading.",
        cure="Open the file in LabelMe, delete the shape and save.",
    ),
    "LM05": FindingText(
        title="A file cannot be read",
        rule="A file must be JSON in UTF-8 whose known keys have the types that LabelMe writes.",
        example='`"points": "12, 13"`',
        lenient="With on_error='skip' its image is left out and counted.",
        strict="The first such file ends the reading.",
        cure="Correct the file at the place that the message names.",
    ),
    "LM06": FindingText(
        title="An image without annotation has no file",
        rule="LabelMe has no file for an image that was not annotated. One without objects has a file without shapes.",
        example='`Sample(filename="a.jpg", annotated=False)`',
        lenient="The image is left out and noted.",
        strict="The same.",
        cure="Nothing is needed; the image itself is all that LabelMe wants.",
    ),
    "LM07": FindingText(
        title="A shape lies outside of its image",
        rule="With `clip`, shapes are cut at the edge of the image. Nothing remains of one that lies outside.",
        example="A box from 110 to 120 in an image of 100 pixels",
        lenient="The shape is left out and counted.",
        strict="The first such shape ends the writing.",
        cure="Write without `clip` to keep it.",
    ),
    "LM08": FindingText(
        title="An image has a classification twice",
        rule="Classifications are flags of the image, which have different names.",
        example="Two classifications `cat` of one image",
        lenient="The second one is left out and counted.",
        strict="The second one ends the writing.",
        cure="Remove one of the two.",
    ),
    "LM09": FindingText(
        title="A coordinate is not finite",
        rule="JSON has no infinite numbers.",
        example="A point at `inf, 3`",
        lenient="The shape is left out and counted.",
        strict="The first such shape ends the writing.",
        cure="Correct the shape in the source.",
    ),
}

FORMAT = Format(
    info=INFO,
    reader="headrace_labelme.reader:LabelmeReader",
    writer="headrace_labelme.writer:LabelmeWriter",
    probe="headrace_labelme.detect:probe",
    counter="headrace_labelme.detect:count_images",
    findings="headrace_labelme:FINDINGS",
)
