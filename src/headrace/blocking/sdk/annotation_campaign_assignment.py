"""The module of the official client for AnnotationCampaignAssignment."""

from headrace.blocking._generated import AnnotationCampaignAssignment

__all__ = ["AnnotationCampaignAssignment"]
