"""The module of the official client for Annotation."""

from headrace.blocking._generated import Annotation, MultiAnnotation

__all__ = ["Annotation", "MultiAnnotation"]
