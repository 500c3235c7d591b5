"""The official client's name for AnnotationCampaignStep."""

from headrace.blocking._generated import AnnotationCampaignStep

__all__ = ["AnnotationCampaignStep"]
