"""The public surface: each public package shows the names listed here, documented, and loads them late."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
import subprocess
import sys

import pytest

import headrace

HANDLES = """
    Annotation Asset Classification Client Data DataSource Datalake Dataset DatasetVersion Job Label LabelGroup
    Line Mask MultiAnnotation MultiAsset MultiData Point Polygon Processing Rectangle Removal Tag User Worker
"""

PUBLIC = {
    "headrace": HANDLES
    + """
        AnnotationCampaign AnnotationCampaignAssignment AnnotationCampaignStep AnnotationStatus AssignmentStatus CheckFault CheckReport
        CampaignStepType ConversionReport CopyLoss CopyReport DataType DataUploadStatus ExportReport HeadraceError ImportAnnotationMode
        ImportReport InferenceType JobRunStatus JobStatus LabelInfo NameFilter ProcessingTargetType ProcessingType ProgressEvent
        PushReport Sample SyncReport TagTarget Timeout TransferReport VerifyReport VersionDigest __version__ blocking connect convert
        check_lake
        copy_version create_lake errors backup_lake restore_lake list_snapshots collect_garbage lake_usage migrate_lake reopen_lake
        BackupReport MigrationReport RestoreReport SnapshotRecord GarbageReport LakeUsage
        formats
    """,
    "headrace.blocking": HANDLES
    + "check_lake connect convert copy_version create_lake backup_lake restore_lake list_snapshots collect_garbage lake_usage migrate_lake "
    "reopen_lake",
    "headrace.formats": """
        Capability ChunkedReader ConvertKeywords Finding FindingText Findings Format FormatInfo Guess Loss Occurrence Pass Place ReadKeywords ReadOptions Reader Samples
        Severity WHOLE WriteKeywords WriteOptions Writer all_formats detect get losses names read write
    """,
    "headrace.processing": (
        "BlockingContext Context LaunchContext blocking_context_of_job context_of_job"
    ),
    "headrace.errors": """
        APIError AuthenticationError BackupError BadGatewayError BadRequestError ChecksumError ConfigurationError ConflictError
        ConnectError ConservationError CorruptionError DatabaseError DeleteLimitError DigestMismatchError DiskFullError EventLoopError FormatError FormatPackageError FormatPackageWarning HeadraceError HeadraceWarning
        InsufficientResourcesError JobFailedError LakeBusyError LakeError LakeHeldError LakeLostError LakeVersionError LockedError
        LossyWriteError MissingExtraError NoDataError NotALakeError NotFoundError ObjectNotFoundError ParseError
        PartialTransferError PermissionDeniedError RateLimitError ReadOnlyLakeError RefusedUrlError RemovalNotRecordedError RequestTooLargeError STATUS_CLASSES ServerError
        SourceNotFoundError StorageError TransferError TransferTimeoutError UnavailableError UniqueViolationError
        UnknownFormatError UnprocessableEntityError UnsupportedError UnusableFileError WaitTimeoutError WorkerProcessError error_for_status
    """,
    "headrace.testing.database_conformance": """
        ClosingConformance DatabaseConformance StreamConformance TransactionConformance ValuesConformance
    """,
    "headrace.testing.fault_server": """
        FaultServer Reply Seen changed cut dropped expired fault_server packed redirect refuse spoiled
    """,
    "headrace.testing.formats": "FormatConformance",
    "headrace.testing.objects_conformance": (
        "ObjectStoreConformance PartsConformance WholeObjectsConformance"
    ),
}
"""What the public packages show. A name that goes or comes here is a change that users notice: see CHANGELOG.md."""

UNDOCUMENTED = {"STATUS_CLASSES", "WHOLE", "__version__"}
"""Values, which cannot carry a docstring of their own."""


@pytest.mark.parametrize("package", PUBLIC)
def test_a_public_package_shows_these_names(package: str) -> None:
    assert sorted(importlib.import_module(package).__all__) == sorted(PUBLIC[package].split())


def test_all_of_testing_is_public() -> None:
    testing = importlib.import_module("headrace.testing")
    modules = {
        f"headrace.testing.{each.name}"
        for each in pkgutil.iter_modules(testing.__path__)
        if not each.name.startswith("_")
    }
    assert modules == {name for name in PUBLIC if name.startswith("headrace.testing.")}


@pytest.mark.parametrize(
    ("package", "name"),
    [(package, name) for package, names in PUBLIC.items() for name in names.split()],
)
def test_a_public_name_says_what_it_is(package: str, name: str) -> None:
    thing = getattr(importlib.import_module(package), name)
    if name in UNDOCUMENTED:
        return
    assert (thing.__doc__ or "").strip()
    if not inspect.isclass(thing) or not thing.__module__.startswith("headrace."):
        return
    members = {
        member: attribute
        for member, attribute in vars(thing).items()
        if not member.startswith("_")
        and (inspect.isfunction(attribute) or isinstance(attribute, property))
    }
    without = [member for member, attribute in members.items() if not inspect.getdoc(attribute)]
    assert not without or package.startswith("headrace.testing")


def test_the_names_for_the_type_checker_are_the_names() -> None:
    tree = ast.parse(inspect.getsource(headrace))
    (guarded,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        alias.asname or alias.name: node.module
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert {**seen, "__version__": "headrace._version"} == headrace._HOMES
    assert set(headrace.__all__) == set(dir(headrace))
    assert list(headrace.__all__) == sorted(headrace.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'conect'"):
        _ = headrace.conect  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "statement", ["headrace", "headrace.blocking", "headrace.sdk.client.connect"]
)
def test_importing_loads_no_driver(statement: str) -> None:
    """Databases, HTTP and formats are loaded when something is opened."""
    heavy = ("aiohttp", "apsw", "lxml", "yaml", "rich", "cyclopts", "uvloop", "PIL")
    code = f"import sys, json, {statement}; print(json.dumps(sorted(set({heavy!r}) & set(sys.modules))))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
