"""The official client's name for Annotation."""

from headrace.blocking._generated import Annotation, MultiAnnotation

__all__ = ["Annotation", "MultiAnnotation"]
