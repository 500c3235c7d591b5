"""Assets, annotations and labels of a version."""
