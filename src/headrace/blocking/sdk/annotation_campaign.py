"""The official client's name for AnnotationCampaign."""

from headrace.blocking._generated import AnnotationCampaign

__all__ = ["AnnotationCampaign"]
