"""Assets of a version."""
