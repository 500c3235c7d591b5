"""Export a version to annotation files."""
