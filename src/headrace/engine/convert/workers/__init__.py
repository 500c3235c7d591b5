"""Worker processes of a conversion."""
