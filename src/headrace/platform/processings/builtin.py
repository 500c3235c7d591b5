"""The processings that every lake has: they come with headrace and are in no table."""

from __future__ import annotations

from headrace.model.enums import ProcessingTargetType, ProcessingType
from headrace.model.records import ParameterRecord
from headrace.platform.processings.programs import Program, RegisteredProcessing

BUILTIN = (
    RegisteredProcessing(
        no=1,
        # No registered one is so old: the ids can never meet.
        created=0,
        name="find-duplicates",
        target=ProcessingTargetType.DATASET_VERSION,
        type=ProcessingType.AUTO_TAGGING,
        description="Tag the assets whose image is in the version already: the same bytes, or a similar picture.",
        program=Program(callable="headrace.processing.duplicates:find_duplicates"),
        folder="",
        parameters=[
            ParameterRecord(name="method", default="content", choices=["content", "perceptual"]),
            ParameterRecord(name="distance", default=4),
            ParameterRecord(name="tag", default="duplicate"),
            ParameterRecord(name="keep_first", default=True),
        ],
        version_types=[],
        cpu=1,
        gpu=0,
    ),
)
