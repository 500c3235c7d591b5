"""The official client's name for AnnotationCampaignAssignment."""

from headrace.blocking._generated import AnnotationCampaignAssignment

__all__ = ["AnnotationCampaignAssignment"]
