"""The filters of listings as SQL conditions: query language, metadata, statuses, types."""

from headrace.platform.filters.listings import (
    Filters,
    about_tasks,
    about_tasks_alone,
    compile_asset_filters,
    compile_assignment_filters,
    compile_data_filters,
)

__all__ = [
    "Filters",
    "about_tasks",
    "about_tasks_alone",
    "compile_asset_filters",
    "compile_assignment_filters",
    "compile_data_filters",
]
