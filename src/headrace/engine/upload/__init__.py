"""Upload files to a datalake, and push them into a version."""
