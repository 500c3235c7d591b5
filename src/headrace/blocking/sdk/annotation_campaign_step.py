"""The module of the official client for AnnotationCampaignStep."""

from headrace.blocking._generated import AnnotationCampaignStep

__all__ = ["AnnotationCampaignStep"]
