"""Compile the filters of listings to SQL conditions: query language, metadata, statuses and types."""

from headrace.platform.filters.listings import (
    Filters,
    LabelFilters,
    compile_asset_filters,
    compile_assignment_filters,
    compile_data_filters,
    compile_label_filters,
    has_only_task_filters,
    has_task_filters,
)

__all__ = [
    "Filters",
    "LabelFilters",
    "compile_asset_filters",
    "compile_assignment_filters",
    "compile_data_filters",
    "compile_label_filters",
    "has_only_task_filters",
    "has_task_filters",
]
