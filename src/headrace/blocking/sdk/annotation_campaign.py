"""The module of the official client for AnnotationCampaign."""

from headrace.blocking._generated import AnnotationCampaign

__all__ = ["AnnotationCampaign"]
