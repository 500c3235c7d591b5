"""The rows of the conformance table: what files of a format may contain, and how reading or writing handles it.

Lenient is the default; strict (``--strict``) refuses everything that is odd or lost.
"""

from __future__ import annotations

from typing import NamedTuple

SAME = "the same"
ERROR = "error"


class Row(NamedTuple):
    """A rule, and what must happen in lenient and in strict mode."""

    rule: str
    lenient: str
    strict: str = SAME


COCO = {
    "C01": Row(
        "top-level keys in any order; unknown keys",
        "same result for all orders; unknown ones come back",
    ),
    "C02": Row("only `images`, or no `annotations`", "read: no annotations"),
    "C03": Row("boxes `[x, y, w, h]`, from 0, floats", "kept to the last bit"),
    "C04": Row(
        "no box, `null` or `[]`, with a segmentation", "box from the segmentation, reported", ERROR
    ),
    "C05": Row(
        "width or height ≤ 0; not finite",
        "without extent kept and reported; not finite dropped and reported, never written",
        ERROR,
    ),
    "C06": Row("box partly or wholly outside of the image", "kept; cut only where `clip` asks"),
    "C07": Row("polygons of several parts", "one object with all its parts"),
    "C08": Row(
        "a flat polygon; `[]`, `{}`, null or none",
        "wrapped and reported; else the box",
        "flat: error; else the same",
    ),
    "C09": Row(
        "a part of an odd length or of fewer than 6 numbers",
        "dropped and reported, the others stay",
        ERROR,
    ),
    "C10": Row(
        "compressed run lengths, height first", "read and written byte for byte (golden vectors)"
    ),
    "C11": Row("run lengths as numbers", "equal to the compressed ones"),
    "C12": Row("damaged run lengths", "error; nothing is read beyond the end", ERROR),
    "C13": Row("run lengths of another size than the image", "error; left out on request", ERROR),
    "C14": Row(
        "`iscrowd` with any segmentation, or none",
        "independent of the segmentation; 0 where missing",
    ),
    "C15": Row("`area`", "kept; where missing, that of the segmentation, parts united"),
    "C16": Row(
        "category ids with gaps, twice, unknown; names twice",
        "id twice or unknown: error; name twice: one label, noted",
    ),
    "C17": Row(
        "annotation ids of any kind; repeated",
        "kept, numbered 1 to n when written; repeated: reported",
        "repeated: error; else the same",
    ),
    "C18": Row(
        "image ids of any kind; repeated; annotations without an image",
        "repeated: error; without an image: dropped and counted",
        ERROR,
    ),
    "C19": Row(
        "file names with folders, slashes of both kinds, spaces, URLs; none",
        "kept; without any name: error",
    ),
    "C20": Row(
        "no width and height, or not the image's",
        "from the image file if it is there; else reported",
        "error without an image file, or with another size",
    ),
    "C21": Row(
        "keypoints, their count and edges",
        "`num_keypoints` counted; odd ones kept or left out, reported",
        "odd ones: error; else the same",
    ),
    "C22": Row("no point is labelled", "no box is derived, never infinite", "without a box: error"),
    "C23": Row("images without annotations", "come back"),
    "C24": Row("attributes, score, text; labels without geometry", "come back"),
    "C25": Row("a list of results", "error that names it; read as predictions on request"),
    "C26": Row(
        "byte order mark, gzip, UTF-16, keys twice, lone surrogates, huge integers, broken JSON",
        "mark and gzip read; UTF-16, huge and broken: error with its byte; keys twice and surrogates reported",
        "keys twice and surrogates: error; else the same",
    ),
    "C27": Row(
        "depth, and length of texts and arrays",
        "error with its byte, beyond 64 levels or 16 MiB",
        ERROR,
    ),
    "C28": Row("written files", "the same bytes for the same samples (golden file)"),
    "C29": Row(
        "polygons on the grid", "bit for bit as pycocotools (vectors), for a missing area only"
    ),
    "C30": Row("order, closing and repeated points of a ring", "kept as given"),
    "C31": Row(
        "folders of several files: one for each split (Roboflow, COCO 2017), other tasks beside",
        "one source with splits, labels merged by name; files that are not read are noted; an image in two: error",
        "a file of unclear purpose: error; else the same",
    ),
    "C32": Row(
        "where images lie: FiftyOne, CVAT, Label Studio, any folder; names of another machine",
        "found by the first names; never outside of the source",
    ),
    "C33": Row(
        "ids that are numbers here and texts there; a category many times; sizes behind names (VIA)",
        "matched and noted",
    ),
    "C34": Row("a written folder", "one file for each split, with the same categories in all"),
    "C35": Row("an image without annotation", "written with `annotated` false"),
    "C36": Row(
        "several formats in one folder, strays beside a data set",
        "the fullest is read, else the first of COCO, video COCO, VOC, YOLO; the others are noted (S03)",
    ),
}

YOLO = {
    "Y01": Row(
        "`names` as a list or a mapping in any notation",
        "read; gaps reported",
        "gaps: error; else the same",
    ),
    "Y02": Row(
        "`nc` alone, or beside `names`",
        "`class_0` …; another number than names: reported",
        "another number: error; else the same",
    ),
    "Y03": Row(
        "names that YAML takes for something else (`no`, `012`, `1e3`)",
        "stay text; quoted when written",
    ),
    "Y04": Row(
        "`path` absolute, relative, moved, missing; Roboflow's `../`",
        "found and reported; a missing split reported",
        "missing: error; else the same",
    ),
    "Y05": Row("splits as folder, list, list of either, or empty", "read"),
    "Y06": Row(
        "lines of image lists",
        "from the list's folder, the dataset's, the current one; missing: error",
    ),
    "Y07": Row(
        "labels of an image",
        "last `images` becomes `labels`; beside it without; without an image: counted",
        "without an image: error; else the same",
    ),
    "Y08": Row("image suffixes in any case", "read"),
    "Y09": Row("no label file, and an empty one", "two states, read and written as such"),
    "Y10": Row("rows in every notation; invalid rows", "read; error with its line"),
    "Y11": Row(
        "coordinates outside the image",
        "inside the tolerance moved and reported; outside: error",
        ERROR,
    ),
    "Y12": Row("polygons of any length; odd ones", "read; odd: error"),
    "Y13": Row(
        "rows of four corners",
        "reported unless the task is known",
        "error unless the task is known",
    ),
    "Y14": Row(
        "pose rows, `kpt_shape`, two or three numbers a point",
        "read; another number of columns: error",
    ),
    "Y15": Row(
        "boxes and polygons in one file",
        "typed row by row and reported; never written",
        "the same; writing refuses what its task cannot represent",
    ),
    "Y16": Row("a confidence behind the row", "only as predictions; else error", ERROR),
    "Y17": Row(
        "comments", "skipped and reported in label files, plain in yaml", "in label files: error"
    ),
    "Y18": Row("repeated rows", "kept and reported"),
    "Y19": Row("`download:`", "never run, reported"),
    "Y20": Row(
        "classification folders",
        "read; sorted names of `train`; a class of another split only: reported",
        "such a class: error; else the same",
    ),
    "Y21": Row("numbers written", "read back within a millionth of a pixel"),
    "Y22": Row(
        "rotated images (EXIF); unreadable images",
        "6 and 8 swapped; 5 and 7 reported; unreadable: error",
        "5, 7 and unreadable: error",
    ),
    "Y23": Row(
        "images that differ only in the suffix", "reported; written under different names", ERROR
    ),
    "Y24": Row("linked folders", "followed inside only, once; others reported", "others: error"),
    "Y25": Row("unknown keys of the yaml", "kept"),
    "Y26": Row("`.cache` files", "ignored"),
    "Y27": Row("written without a split `val` or `train`", "names the other one, and says so"),
    "Y28": Row(
        "written without a task",
        "by the shapes: outlines `segment`, keypoints `pose`, turned boxes `obb`; never mixed",
    ),
    "Y29": Row(
        "`image-sizes.jsonl`", "lists every image; one without annotation has no label file"
    ),
    "Y30": Row(
        "folders of any names: labels beside the images, below them or in another folder",
        "found by an image of the same name; another folder than `labels` noted, two of them: error",
    ),
    "Y31": Row(
        "`image-sizes.jsonl` in any order, with bad lines, without images",
        "gives sizes and the list of images; bad lines reported",
        "bad lines: error; else the same",
    ),
    "Y32": Row(
        "DOTA: corners in pixels, class names, difficult objects",
        "turned boxes with their names; other rows: error",
    ),
    "Y33": Row(
        "lists of classes where tools put them; empty ones, several",
        "read; empty: reported; lists that differ: error",
        "empty or different: error; else the same",
    ),
    "Y34": Row("images of two splits with one name", "kept apart: named with their split"),
    "Y35": Row(
        "layouts of Ultralytics, Roboflow, Label Studio, LabelImg, Darknet, CVAT, the platform",
        "found without an option, with and without their images",
    ),
}

VOC = {
    "V01": Row(
        "corners from 0, or from 1 with the last pixel inside",
        "as the option says, exact both ways; signs of the other way reported",
        "a 0 where corners count from 1: error; else the same",
    ),
    "V02": Row("numbers in every notation; invalid numbers", "read; error"),
    "V03": Row("any number of objects", "read; none is background"),
    "V04": Row("flags missing, empty, 0/1, true/false, text", "three states"),
    "V05": Row(
        "no size, or 0", "from the image file, noted; else reported", "without an image: error"
    ),
    "V06": Row(
        "parts of objects",
        "separate shapes that name their object",
        "broken ones: error; else the same",
    ),
    "V07": Row(
        "polygons as `x1 y1 …` or `pt`",
        "both read; broken ones reported",
        "broken ones: error; else the same",
    ),
    "V08": Row("`segmented`; mask images", "kept; reported"),
    "V09": Row("attributes, actions, points, source, folder, path", "kept; no path is opened"),
    "V10": Row(
        "`filename` missing, without suffix, another than the file's, with folders",
        "found; conflicts reported",
        "missing or in conflict: error; else the same",
    ),
    "V11": Row("order, namespaces, encodings; broken files", "by the rules of XML; broken: error"),
    "V12": Row(
        "corners swapped, equal, negative, beyond the image",
        "swapped back and reported; else kept",
        "swapped: error; else the same",
    ),
    "V13": Row("class names of any text; none", "kept, escaped; none: error"),
    "V14": Row("document types, entities, instructions; size and depth", ERROR, ERROR),
    "V15": Row(
        "split lists, with or without a column",
        "read and written; what does not fit reported",
        "what does not fit: error; else the same",
    ),
    "V16": Row("objects without a box", "box of the polygon; else error"),
    "V17": Row(
        "written files", "every customary tag in the customary order; unchanged when written again"
    ),
    "V18": Row(
        "where images lie: a devkit, folders of any names, beside the files, a folder for each split",
        "found by the first names; never outside of the source",
    ),
    "V19": Row(
        "images of two splits with one name", "both kept; the later one named with its folder"
    ),
}

VIDEO = {
    "T01": Row(
        "the platform's dialect",
        "read and written exactly; records without a video or track reported",
        "such records: error; else the same",
    ),
    "T02": Row(
        "COCO-VID and TAO",
        "read; without a track: reported",
        "without a track: error; else the same",
    ),
    "T03": Row("YouTube-VIS", "read; masks become boxes, a loss", "masks: error; else the same"),
    "T04": Row("one track id in two videos", "two tracks"),
    "T05": Row(
        "frames in no order, gaps, counted from 0 or 1, unknown",
        "in order, gaps end a part; unknown reported",
        "unknown: error; else the same",
    ),
    "T06": Row(
        "keyframe marks",
        "none anywhere: all frames are keys; none on one track: reported",
        "none on one track: error; else the same",
    ),
    "T07": Row("a change of category inside a track", "the most frequent, reported", ERROR),
    "T08": Row(
        "two annotations of a track on a frame",
        "polygons together; boxes reported",
        "boxes: error; else the same",
    ),
}

PAGES = {"COCO": COCO, "Video COCO": VIDEO, "YOLO": YOLO, "Pascal VOC": VOC}
