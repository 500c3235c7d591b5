"""The digest of a version's content."""
