"""The bulk import of annotations."""
