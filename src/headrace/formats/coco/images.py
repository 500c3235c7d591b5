"""COCO images to samples."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from headrace.formats.coco import repair
from headrace.formats.coco.report import Reporter
from headrace.formats.coco.schema import ImageRecord, Learner, Odd
from headrace.formats.findings import Severity
from headrace.model.sample import Sample
from headrace.model.shapes import Attributes


class SampleMaker:
    """Makes samples of images; what is odd about them is reported."""

    def __init__(self, learner: Learner[ImageRecord], report: Reporter, *, annotated: bool) -> None:
        self._learner = learner
        self._report = report
        self._annotated = annotated

    def make(self, record: ImageRecord | Odd) -> Sample | None:
        """The sample of an image, or None where it has no id or no name (reported, with the image as dropped)."""
        if isinstance(record, Odd):
            cleaned = self._cleaned(record)
            if cleaned is None:
                return None
            image, extra = cleaned
        else:
            image = record
            extra = self._learner.extra(record) if self._learner.has_learnt else None
            if image.id is None or not image.file_name or not image.width or not image.height:
                self._report.about(f"image {image.id}", lambda: Odd(b""))
        return self._sample(image, extra)

    def _cleaned(self, odd: Odd) -> tuple[ImageRecord, Attributes | None] | None:
        self._report.about("image", lambda: odd)
        values = repair.parse(odd.text, lambda *a, **k: self._report(*a, **k, dropped_images=0))
        if values is None:
            self._report(
                "C18",
                "an image that cannot be read, dropped",
                severity=Severity.ERROR,
                dropped_images=1,
            )
            return None
        self._report.about(f"image {values.get('id')}", lambda: odd)
        return repair.image(values, self._report)

    def _sample(self, image: ImageRecord, extra: Attributes | None) -> Sample | None:
        if image.id is None:
            self._report(
                "C18", "an image without an id, dropped", severity=Severity.ERROR, dropped_images=1
            )
            return None
        name = image.file_name or self._name_of_url(extra)
        if not name:
            self._report(
                "C19",
                "an image without a file name, dropped",
                severity=Severity.ERROR,
                dropped_images=1,
            )
            return None
        if "\\" in name or "://" in name:
            # The file's own spelling goes back into a file of this format.
            extra = {"file_name": name, **(extra or {})}
            name = _plain_name(name)
        if not image.width or not image.height or image.width < 0 or image.height < 0:
            self._report("C20", "an image without width and height")
            image.width = image.height = None
        return Sample(
            filename=name,
            width=image.width,
            height=image.height,
            id=image.id,
            attributes=image.attributes,
            extra=extra or None,
            annotated=self._annotated,
        )

    def _name_of_url(self, extra: Attributes | None) -> str | None:
        # LVIS v1 names its images by their address alone.
        url = (extra or {}).get("coco_url") or (extra or {}).get("flickr_url")
        if not isinstance(url, str):
            return None
        self._report(
            "C19", "an image without file_name, named by its address", severity=Severity.NOTE
        )
        return _plain_name(url)


def _plain_name(name: str) -> str:
    if "://" in name:
        return unquote(urlsplit(name).path).rpartition("/")[2]
    return name.replace("\\", "/")
