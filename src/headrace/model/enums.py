"""The platform's enumerations, with the exact values of the wire protocol (upper case)."""

from __future__ import annotations

from enum import StrEnum
from typing import Self, TypeVar

from headrace.errors import BadRequestError

E = TypeVar("E", bound="WireEnum")


class UnknownMemberError(BadRequestError, TypeError):
    """A text is not one of an enumeration's. Also a ``TypeError``, as with the official client."""


class WireEnum(StrEnum):
    """An enumeration whose members equal their text on the wire."""

    @classmethod
    def parse(cls, value: Self | str) -> Self:
        """Return the member for a member, or for a name or value in any letter case.

        Raises:
            UnknownMemberError: No member matches; the hint lists the members.
        """
        if isinstance(value, cls):
            return value
        found = cls._parse_text(str(value).upper())
        if found is None:
            names = ", ".join(member.value for member in cls)
            raise UnknownMemberError(f"unknown {cls.__name__} {value!r}", hint=f"one of {names}")
        return found

    @classmethod
    def validate(cls, token: Self | str) -> Self:
        """Return the member for a member, a name or a value; the official client's name of ``parse``."""
        return cls.parse(token)

    @classmethod
    def values(cls) -> list[str]:
        """Return the texts of all members."""
        return [member.value for member in cls]

    @classmethod
    def _parse_text(cls, text: str) -> Self | None:
        return cls.__members__.get(text) or next((m for m in cls if m.value == text), None)


class InferenceType(WireEnum):
    """What a dataset version is annotated for; it decides which geometry an import keeps."""

    NOT_CONFIGURED = "NOT_CONFIGURED"
    CLASSIFICATION = "CLASSIFICATION"
    OBJECT_DETECTION = "OBJECT_DETECTION"
    SEGMENTATION = "SEGMENTATION"
    POINT = "POINT"
    KEYPOINT = "KEYPOINT"
    LINE = "LINE"
    MASK = "MASK"
    MULTI = "MULTI"


class DataType(WireEnum):
    """Whether a file is an image or a video."""

    IMAGE = "IMAGE"
    VIDEO = "VIDEO"


class DataUploadStatus(WireEnum):
    """How far the platform is with reading an uploaded file; DONE once its size is known."""

    PENDING = "PENDING"
    COMPUTING = "COMPUTING"
    ERROR = "ERROR"
    DONE = "DONE"


class AnnotationStatus(WireEnum):
    """Where an annotation stands in its review."""

    PENDING = "PENDING"
    SKIPPED = "SKIPPED"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"


class ImportAnnotationMode(WireEnum):
    """What an import does with an asset that already has an annotation.

    ``SKIP`` is parsed as ``KEEP``: the platform's documentation uses both names, its wire protocol only the latter.
    """

    REPLACE = "REPLACE"
    KEEP = "KEEP"
    CONCATENATE = "CONCATENATE"

    @classmethod
    def _parse_text(cls, text: str) -> ImportAnnotationMode | None:
        return super()._parse_text("KEEP" if text == "SKIP" else text)


class AnnotationFileType(WireEnum):
    """The file formats in which the platform itself exports annotations."""

    PASCAL_VOC = "PASCAL_VOC"
    COCO = "COCO"
    YOLO = "YOLO"


class AnnotationExportKey(WireEnum):
    """The name by which an annotation file refers to an asset."""

    ASSET_ID = "ASSET_ID"
    DATA_ID = "DATA_ID"
    FILENAME = "FILENAME"
    OBJECT_NAME = "OBJECT_NAME"


class TagTarget(WireEnum):
    """The kind of object that a tag can be attached to."""

    DATA = "DATA"
    ASSET = "ASSET"
    MODEL_VERSION = "MODEL_VERSION"
    MODEL = "MODEL"
    DATASET_VERSION = "DATASET_VERSION"
    DATASET = "DATASET"
    DEPLOYMENT = "DEPLOYMENT"
    PREDICTED_ASSET = "PREDICTED_ASSET"


class JobStatus(WireEnum):
    """Status of a job (v1)."""

    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    TERMINATED = "TERMINATED"
    FAILED = "FAILED"


class JobRunStatus(WireEnum):
    """Status of a job run (v2)."""

    PENDING = "PENDING"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    KILLED = "KILLED"


class CampaignStepType(WireEnum):
    """What is done in a step of an annotation campaign."""

    ANNOTATION = "ANNOTATION"
    REVIEW = "REVIEW"
    QUALITY_CONTROL = "QUALITY_CONTROL"


class AssignmentStatus(WireEnum):
    """How far an assignment of an annotation campaign is in its step."""

    TO_DO = "TO_DO"
    TO_REWORK = "TO_REWORK"
    DONE = "DONE"
    SKIPPED = "SKIPPED"


class ProcessingTargetType(WireEnum):
    """What a processing runs on."""

    DATASET_VERSION = "DATASET_VERSION"
    MODEL_VERSION = "MODEL_VERSION"
    DATALAKE = "DATALAKE"


class ProcessingType(WireEnum):
    """What a processing is for."""

    PRE_ANNOTATION = "PRE_ANNOTATION"
    DATA_AUGMENTATION = "DATA_AUGMENTATION"
    DATASET_VERSION_CREATION = "DATASET_VERSION_CREATION"
    AUTO_TAGGING = "AUTO_TAGGING"
    AUTO_ANNOTATION = "AUTO_ANNOTATION"
    DATA_AUTO_TAGGING = "DATA_AUTO_TAGGING"
    MODEL_COMPRESSION = "MODEL_COMPRESSION"
    MODEL_CONVERSION = "MODEL_CONVERSION"


class ProcessingInputType(WireEnum):
    """The type of an input of a processing."""

    TEXT = "TEXT"
    NUMBER = "NUMBER"
    DATASET_VERSION = "DATASET_VERSION"
    MODEL_VERSION = "MODEL_VERSION"
    MODEL = "MODEL"
    DATALAKE = "DATALAKE"
    DATASET = "DATASET"


class Framework(WireEnum):
    """The framework of a model."""

    TENSORFLOW = "TENSORFLOW"
    PYTORCH = "PYTORCH"
    ONNX = "ONNX"
    NOT_CONFIGURED = "NOT_CONFIGURED"


class ObjectDataType(WireEnum):
    """The purpose of an object in the storage, part of the request for an object name."""

    AGENTS_REPORT = "AGENTS_REPORT"
    ARTIFACT = "ARTIFACT"
    DATA = "DATA"
    DATA_PROJECTION = "DATA_PROJECTION"
    LOGGING = "LOGGING"
    LOG_IMAGE = "LOG_IMAGE"
    MODEL_FILE = "MODEL_FILE"
    MODEL_THUMB = "MODEL_THUMB"
    CAMPAIGN_FILE = "CAMPAIGN_FILE"
    REVIEW_CAMPAIGN_FILE = "REVIEW_CAMPAIGN_FILE"


class AttributeType(WireEnum):
    """The type of an attribute of a shape or an annotation."""

    STRING = "STRING"
    INTEGER = "INTEGER"
    FLOAT = "FLOAT"
    BOOLEAN = "BOOLEAN"
