"""The JSON objects of the commands for servers and the command line itself."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from tools.documents.base import Document, Part


class ServeDocument(Document):
    """headrace serve, when it is ready."""

    url: str
    lake: str
    metrics: str | UnsetType = UNSET


class CodeBody(Part):
    """A code and its title."""

    code: str
    title: str


class CodesDocument(Document):
    """headrace explain."""

    codes: list[CodeBody]


class CodeDocument(CodeBody):
    """headrace explain CODE."""

    schema: str
    rule: str
    example: str
    lenient: str
    strict: str
    cure: str


class CompletionDocument(Document):
    """headrace completion."""

    shell: str
    script: str


class ProgramVersionDocument(Document):
    """headrace --version."""

    version: str


PROGRAM: dict[str, type[Struct]] = {
    "headrace.serve/1": ServeDocument,
    "headrace.explain/1 (all codes)": CodesDocument,
    "headrace.explain/1 (one code)": CodeDocument,
    "headrace.completion/1": CompletionDocument,
    "headrace.version/1": ProgramVersionDocument,
}
"""The class of each form."""
