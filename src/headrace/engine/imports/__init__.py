"""Import annotation files into a version."""
