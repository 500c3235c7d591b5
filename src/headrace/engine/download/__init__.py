"""Downloads of files."""
